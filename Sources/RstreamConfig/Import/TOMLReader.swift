// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
package import YAML

/// Why a text is not TOML, or more of it than is taken.
package struct TOMLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in plain words. Never repeats a part of the text longer than one character.
    package let message: String
    /// What to do about it, where that is known.
    package let hint: String?
    /// Where it is.
    package let mark: Mark

    /// `line:column: message`.
    package var description: String { "\(mark.line):\(mark.column): \(message)" }
}

/// The same before lines are counted.
struct TOMLFault: Error {
    let message: String
    var hint: String?
    let place: Int
}

/// A part of a key: `a.b` has two.
struct TOMLKey {
    let text: String
    let place: Int
}

/// Reads TOML 1.0 into a tree, for files of other programs: frpc's.
///
/// All of its grammar is read. Dates are kept as they are written, numbers without underscores. Any text may be given:
/// its length, its depth, the length of keys and the number of parts have the limits that YAML has here. One pass; the
/// stack grows with the depth only.
package struct TOMLReader {
    private var scanner: TOMLScanner
    private var tables = TOMLTables(at: 0)
    private let limits: Limits
    /// Keys, values and items so far.
    private var parts = 0

    private init(_ scanner: TOMLScanner, limits: Limits) {
        self.scanner = scanner
        self.limits = limits
    }

    /// The table that a text is.
    package static func read(_ text: String, limits: Limits = Limits()) throws(TOMLError) -> Tree.Table {
        guard text.utf8.count <= limits.bytes else {
            throw TOMLError(message: "longer than \(limits.bytes) bytes", hint: nil, mark: .start)
        }
        do throws(TOMLFault) {
            var reader = TOMLReader(TOMLScanner(text), limits: limits)
            try reader.readLines()
            return reader.tables.table
        } catch {
            throw TOMLError(message: error.message, hint: error.hint, mark: LineTable(text).mark(at: error.place))
        }
    }

    private mutating func readLines() throws(TOMLFault) {
        var current = TOMLTables.root
        while true {
            try scanner.skipLines()
            guard let next = scanner.next else { return }
            if next == "[" {
                current = try header()
            } else {
                let (key, value) = try keyAndValue(depth: 0)
                try tables.add(value, as: key, to: current)
            }
            try scanner.endLine()
        }
    }

    /// `[a.b]` or `[[a.b]]`.
    private mutating func header() throws(TOMLFault) -> Int {
        let place = scanner.index
        _ = scanner.take("[")
        let isElement = scanner.take("[")
        let path = try key()
        guard scanner.take("]"), !isElement || scanner.take("]") else {
            throw TOMLFault(
                message: "a bracket is missing",
                hint: isElement ? "write \"[[name]]\"" : "write \"[name]\"",
                place: scanner.index
            )
        }
        return isElement ? try tables.append(path, at: place) : try tables.open(path, at: place)
    }

    private mutating func keyAndValue(depth: Int) throws(TOMLFault) -> (key: [TOMLKey], value: Tree) {
        let key = try key()
        guard scanner.take("=") else {
            throw TOMLFault(
                message: "there is no \"=\" behind the key",
                hint: "write \"key = value\"",
                place: scanner.index
            )
        }
        scanner.skipBlanks()
        return (key, try value(depth: depth))
    }

    /// The parts of a key, and the blanks around them.
    private mutating func key() throws(TOMLFault) -> [TOMLKey] {
        var path: [TOMLKey] = []
        repeat {
            scanner.skipBlanks()
            let place = scanner.index
            let text = try scanner.keyText()
            guard text.utf8.count <= limits.keyBytes else {
                throw TOMLFault(message: "a key of more than \(limits.keyBytes) bytes", place: place)
            }
            try count(at: place)
            path.append(TOMLKey(text: text, place: place))
            guard path.count <= limits.depth else { throw tooDeep(at: place) }
            scanner.skipBlanks()
        } while scanner.take(".")
        return path
    }

    private mutating func value(depth: Int) throws(TOMLFault) -> Tree {
        let place = scanner.index
        guard depth < limits.depth else { throw tooDeep(at: place) }
        try count(at: place)
        switch scanner.next {
        case "\"", "'": return Tree(.text(try scanner.string()), at: place)
        case "[": return Tree(.list(try items(depth: depth + 1)), at: place)
        case "{": return Tree(.table(try inlineTable(depth: depth + 1)), at: place)
        default: return Tree(.word(try scanner.word()), at: place)
        }
    }

    /// A list, which may have line ends and comments between its items and a comma behind the last one.
    private mutating func items(depth: Int) throws(TOMLFault) -> [Tree] {
        let start = scanner.index
        _ = scanner.take("[")
        var items: [Tree] = []
        while true {
            try scanner.skipLines()
            if scanner.take("]") { return items }
            guard scanner.next != nil else { throw TOMLFault(message: "\"[\" is never closed", place: start) }
            items.append(try value(depth: depth))
            try scanner.skipLines()
            if scanner.take(",") { continue }
            guard scanner.take("]") else {
                throw TOMLFault(
                    message: scanner.next == nil ? "\"[\" is never closed" : "a comma or \"]\" is missing",
                    place: scanner.next == nil ? start : scanner.index
                )
            }
            return items
        }
    }

    /// A table on one line, to which nothing is added later.
    private mutating func inlineTable(depth: Int) throws(TOMLFault) -> Tree.Table {
        let start = scanner.index
        _ = scanner.take("{")
        var inline = TOMLTables(at: start)
        scanner.skipBlanks()
        if scanner.take("}") { return inline.table }
        while true {
            let (key, value) = try keyAndValue(depth: depth)
            try inline.add(value, as: key, to: TOMLTables.root)
            scanner.skipBlanks()
            if scanner.take(",") { continue }
            guard scanner.take("}") else {
                throw TOMLFault(
                    message: "a comma or \"}\" is missing",
                    hint: "a table in { } stands on one line",
                    place: scanner.index
                )
            }
            return inline.table
        }
    }

    private mutating func count(at place: Int) throws(TOMLFault) {
        parts += 1
        guard parts <= limits.nodes else { throw TOMLFault(message: "more than \(limits.nodes) parts", place: place) }
    }

    private func tooDeep(at place: Int) -> TOMLFault {
        TOMLFault(message: "more than \(limits.depth) levels of nesting", place: place)
    }
}
