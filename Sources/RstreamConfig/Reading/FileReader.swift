// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// What one file says before it is put together with the others.
struct FileDraft {
    /// An entry of `contexts`.
    struct Context {
        let name: EntryName
        let content: NamedContext
    }

    var contexts: [Context] = []
    var tunnels: [TunnelDraft] = []
    var listeners: [ListenerDraft] = []
}

/// Reads what the daemon's file and a tunnel file have in common: `version`, `contexts`, `tunnels`, `listeners`.
struct FileReader {
    let file: SourceFile
    let environment: [String: String]

    /// What both may hold.
    static let keys = ["version", "contexts", "tunnels", "listeners"]

    /// What a file should look like.
    static func hint(for root: Node) -> Wording {
        if case .sequence = root.content { return "write \"version: 1\" and \"tunnels:\" above the list" }
        return "write \"key: value\" lines"
    }

    /// Whether the file is of the only version there is. Of any other nothing is known, so nothing else is read.
    func checkVersion(_ section: Section, _ report: inout Report) -> Bool {
        guard let node = section.node("version") else {
            report.error("version is required", hint: "add \"version: 1\"", at: section.keySpan("version"), in: file)
            return true
        }
        let errors = report.errorCount
        let version = section.integer("version", &report)
        guard version != 1 else { return true }
        if report.errorCount == errors, let version {
            report.error("unsupported version \(version) (expected 1)", at: node.span, in: file)
        }
        return false
    }

    /// `isIncluded` tells the files that only hold what the daemon's own file may hold as well.
    func read(_ section: Section, isIncluded: Bool, _ report: inout Report) -> FileDraft {
        var draft = FileDraft()
        let contexts = ContextReader(file: file, environment: environment)
        if file.owner == nil { draft.contexts = readContexts(section, contexts, &report) }
        if let items = entries("tunnels", of: section, &report) {
            let reader = TunnelReader(file: file, contexts: contexts, isIncluded: isIncluded)
            for (index, item) in items.enumerated() {
                if let tunnel = reader.read(item, index: index, &report) { draft.tunnels.append(tunnel) }
            }
        } else if isIncluded, section.node("tunnels") == nil {
            report.error("tunnels is required", hint: "it may be []", at: section.keySpan("tunnels"), in: file)
        }
        guard file.owner == nil else {
            for key in ["contexts", "listeners"] where section.node(key) != nil {
                report.error(
                    "\"\(shown: key)\" is not allowed in files of users in limits.tunnelOwners",
                    hint: "they may hold tunnels only; put the rest into a file of root's",
                    at: section.keySpan(key),
                    in: file
                )
            }
            return draft
        }
        let listeners = ListenerReader(file: file, contexts: contexts)
        for (index, item) in (entries("listeners", of: section, &report) ?? []).enumerated() {
            if let listener = listeners.read(item, index: index, &report) { draft.listeners.append(listener) }
        }
        return draft
    }

    /// The entries of a list of things with names. Other programs have them as keys.
    private func entries(_ key: String, of section: Section, _ report: inout Report) -> [Node]? {
        guard case .mapping(let pairs)? = section.node(key)?.content, let first = pairs.first?.key.shortened else {
            return section.items(key, &report)
        }
        if pairs.contains(where: { $0.key.sameBytes(as: "name") }) {
            let hint: Wording = "write \"- \" in front of an entry's first key, and indent its others as far"
            return section.items(key, hint: hint, &report)
        }
        let hint = Wording(
            "write \"- name: \(first)\" in place of \"\(first):\"",
            redacted: "write \"- name: ...\" for each"
        )
        return section.items(key, hint: hint, &report)
    }

    private func readContexts(
        _ section: Section,
        _ reader: ContextReader,
        _ report: inout Report
    ) -> [FileDraft.Context] {
        guard let node = section.node("contexts") else { return [] }
        guard case .mapping(let pairs) = node.content else {
            report.error(
                "\"contexts\" must be a mapping of keys",
                hint: "write \"name: { engine: ... }\"",
                at: node.headSpan,
                in: file
            )
            return []
        }
        return pairs.compactMap { pair in
            let name = pair.key.trimmed
            guard !name.isEmpty else {
                report.error("a context without a name", at: pair.keySpan, in: file)
                return nil
            }
            guard name.utf8.count <= TunnelSpec.longestName else {
                report.error(
                    "the name is longer than \(shown: TunnelSpec.longestName) bytes",
                    at: pair.keySpan,
                    in: file
                )
                return nil
            }
            let content = reader.named(name, pair.value, keySpan: pair.keySpan, &report)
            return FileDraft.Context(
                name: EntryName(kind: .context, text: name, span: pair.keySpan, entry: pair.keySpan, file: file),
                content: content
            )
        }
    }
}
