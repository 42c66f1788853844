// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
internal import RstreamModel
internal import YAML

/// One mapping of the client configuration file. Unknown keys are ignored, values of a wrong kind are reported and
/// count as not set, and the places of all keys are kept for later reports.
struct FileSection {
    /// Dotted name of the mapping, with a dot behind; empty for the outermost.
    private let prefix: String
    /// What stands in it, null values left out.
    let pairs: [Node.Pair]
    /// Where to point when the mapping as a whole is meant.
    let span: Span

    /// Nil when the node is something else than a mapping.
    init?(_ node: Node, _ name: String, _ mistakes: inout [ClientConfigurationError]) {
        prefix = name.isEmpty ? "" : name + "."
        span = node.headSpan
        if node.isNull {
            pairs = []
        } else if case .mapping(let found) = node.content {
            pairs = found.filter { !$0.value.isNull }
        } else {
            let subject = name.isEmpty ? "this" : "\"\(name)\""
            mistakes.append(ClientConfigurationError("\(subject) must be a mapping of keys", at: node.headSpan))
            return nil
        }
    }

    func node(_ key: String) -> Node? { pairs.first { $0.key.sameBytes(as: key) }?.value }

    /// The text of a scalar; nil when it is absent, null or blank.
    func text(_ key: String, _ mistakes: inout [ClientConfigurationError]) -> String? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let scalar) = node.content else {
            mistakes.append(wrong(key, "must be text", node))
            return nil
        }
        return Optional(scalar.text).filled
    }

    func boolean(_ key: String, _ mistakes: inout [ClientConfigurationError]) -> Bool? {
        guard let node = node(key) else { return nil }
        if case .scalar(let scalar) = node.content {
            switch scalar.text.utf8.count <= 8 ? scalar.text.asciiLowercased : "" {
            case "true", "yes", "on", "y": return true
            case "false", "no", "off", "n": return false
            default: break
            }
        }
        mistakes.append(wrong(key, "must be true or false", node))
        return nil
    }

    /// More headers than any request has.
    private static let mostTexts = 256

    /// A mapping of texts.
    func texts(_ key: String, _ mistakes: inout [ClientConfigurationError]) -> [String: String] {
        guard let section = section(key, &mistakes) else { return [:] }
        var texts: [String: String] = [:]
        guard section.pairs.count <= Self.mostTexts else {
            mistakes.append(wrong(key, "has more than \(Self.mostTexts) keys", section.pairs[Self.mostTexts].value))
            return [:]
        }
        for pair in section.pairs {
            if case .scalar(let scalar) = pair.value.content {
                texts[pair.key] = scalar.text
            } else {
                mistakes.append(section.wrong(pair.key, "must be text", pair.value))
            }
        }
        return texts
    }

    func section(_ key: String, _ mistakes: inout [ClientConfigurationError]) -> FileSection? {
        node(key).flatMap { FileSection($0, prefix + key, &mistakes) }
    }

    /// More contexts than any file has.
    private static let mostItems = 1_000

    func items(_ key: String, _ mistakes: inout [ClientConfigurationError]) -> [Node] {
        guard let node = node(key) else { return [] }
        guard case .sequence(let items) = node.content else {
            mistakes.append(wrong(key, "must be a list", node))
            return []
        }
        guard items.count <= Self.mostItems else {
            mistakes.append(wrong(key, "has more than \(Self.mostItems) entries", items[Self.mostItems]))
            return []
        }
        return items.filter { !$0.isNull }
    }

    /// Deeper and longer than any key that a complaint is about.
    private static let deepest = 5
    private static let longestKey = 256

    /// Adds the places of all keys in the mapping and in those inside of it.
    func addPlaces(to places: inout [String: Span]) {
        Self.addPlaces(of: pairs, prefix, depth: 0, to: &places)
    }

    private static func addPlaces(
        of pairs: [Node.Pair],
        _ prefix: String,
        depth: Int,
        to places: inout [String: Span]
    ) {
        // No key that is looked for is of other characters.
        for pair in pairs where pair.key.utf8.count <= longestKey && pair.key.isVisibleASCII {
            places[prefix + pair.key] = pair.keySpan
            if depth < deepest, case .mapping(let inner) = pair.value.content {
                addPlaces(of: inner, "\(prefix)\(pair.key).", depth: depth + 1, to: &places)
            }
        }
    }

    private func wrong(_ key: String, _ what: String, _ node: Node) -> ClientConfigurationError {
        ClientConfigurationError("\"\(prefix)\(key.shortened)\" \(what)", at: node.headSpan)
    }
}
#endif
