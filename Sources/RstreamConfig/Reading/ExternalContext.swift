// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// An entry of `contexts`.
enum NamedContext {
    case defined(ContextDefinition)
    case external(ExternalReference)
    /// Invalid, and reported.
    case broken
}

/// A context that the client configuration holds (RUN.md §2.1).
struct ExternalReference {
    /// What it is called there, and where that is said.
    let name: Located<String>
}

extension ContextReader {
    /// Reads an entry with `external: true`. Whatever says how to reach the engine is ignored in it.
    func external(
        _ section: Section,
        key: String,
        at span: Span,
        _ report: inout Report
    ) -> ExternalReference? {
        guard section.node("name") != nil else { return ExternalReference(name: Located(value: key, span: span)) }
        guard let name = section.text("name", &report) else { return nil }
        // A blank text counts as not set.
        return ExternalReference(name: name.value.isEmpty ? Located(value: key, span: span) : name)
    }
}

extension DaemonDraft {
    /// Whether something refers to the client configuration.
    var needsClients: Bool {
        let isExternal = file.contexts.contains { if case .external = $0.content { true } else { false } }
        guard !isExternal, fallback == nil else { return isExternal }
        return (file.tunnels.map(\.context) + file.listeners.map(\.context)).contains {
            if case .fallback = $0 { true } else { false }
        }
    }
}
