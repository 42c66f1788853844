// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// What editors and validators may know about the files: a JSON Schema (2020-12) of the daemon's own file, and one of the
/// tunnel files that it includes.
///
/// It is made of the table of keys that the reader goes by, so a key, a word or a range stands in both or in none. What
/// a check accepts, the schema accepts. The schema accepts more: what keys mean together, and what needs more than a
/// pattern, only a check knows.
package enum ConfigurationSchema: String, Sendable, CaseIterable {
    case daemon
    case tunnels

    /// The schema as a JSON text that ends with a newline.
    package var text: String { SchemaDocument(file: self).root.lines() + "\n" }

    var title: String {
        switch self {
        case .daemon: "rstreamd.yaml"
        case .tunnels: "tunnel files of rstreamd"
        }
    }

    /// What the file itself may not hold.
    var excluded: [String] {
        switch self {
        case .daemon: []
        case .tunnels: DaemonFileReader.ownKeys
        }
    }

    /// What a value with a variable in it contains, which may become anything.
    ///
    /// The daemon's file is parsed before its variables are expanded, so they are in single values only; in a tunnel file
    /// one may stand for a whole list or mapping.
    var variable: String {
        switch self {
        case .daemon: #"\$\{"#
        case .tunnels: #"\$"#
        }
    }
}

/// The parts of one schema.
struct SchemaDocument {
    let file: ConfigurationSchema

    var root: OrderedJSON {
        [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": .text(file.title),
            "description": "rstreamd.yaml(5) describes the keys; rstreamd --check finds what a schema cannot.",
            // A tunnel file that holds nothing but comments is skipped.
            "type": file == .tunnels ? ["object", "null"] : "object",
        ] + members(at: "", without: file.excluded) + [
            "$defs": [
                "tunnel": mapping(at: "tunnels"), "listener": mapping(at: "listeners"),
                "namedContext": namedContext,
                "context": mapping(at: "contexts", without: ContextReader.entryKeys),
                "transport": mapping(at: "contexts.transport"),
            ]
        ]
    }

    private func reference(_ name: String) -> OrderedJSON { ["$ref": .text("#/$defs/\(name)")] }

    // MARK: Mappings

    /// The keys of a place, and what is required of them.
    private func members(at place: String, without excluded: [String] = []) -> OrderedJSON {
        let words = ConfigurationKey.words(at: place).filter { !excluded.contains($0) }
        let properties = words.map { OrderedJSON.Member(name: $0, value: property($0, at: place)) }
        let required = words.filter { isRequired($0, at: place) }
        // The places of streams stand under one of two keys, and so does the key of a client certificate; the reader knows
        // that both are too many.
        let alternatives: OrderedJSON =
            switch place {
            case "tunnels": ["anyOf": [["required": ["forward"]], ["required": ["upstreams"]]]]
            case "contexts.mtls": ["anyOf": [["required": ["keyFile"]], ["required": ["keyUri"]]]]
            default: [:]
            }
        return ["properties": .object(properties)] + (required.isEmpty ? [:] : ["required": .texts(required)])
            + alternatives + ["additionalProperties": false]
    }

    private func mapping(at place: String, without excluded: [String] = [], mayBeNull: Bool = false) -> OrderedJSON {
        structure("object", mayBeNull: mayBeNull) + members(at: place, without: excluded)
    }

    /// The type of a mapping or a list.
    private func structure(_ type: String, mayBeNull: Bool) -> OrderedJSON {
        let types = [type] + (mayBeNull ? ["null"] : [])
        guard file == .tunnels else { return ["type": types.count == 1 ? .text(type) : .texts(types)] }
        return ["type": .texts(types + ["string"]), "pattern": .text(file.variable)]
    }

    private func isRequired(_ word: String, at place: String) -> Bool {
        switch ConfigurationKey.path(of: word, at: place) {
        case "tunnels.tunnel": true
        case "tunnels": file == .tunnels
        case "tunnels.forward", "contexts.mtls.keyFile": false
        default: ConfigurationKey(word, at: place)?.isRequired ?? false
        }
    }

    private func property(_ word: String, at place: String) -> OrderedJSON {
        let path = ConfigurationKey.path(of: word, at: place)
        let mayBeNull = !isRequired(word, at: place)
        if let key = ConfigurationKey(word, at: place) {
            let summary: OrderedJSON = ["description": .text(key.summary)]
            // It is not looked at in a context that is not external.
            return key == .contextExternalName ? summary : summary + value(key.form, mayBeNull: mayBeNull)
        }
        let summary: OrderedJSON = ["description": .text(ConfigurationKey.summary(of: path) ?? "")]
        switch path {
        case "contexts": return summary + contexts
        case "tunnels": return summary + list(of: reference("tunnel"), mayBeNull: mayBeNull)
        case "listeners": return summary + list(of: reference("listener"), mayBeNull: mayBeNull)
        case "tunnels.upstreams":
            return summary + list(of: mapping(at: path), most: UpstreamTarget.most, mayBeNull: mayBeNull)
        case "contexts.transport": return summary + ["anyOf": [reference("transport"), ["type": "null"]]]
        default: return summary + mapping(at: path, mayBeNull: mayBeNull)
        }
    }

