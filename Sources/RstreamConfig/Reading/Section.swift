// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import YAML

/// A value of the file with its place.
struct Located<Value> {
    let value: Value
    let span: Span
}

extension Located: Sendable where Value: Sendable {}

/// One mapping of a file with known keys. Every getter returns the value, or nil when the key is absent, null or
/// invalid; an invalid value was reported.
struct Section {
    let file: SourceFile
    /// The place that stands for the mapping as a whole.
    let span: Span
    /// Where the table of keys has it: its keys and what they may be come from there.
    let place: String
    /// What stands in it under keys that are known.
    let pairs: [String: Node.Pair]

    /// Takes a mapping and complains about keys that the table of keys does not have at `place`, or that are among
    /// `excluded`. Null is a mapping without keys.
    ///
    /// `misplaced` says of keys that are known elsewhere where they belong, `meant` what to write instead of keys that
    /// others have, and `hint` what a mapping looks like where none is.
    init?(
        _ node: Node,
        named name: Wording,
        at place: String,
        without excluded: [String] = [],
        misplaced: [String: String] = [:],
        meant: [String: Wording] = [:],
        hint: Wording = "write \"key: value\" lines",
        in file: SourceFile,
        _ report: inout Report
    ) {
        self.file = file
        self.place = place
        span = node.headSpan
        guard !node.isNull else {
            pairs = [:]
            return
        }
        let keys = ConfigurationKey.words(at: place).filter { !excluded.contains($0) }
        guard case .mapping(let found) = node.content else {
            report.error(
                "\(name) must be a mapping of keys",
                hint: Self.blankMissing(in: node, keys) ?? hint,
                at: node.headSpan,
                in: file
            )
            return nil
        }
        var pairs: [String: Node.Pair] = [:]
        for pair in found {
            if let key = keys.first(where: pair.key.sameBytes) {
                pairs[key] = pair
            } else {
                report.error(
                    "unknown key \"\(pair.key.shortened)\"",
                    hint: file.lookAlike(at: pair.keySpan) ?? meant.first { pair.key.sameBytes(as: $0.key) }?.value
                        ?? Self.hint(for: pair.key, keys, misplaced),
                    at: pair.keySpan,
                    in: file
                )
            }
        }
        self.pairs = pairs
    }

    /// What to say about a text that would be a key and a value if it had a blank.
    private static func blankMissing(in node: Node, _ keys: [String]) -> Wording? {
        guard case .scalar(let scalar) = node.content else { return nil }
        return blankMissing(in: scalar.text, keys)
    }

    private static func blankMissing(in text: String, _ keys: [String]) -> Wording? {
        keys.contains { text.startsWithBytes(of: "\($0):") } ? "a space is missing after \":\"" : nil
    }

    private static func hint(for key: String, _ keys: [String], _ misplaced: [String: String]) -> Wording {
        if let hint = blankMissing(in: key, keys) { return hint }
        guard let place = misplaced.first(where: { $0.key.sameBytes(as: key) }) else {
            return NearestWord.hint(for: key, among: keys)
        }
        return Wording("\"\(place.key)\" belongs in \"\(place.value)\"", redacted: "it belongs in \"\(place.value)\"")
    }

    /// The value of a key, nil when it is absent or null.
    func node(_ key: String) -> Node? {
        guard let node = pairs[key]?.value, !node.isNull else { return nil }
        return node
    }

    /// Whether the key is there, even if it is null.
    func has(_ key: String) -> Bool { pairs[key] != nil }

    /// Where a key stands; the mapping's place when it is absent.
    func keySpan(_ key: String) -> Span { pairs[key]?.keySpan ?? span }

    /// Where the key at the end of a way through mappings stands; nil when there is none.
    func keySpan(of way: some Collection<Substring>) -> Span? {
        guard let first = way.first, var pair = pairs[String(first)] else { return nil }
        for word in way.dropFirst() {
            guard case .mapping(let found) = pair.value.content,
                let next = found.first(where: { $0.key.sameBytes(as: String(word)) })
            else { return nil }
            pair = next
        }
        return pair.keySpan
    }

    /// Where the value of a key stands; the mapping's place when the key is absent.
    func valueSpan(_ key: String) -> Span { pairs[key]?.value.span ?? span }

    /// The bytes of the longest text without a limit of its own.
    private static let longestText = Path.longest

    /// A text: any scalar, by its text without white space at either end.
    func text(_ key: String, limit: Int = Self.longestText, _ report: inout Report) -> Located<String>? {
        node(key).flatMap { Self.text($0, named: "\"\(shown: key)\"", limit: limit, in: file, &report) }
    }

