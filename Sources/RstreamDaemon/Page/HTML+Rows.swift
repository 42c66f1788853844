// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

/// The rows of tables.
extension HTML {
    /// A row, by whose key the script finds it again. A narrow screen shows a row as a block, which takes a table's
    /// roles away: so they are said.
    static func row(_ key: String, _ cells: HTML...) -> HTML {
        .element("tr", ["role": "row", "data-key": key], .joined(cells))
    }

    static func cell(
        _ name: String,
        _ content: HTML,
        as class: String = "",
        note: String? = nil
    ) -> HTML {
        .element("td", ["class": `class`, "role": "cell", "data-name": name], content, .note(note))
    }

    static func number(_ name: String, _ text: String) -> HTML { cell(name, .text(text), as: "number") }

    static func counts(_ counts: StreamCounts) -> HTML {
        number("Open", "\(counts.active)") + number("Total", "\(counts.total)") + number("Failed", "\(counts.failed)")
    }

    static func bytes(_ bytes: ByteCounts) -> HTML {
        number("Received", "\(ByteText(bytes.received))") + number("Sent", "\(ByteText(bytes.sent))")
    }

    static func note(_ note: String?) -> HTML {
        note.map { .element("small", [:], .text($0)) } ?? .nothing
    }

    static func state(_ word: String) -> HTML {
        .element("span", ["class": ["state", tone(word)].compactMap { $0 }.joined(separator: " ")], .text(word))
    }

    /// The colour of a state, as in `rstreamctl status`.
    private static func tone(_ state: String) -> String? {
        switch state {
        case "online", "listening", "relaying": "good"
        case "connecting", "waiting", "pending", "opening", "holding", "draining": "waiting"
        case "rejected": "bad"
        default: nil
        }
    }
}