    private func list(of item: OrderedJSON, most: Int? = nil, mayBeNull: Bool) -> OrderedJSON {
        structure("array", mayBeNull: mayBeNull) + ["items": item] + (most.map { ["maxItems": .number($0)] } ?? [:])
    }

    private var contexts: OrderedJSON {
        structure("object", mayBeNull: true) + [
            "propertyNames": ["pattern": alternatives(TextForm.name.pattern ?? "")],
            "additionalProperties": reference("namedContext"),
        ]
    }

    /// An entry of `contexts`. Whatever else stands in one that is external is ignored, so it may be anything.
    private var namedContext: OrderedJSON {
        let isExternal = alternatives(SchemaPattern.words(FlagWords.yes))
        return structure("object", mayBeNull: false) + [
            "if": [
                "type": "object",
                "properties": ["external": ["anyOf": [["const": true], ["type": "string", "pattern": isExternal]]]],
                "required": ["external"],
            ],
            "then": [
                "properties": ["name": value(ConfigurationKey.contextExternalName.form, mayBeNull: true)],
                "propertyNames": ["enum": .texts(ConfigurationKey.words(at: "contexts"))],
            ],
            "else": members(at: "contexts"),
        ]
    }

    // MARK: Values

    /// A pattern for a value that may also be a variable.
    private func alternatives(_ pattern: String) -> OrderedJSON { .text("\(pattern)|\(file.variable)") }

    private func scalar(_ types: [String], _ pattern: String?, mayBeNull: Bool) -> OrderedJSON {
        ["type": .texts(types + ["string"] + (mayBeNull ? ["null"] : []))]
            + (pattern.map { ["pattern": alternatives($0)] } ?? [:])
    }

    private func value(_ form: ValueForm, mayBeNull: Bool) -> OrderedJSON {
        switch form {
        case .version:
            scalar(["integer"], SchemaPattern.version, mayBeNull: mayBeNull) + ["minimum": 1, "maximum": 1]
        case .flag:
            scalar(["boolean"], SchemaPattern.words(FlagWords.yes + FlagWords.no), mayBeNull: mayBeNull)
        case .number(let range): number(range, mayBeNull: mayBeNull)
        case .port: number(TunnelSpec.ports, mayBeNull: mayBeNull)
        case .duration(let mayBeZero):
            scalar([], SchemaPattern.duration(mayBeZero: mayBeZero), mayBeNull: mayBeNull)
        // A pattern cannot compare durations in different units.
        case .durationWithin(let range):
            scalar([], SchemaPattern.duration(mayBeZero: range.contains(.zero)), mayBeNull: mayBeNull)
        case .mode:
            // YAML reads 0660 as one number or another, by its version.
            scalar(["integer"], SchemaPattern.mode, mayBeNull: mayBeNull) + ["minimum": 0, "maximum": 777]
        case .word(let words, let mayBeBlank): word(words, mayBeBlank: mayBeBlank, mayBeNull: mayBeNull)
        case .text(let form): text(form, mayBeNull: mayBeNull)
        case .texts(let form):
            list(of: text(form, mayBeNull: false), most: Section.mostItems, mayBeNull: mayBeNull)
        case .words(let words):
            list(of: word(words, mayBeBlank: false, mayBeNull: false), most: Section.mostItems, mayBeNull: mayBeNull)
        case .pairs(let most, let longestKey, let longestValue, let mayBeNullInside):
            structure("object", mayBeNull: mayBeNull) + ["maxProperties": .number(most)]
                + (longestKey.map { ["propertyNames": ["maxLength": .number($0)]] } ?? [:])
                + ["additionalProperties": pairValue(longest: longestValue, mayBeNull: mayBeNullInside)]
        case .context:
            ["anyOf": [text(.any, mayBeNull: mayBeNull), reference("context")]]
        }
    }

    private func number(_ range: ClosedRange<Int>, mayBeNull: Bool) -> OrderedJSON {
        scalar(["integer"], SchemaPattern.number, mayBeNull: mayBeNull)
            + ["minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)]
    }

    private func text(_ form: TextForm, mayBeNull: Bool) -> OrderedJSON {
        let types = form.mayLookLikeAnother ? ["number", "boolean"] : []
        return scalar(types, form.pattern, mayBeNull: mayBeNull)
    }

    /// The words as they are written, for an editor to offer, and every other way to write them.
    private func word(_ words: [String], mayBeBlank: Bool, mayBeNull: Bool) -> OrderedJSON {
        // Norway is a boolean to YAML 1.1.
        let types = words.contains { FlagWords.no.contains($0.asciiLowercased) } ? ["boolean"] : []
        let pattern = SchemaPattern.words(words, mayBeBlank: mayBeBlank)
        return ["anyOf": [["enum": .texts(words)], scalar(types, pattern, mayBeNull: mayBeNull)]]
    }

    private func pairValue(longest: Int?, mayBeNull: Bool) -> OrderedJSON {
        let text = text(.any, mayBeNull: mayBeNull)
        guard let longest else { return text }
        // A variable may become shorter than it is written.
        return text + ["anyOf": [["maxLength": .number(longest)], ["pattern": .text(file.variable)]]]
    }
}
