// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// The `context` of a tunnel or a listener, before the contexts of all files are known.
enum ContextReference {
    case fallback
    case named(String, Span)
    case inline(ContextDefinition)
    /// Invalid, and reported.
    case broken
}

extension ContextReader {
    /// Reads the `context` of an entry.
    func reference(_ entry: Section, _ report: inout Report) -> ContextReference {
        guard let node = entry.node("context") else { return .fallback }
        switch node.content {
        case .scalar:
            guard let text = entry.text("context", &report) else { return .broken }
            // As absent: a blank text counts as not set.
            return text.value.isEmpty ? .fallback : .named(text.value, text.span)
        case .mapping where file.isByHand:
            report.error(
                "a tunnel that is opened by hand has no context of its own",
                hint: "name one of the configuration",
                at: node.headSpan,
                in: file
            )
            return .broken
        case .mapping where file.owner != nil:
            report.error(
                "an inline context is not allowed in files of users in limits.tunnelOwners",
                hint: "name a context that rstreamd.yaml defines",
                at: node.headSpan,
                in: file
            )
            return .broken
        case .mapping: return inline(node, &report).map { .inline($0) } ?? .broken
        case .sequence:
            report.error("context must be a string or object", at: node.headSpan, in: file)
            return .broken
        }
    }
}
