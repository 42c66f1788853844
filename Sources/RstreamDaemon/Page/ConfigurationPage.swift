// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `GET /config`: what `GET /v1/config` says, for people.
enum ConfigurationPage {
    static func html(_ document: JSONValue) -> String {
        PageFiles.configuration.filled(["configuration": .lines(lines(document))])
    }

    /// The lines of a JSON document, indented; what stands inside of another is two columns further in.
    static func lines(_ value: JSONValue) -> [String] {
        switch value {
        case .array(let items) where !items.isEmpty: ["["] + inner(items.map { ("", $0) }) + ["]"]
        case .object(let fields) where !fields.isEmpty:
            ["{"] + inner(fields.sorted { $0.key < $1.key }.map { ("\($0.key.quotedJSON): ", $0.value) }) + ["}"]
        case .null: ["null"]
        case .bool(let value): ["\(value)"]
        case .integer(let value): ["\(value)"]
        case .number(let value): ["\(value)"]
        case .text(let text): [text.quotedJSON]
        case .array: ["[]"]
        case .object: ["{}"]
        }
    }

    private static func inner(_ members: [(name: String, value: JSONValue)]) -> [String] {
        members.enumerated().flatMap { index, member in
            var inner = lines(member.value)
            inner[0] = member.name + inner[0]
            if index < members.count - 1 { inner[inner.count - 1] += "," }
            return inner.map { "  \($0)" }
        }
    }
}
