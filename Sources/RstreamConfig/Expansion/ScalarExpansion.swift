// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// The daemon file's variables: `${NAME}`, `${NAME:-default}` and `$${` for a literal `${`, inside values only and
/// after the YAML was read, so that no value can change the structure of the file (contract §3.1).
struct ScalarExpansion {
    /// Why a value cannot be expanded.
    enum Failure: Error, Hashable {
        case unset(String)
        case notAName
        case unclosed
        case tooLong
    }

    private let variables: VariableTable
    /// How many more bytes values may become, so that a small file with a large variable stays small.
    private var remaining: Int

    init(environment: [String: String], limit: Int) {
        variables = VariableTable(environment)
        remaining = limit
    }

    /// The tree with every value expanded. A value that cannot be is complained about once and stays as it is.
    mutating func expand(_ node: Node, in file: SourceFile, _ report: inout Report) -> Node {
        switch node.content {
        case .scalar(let scalar):
            guard scalar.text.firstRange(ofBytes: "${") != nil else { return node }
            do throws(Failure) {
                let text = try expand(scalar.text)
                return Node(Node.Scalar(text: text, style: scalar.style, tag: scalar.tag), span: node.span)
            } catch {
                report.settle(error.message, hint: error.hint, at: node.span, in: file)
                return node
            }
        case .sequence(let items):
            var expanded: [Node] = []
            for item in items { expanded.append(expand(item, in: file, &report)) }
            return node.replacing(.sequence(expanded))
        case .mapping(let pairs):
            var expanded: [Node.Pair] = []
            for pair in pairs {
                let value = expand(pair.value, in: file, &report)
                expanded.append(Node.Pair(key: pair.key, keySpan: pair.keySpan, value: value))
            }
            return node.replacing(.mapping(expanded))
        }
    }

    /// One value expanded. What a variable holds is not looked at again.
    mutating func expand(_ text: String) throws(Failure) -> String {
        var output = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(ofByte: "$") {
            output += rest[..<dollar]
            rest = rest[dollar...]
            if rest.startsWithBytes(of: "$${") {
                output += "${"
                rest = rest[rest.utf8.index(dollar, offsetBy: 3)...]
            } else if rest.startsWithBytes(of: "${") {
                guard let brace = rest.firstIndex(ofByte: "}") else { throw .unclosed }
                let value = try value(of: rest[rest.utf8.index(dollar, offsetBy: 2)..<brace])
                remaining -= value.utf8.count
                guard remaining >= 0 else { throw .tooLong }
                output += value
                rest = rest[rest.utf8.index(after: brace)...]
            } else {
                output += "$"
                rest = rest[rest.utf8.index(after: dollar)...]
            }
        }
        return output + rest
    }

    private func value(of reference: Substring) throws(Failure) -> String {
        let separator = reference.firstRange(ofBytes: ":-")
        let name = String(separator.map { reference[..<$0.lowerBound] } ?? reference)
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first),
            name.unicodeScalars.allSatisfy(TextExpansion.isNamePart)
        else { throw .notAName }
        let value = variables[name]
        guard let separator else {
            guard let value else { throw .unset(name.shortened) }
            return value
        }
        // As in a shell, a variable that holds nothing also takes the default.
        guard let value, !value.isEmpty else { return String(reference[separator.upperBound...]) }
        return value
    }
}

extension ScalarExpansion.Failure {
    fileprivate var message: Wording {
        switch self {
        case .unset(let name): "environment variable \"\(name)\" is not set"
        // Not repeated: it may be a part of a password that happens to hold "${".
        case .notAName: "\"${...}\" does not hold the name of an environment variable"
        case .unclosed: "\"${\" without \"}\""
        case .tooLong: "the variables of this file expand to too much text"
        }
    }

    fileprivate var hint: Wording {
        switch self {
        case .unset(let name): "set it, or give a default: ${\(name):-...}"
        case .notAName: "expected ${NAME} or ${NAME:-default}; $${ stands for ${"
        case .unclosed: "$${ stands for ${"
        case .tooLong: "check what they are set to"
        }
    }
}

/// The variables of the environment, by the bytes of their names.
struct VariableTable: Sendable {
    private let values: [ByteKey: String]
    /// The bytes of the longest name.
    private let longest: Int

    init(_ environment: [String: String]) {
        values = Dictionary(environment.map { (ByteKey($0.key), $0.value) }) { first, _ in first }
        longest = environment.keys.map(\.utf8.count).max() ?? 0
    }

    /// What a variable holds; nil when it is not set.
    subscript(name: String) -> String? {
        name.utf8.count <= longest ? values[ByteKey(name)] : nil
    }
}