    /// A text that is not blank.
    func filledText(_ key: String, _ report: inout Report) -> Located<String>? {
        guard let text = text(key, &report) else { return nil }
        guard !text.value.isEmpty else {
            report.error("\"\(shown: key)\" is empty", at: text.span, in: file)
            return nil
        }
        return text
    }

    /// A secret text, which keeps its white space; nil when it is blank.
    func secret(_ key: String, _ report: inout Report) -> Secret? {
        guard let text = text(key, &report), !text.value.isEmpty, case .scalar(let scalar)? = node(key)?.content else {
            return nil
        }
        return Secret(scalar.text)
    }

    /// A path; a relative one starts at the file's own directory.
    func path(_ key: String, _ report: inout Report) -> String? {
        filledText(key, &report).map { Path.resolve($0.value, in: Path.directory(of: file.path)) }
    }

    /// A required text; `entry` names the entry, like `tunnels[0]`.
    func required(_ key: String, of entry: Wording, hint: Wording? = nil, _ report: inout Report) -> Located<String>? {
        guard node(key) != nil else {
            // An entry is best known by its name.
            let place = has(key) ? key : "name"
            report.error("\(entry).\(shown: key) is required", hint: hint, at: keySpan(place), in: file)
            return nil
        }
        guard let text = text(key, &report) else { return nil }
        guard !text.value.isEmpty else {
            report.error("\(entry).\(shown: key) is required", hint: hint, at: text.span, in: file)
            return nil
        }
        return text
    }

