// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
package import YAML

/// A configuration file as a tree, whatever it was written in. What is imported is read from one, and what comes of it
/// is another, which ``TreeWriter`` turns into YAML.
package struct Tree: Hashable, Sendable {
    /// What it is.
    package enum Content: Hashable, Sendable {
        /// A text in quotes.
        case text(String)
        /// Anything without quotes: a number, a boolean, a date, and in YAML a text.
        case word(String)
        case list([Tree])
        case table(Table)
    }

    /// What it is.
    package let content: Content
    /// Where it stands: how many Unicode scalars are before it. Zero for what stands in no file.
    package let place: Int

    /// A part of a file, or of what becomes one.
    package init(_ content: Content, at place: Int = 0) {
        self.content = content
        self.place = place
    }

    /// A text that needs no quotes unless its characters do.
    static func text(_ text: String) -> Tree { Tree(.text(text)) }

    static func word(_ word: some CustomStringConvertible) -> Tree { Tree(.word("\(word)")) }

    /// The same tree for one of YAML; nil for null.
    package init?(_ node: Node) {
        let place = node.span.start.index
        switch node.content {
        case .scalar(let scalar):
            guard !scalar.isNull else { return nil }
            self.init(scalar.style == .plain ? .word(scalar.text) : .text(scalar.text), at: place)
        case .sequence(let items):
            self.init(.list(items.compactMap(Tree.init)), at: place)
        case .mapping(let pairs):
            let kept = pairs.compactMap { pair in
                Tree(pair.value).map { Pair(key: pair.key, place: pair.keySpan.start.index, value: $0) }
            }
            self.init(.table(Table(kept)), at: place)
        }
    }

    /// The text of a scalar, without white space at its ends.
    var scalar: String? {
        switch content {
        case .text(let text), .word(let text): text.trimmed
        case .list, .table: nil
        }
    }

    /// The text of a scalar as far as a word goes.
    var word: String? { scalar?.cut(toBytes: 64) }

    var boolean: Bool? {
        guard let scalar, scalar.utf8.count <= 5 else { return nil }
        switch scalar.asciiLowercased {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: return nil
        }
    }

    var number: Int? {
        guard let scalar, scalar.utf8.count <= 20 else { return nil }
        return Int(scalar)
    }

    var items: [Tree]? {
        if case .list(let items) = content { items } else { nil }
    }

    var table: Table? {
        if case .table(let table) = content { table } else { nil }
    }

    /// The texts of a list, or the one that stands in its place.
    var texts: [String] { items.map { $0.compactMap(\.scalar) } ?? [scalar].compactMap(\.self) }
}

extension Tree {
    /// A key with its value.
    package struct Pair: Hashable, Sendable {
        package let key: String
        package let place: Int
        package var value: Tree

        package init(key: String, place: Int = 0, value: Tree) {
            self.key = key
            self.place = place
            self.value = value
        }
    }

    /// Keys with their values, in the order of the file.
    package struct Table: Hashable, Sendable {
        package private(set) var pairs: [Pair]

        package init(_ pairs: [Pair] = []) {
            self.pairs = pairs
        }

        var isEmpty: Bool { pairs.isEmpty }
    }
}

extension Tree.Table {
    private func index(of key: String) -> Int? {
        pairs.firstIndex { $0.key.isSameWord(as: key) }
    }

    /// The value at the end of a way through tables. Keys are found in upper and lower case, as Go's decoders do.
    subscript(path: String...) -> Tree? {
        var (table, found): (Self, Tree?) = (self, nil)
        for key in path {
            guard let index = table.index(of: key) else { return nil }
            found = table.pairs[index].value
            table = found?.table ?? Self()
        }
        return found
    }

    /// Takes a value out, so that in the end those are left that mean nothing here.
    mutating func take(_ path: String...) -> Tree? { take(path[...]) }

    mutating func take(_ path: ArraySlice<String>) -> Tree? {
        guard let key = path.first, let index = index(of: key) else { return nil }
        let value = pairs[index].value
        guard path.count > 1 else { return pairs.remove(at: index).value }
        guard var inner = value.table, let taken = inner.take(path.dropFirst()) else { return nil }
        if inner.isEmpty {
            pairs.remove(at: index)
        } else {
            pairs[index].value = Tree(.table(inner), at: value.place)
        }
        return taken
    }

    /// Takes the text of a scalar that is not blank; anything else stays.
    mutating func takeText(_ path: String...) -> String? {
        var rest = self
        guard let text = rest.take(path[...])?.scalar, !text.isEmpty else { return nil }
        self = rest
        return text
    }

    /// Takes a text that is compared with words, and is cut behind what any of them has: Swift compares characters, at
    /// the square of a run of combining marks.
    mutating func takeWord(_ path: String...) -> String? {
        var rest = self
        guard let word = rest.take(path[...])?.word, !word.isEmpty else { return nil }
        self = rest
        return word
    }

    /// Takes a number; anything else stays.
    mutating func takeNumber(_ path: String...) -> Int? {
        var rest = self
        guard let number = rest.take(path[...])?.number else { return nil }
        self = rest
        return number
    }

    /// Takes a boolean; anything else stays.
    mutating func takeBoolean(_ path: String...) -> Bool? {
        var rest = self
        guard let boolean = rest.take(path[...])?.boolean else { return nil }
        self = rest
        return boolean
    }

    /// Puts a value at the end of a way through tables, which are made; nothing without a value.
    package mutating func set(_ path: String..., to value: Tree?) {
        if let value { set(path[...], to: value) }
    }

    /// The same with the keys in a list.
    package mutating func set(_ path: ArraySlice<String>, to value: Tree) {
        guard let key = path.first else { return }
        let index = index(of: key)
        var new = value
        if path.count > 1 {
            var inner = index.flatMap { pairs[$0].value.table } ?? Self()
            inner.set(path.dropFirst(), to: value)
            new = Tree(.table(inner))
        }
        if let index {
            pairs[index].value = new
        } else {
            pairs.append(Tree.Pair(key: key, value: new))
        }
    }
}

extension String {
    /// Whether both have the same bytes, letters in either case.
    fileprivate func isSameWord(as other: String) -> Bool {
        utf8.elementsEqual(other.utf8) { $0 == $1 || ($0 ^ $1 == 0x20 && (0x61...0x7A).contains($0 | 0x20)) }
    }
}
