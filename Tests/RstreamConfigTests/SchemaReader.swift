// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing
import YAML

@testable import RstreamConfig

/// As much of a validator as the schemas need. The integration tests judge them with a whole one.
struct SchemaReader {
    private let root: Node

    /// Read once for all tests.
    private static let roots: [ConfigurationSchema: Node] = ConfigurationSchema.allCases.reduce(into: [:]) {
        $0[$1] = try? Document(parsing: $1.text).root
    }

    init(_ schema: ConfigurationSchema) throws {
        root = try #require(Self.roots[schema])
    }

    /// The schema of a key, by its path; nil where there is none.
    func property(_ path: String) -> Node? {
        path.split(separator: ".").reduce(root as Node?) { node, word in
            node.flatMap { find(String(word), in: $0) }
        }
    }

    /// The property of a mapping, or of the mappings that a list or a mapping with names holds.
    private func find(_ word: String, in schema: Node) -> Node? {
        if let found = schema["properties"]?[word] { return found }
        let inner =
            ["items", "additionalProperties", "else"].compactMap { schema[$0] } + (schema["anyOf"]?.items ?? [])
        for candidate in [target(of: schema)].compactMap({ $0 }) + inner {
            if let found = find(word, in: candidate) { return found }
        }
        return nil
    }

    private func target(of schema: Node) -> Node? {
        guard let name = schema["$ref"]?.scalarText?.split(separator: "/").last else { return nil }
        return root["$defs"]?[String(name)]
    }

    /// Whether a whole file is valid.
    func accepts(_ file: Node) throws -> Bool { try accepts(file, by: root) }

    /// Whether a value, as it is written in YAML, is valid by a schema of this document.
    func accepts(_ value: String, by schema: Node) throws -> Bool {
        try accepts(try #require(try Document(parsing: value).root), by: schema)
    }

    private func accepts(_ value: Node, by schema: Node) throws -> Bool {
        guard case .mapping(let rules) = schema.content else { return schema.scalarText != "false" }
        for rule in rules where try !accepts(value, by: rule.value, named: rule.key, of: schema) { return false }
        return true
    }

    private func accepts(_ value: Node, by rule: Node, named name: String, of schema: Node) throws -> Bool {
        switch name {
        case "$schema", "$defs", "title", "description", "then", "else": return true
        case "$ref": return try accepts(value, by: #require(target(of: schema)))
        case "type": return value.types.contains { type in (rule.items ?? [rule]).contains { $0.scalarText == type } }
        case "const": return value.types.contains("boolean") && value.scalarText == rule.scalarText
        case "enum":
            return value.types.contains("string") && rule.items?.contains { $0.scalarText == value.scalarText } == true
        case "pattern":
            guard value.types.contains("string") else { return true }
            return try (value.scalarText ?? "").firstMatch(of: Regex(#require(rule.scalarText))) != nil
        case "minimum": return try value.number.map { try $0 >= #require(rule.number) } ?? true
        case "maximum": return try value.number.map { try $0 <= #require(rule.number) } ?? true
        case "maxLength":
            return try !value.types.contains("string")
                || (value.scalarText ?? "").unicodeScalars.count <= Int(#require(rule.number))
        case "maxItems": return try (value.items?.count ?? 0) <= Int(#require(rule.number))
        case "maxProperties": return try (value.members?.count ?? 0) <= Int(#require(rule.number))
        case "anyOf": return try rule.items?.contains { try accepts(value, by: $0) } == true
        case "items": return try value.items?.allSatisfy { try accepts($0, by: rule) } ?? true
        case "if": return try accepts(value, by: #require(schema[accepts(value, by: rule) ? "then" : "else"]))
        case "required":
            return value.members.map { members in
                (rule.items ?? []).allSatisfy { word in members.contains { $0.key == word.scalarText } }
            } ?? true
        case "propertyNames":
            return try value.members?.allSatisfy {
                try accepts(Node(Node.Scalar(text: $0.key, style: .doubleQuoted), span: $0.keySpan), by: rule)
            } ?? true
        case "properties":
            return try value.members?.allSatisfy { member in
                try rule[member.key].map { try accepts(member.value, by: $0) } ?? true
            } ?? true
        case "additionalProperties":
            return try value.members?.allSatisfy { member in
                try schema["properties"]?[member.key] != nil || accepts(member.value, by: rule)
            } ?? true
        default:
            Issue.record("the schema has \(name), which this does not know")
            return true
        }
    }
}

extension Node {
    var scalarText: String? { if case .scalar(let scalar) = content { scalar.text } else { nil } }
    fileprivate var items: [Node]? { if case .sequence(let items) = content { items } else { nil } }
    fileprivate var members: [Pair]? { if case .mapping(let pairs) = content { pairs } else { nil } }
    fileprivate var number: Double? { types.contains("number") ? scalarText.flatMap(Double.init) : nil }

    /// What JSON Schema calls its type, as YAML 1.2 reads it.
    fileprivate var types: [String] {
        switch content {
        case .mapping: return ["object"]
        case .sequence: return ["array"]
        case .scalar(let scalar):
            if scalar.isNull { return ["null"] }
            guard scalar.style == .plain else { return ["string"] }
            if Int(scalar.text) != nil { return ["integer", "number"] }
            if scalar.text.contains(where: \.isNumber), Double(scalar.text) != nil { return ["number"] }
            return ["true", "false", "True", "False", "TRUE", "FALSE"].contains(scalar.text) ? ["boolean"] : ["string"]
        }
    }
}