    static func text(
        _ node: Node,
        named name: Wording,
        limit: Int = Self.longestText,
        in file: SourceFile,
        _ report: inout Report
    ) -> Located<String>? {
        guard case .scalar(let scalar) = node.content, !scalar.isNull else {
            report.error("\(name) must be text", at: node.headSpan, in: file)
            return nil
        }
        guard scalar.text.utf8.count <= limit else {
            report.error("\(name) is longer than \(shown: limit) bytes", at: node.span, in: file)
            return nil
        }
        let text = scalar.text.trimmed
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            report.error(
                "\(name) contains a control character",
                hint: "it is one line of text",
                at: node.span,
                in: file
            )
            return nil
        }
        return Located(value: text, span: node.span)
    }

    /// `true` or `false`, and the other words of YAML 1.1 for them.
    func boolean(_ key: String, _ report: inout Report) -> Bool? {
        guard let node = node(key) else { return nil }
        if case .scalar(let scalar) = node.content {
            let word = Self.word(scalar).asciiLowercased
            if FlagWords.yes.contains(where: word.sameBytes) { return true }
            if FlagWords.no.contains(where: word.sameBytes) { return false }
        }
        report.error(
            "\"\(shown: key)\" must be true or false",
            hint: file.lookAlike(at: node.headSpan),
            at: node.headSpan,
            in: file
        )
        return nil
    }

    /// What a scalar says that is one word; empty for what is longer than any.
    private static func word(_ scalar: Node.Scalar) -> String {
        scalar.text.utf8.count <= 64 ? scalar.text.trimmed : ""
    }

    /// What may stand under a key.
    private func form(of key: String) -> ValueForm? { ConfigurationKey(key, at: place)?.form }

    /// A whole number in the key's range.
    func integer(_ key: String, _ report: inout Report) -> Int? {
        guard let node = node(key) else { return nil }
        let word = if case .scalar(let scalar) = node.content { Self.word(scalar) } else { "" }
        let number = Int(word)
        let isTooLong = number == nil && (word.startsWithBytes(of: "-") ? word.dropFirst() : word[...]).isDigits
        switch form(of: key) {
        case .number(let range) where isTooLong || number.map { !range.contains($0) } == true:
            reportRange(range, of: key, node, &report)
            return nil
        // What a port may be depends on what it is for.
        case .port where isTooLong:
            reportRange(TunnelSpec.ports, of: key, node, &report)
            return nil
        default: break
        }
        if let number { return number }
        report.error(
            "\"\(shown: key)\" must be a whole number",
            hint: file.lookAlike(at: node.headSpan),
            at: node.headSpan,
            in: file
        )
        return nil
    }

    private func reportRange(_ range: ClosedRange<Int>, of key: String, _ node: Node, _ report: inout Report) {
        report.error(
            "\"\(shown: key)\" is out of range",
            hint: "expected \(shown: range.lowerBound) to \(shown: range.upperBound)",
            at: node.span,
            in: file
        )
    }

    /// Permission bits in octal, however their zeros are written.
    func mode(_ key: String, _ report: inout Report) -> Located<UInt32>? {
        guard let text = text(key, &report) else { return nil }
        let digits = text.value.startsWithBytes(of: "0o") ? text.value.dropFirst(2) : text.value[...]
        guard (3...4).contains(digits.utf8.count), digits.isDigits, let mode = UInt32(digits, radix: 8), mode <= 0o777
        else {
            report.error(
                "\"\(shown: key)\" is not a file mode",
                hint: "expected three or four octal digits, like \"0660\"",
                at: text.span,
                in: file
            )
            return nil
        }
        return Located(value: mode, span: text.span)
    }

    /// A number with its unit.
    func duration(_ key: String, _ report: inout Report) -> Duration? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let scalar) = node.content, let duration = Duration(configured: Self.word(scalar)) else {
            report.error(
                "\"\(shown: key)\" must be a duration",
                hint: file.lookAlike(at: node.headSpan) ?? "expected a number and a unit, ms, s, m or h, like 30s",
                at: node.headSpan,
                in: file
            )
            return nil
        }
        let form = form(of: key)
        if case .durationWithin(let range) = form, !range.contains(duration) {
            report.error(
                "\"\(shown: key)\" is out of range",
                hint: "expected \(shown: range.lowerBound.configured) to \(shown: range.upperBound.configured)",
                at: node.span,
                in: file
            )
            return nil
        }
        guard form == .duration(mayBeZero: true) || duration > .zero else {
            report.error("\"\(shown: key)\" must be more than zero", at: node.span, in: file)
            return nil
        }
        guard duration <= .longestConfigured else {
            report.error("\"\(shown: key)\" is longer than a year", at: node.span, in: file)
            return nil
        }
        return duration
    }

    /// One of the words of an enumeration, in any case. `name` is what a word of it is called, unless that is the key.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        named name: String? = nil,
        _ report: inout Report
    ) -> Choice? where Choice.RawValue == String {
        guard let text = text(key, &report) else { return nil }
        let word = text.value.utf8.count <= 64 ? text.value.asciiLowercased : ""
        let choice = Choice.allCases.first { $0.rawValue.asciiLowercased.sameBytes(as: word) }
        if let choice { return choice }
        report.error(
            "unknown \(shown: name ?? key) \"\(text.value.shortened)\"",
            hint: file.lookAlike(at: text.span)
                ?? NearestWord.hint(for: text.value, among: Choice.allCases.map(\.rawValue)),
            at: text.span,
            in: file
        )
        return nil
    }

    /// The items of a list. `hint` says what one looks like.
    func items(
        _ key: String,
        hint: Wording = "write [a, b] or \"- \" lines",
        _ report: inout Report
    ) -> [Node]? {
        guard let node = node(key) else { return nil }
        guard case .sequence(let items) = node.content else {
            report.error(
                "\"\(shown: key)\" must be a list",
                hint: hint,
                at: node.headSpan,
                in: file
            )
            return nil
        }
        return items
    }

    /// More texts than a list of them has.
    static let mostItems = 4_096

    /// A list of texts that are not blank. Invalid items are reported and left out.
    func texts(_ key: String, _ report: inout Report) -> [Located<String>]? {
        guard let items = items(key, &report) else { return nil }
        guard items.count <= Self.mostItems else {
            report.error(
                "\"\(shown: key)\" has more than \(shown: Self.mostItems) items",
                at: items[Self.mostItems].headSpan,
                in: file
            )
            return nil
        }
        var texts: [Located<String>] = []
        for item in items {
            guard let text = Self.text(item, named: "an item of \"\(shown: key)\"", in: file, &report) else { continue }
            if text.value.isEmpty {
                report.error("an item of \"\(shown: key)\" is empty", at: text.span, in: file)
            } else {
                texts.append(text)
            }
        }
        return texts
    }

    /// A mapping inside of this one; nil when it is absent, null or no mapping. `example` is the value of its first
    /// key.
    func section(
        _ key: String,
        example: String = "...",
        misplaced: [String: String] = [:],
        _ report: inout Report
    ) -> Section? {
        guard let node = node(key) else { return nil }
        let place = ConfigurationKey.path(of: key, at: place)
        let first = ConfigurationKey.words(at: place).first ?? ""
        return Section(
            node,
            named: "\"\(shown: key)\"",
            at: place,
            misplaced: misplaced,
            hint: "write \"\(shown: key): { \(shown: first): \(shown: example) }\"",
            in: file,
            &report
        )
    }
}
