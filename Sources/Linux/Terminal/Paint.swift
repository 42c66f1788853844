// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Whether output has colours.
package enum Paint: Hashable, Sendable {
    case none
    case colours

    /// How a piece of text looks: the sixteen colours that every terminal has and every theme makes readable, by their
    /// numbers in an escape sequence.
    package enum Style: Int, Hashable, Sendable {
        case bold = 1
        case faint = 2
        case red = 31
        case green = 32
        case yellow = 33
    }

    /// Colours on a terminal that supports them, unless the user turned them off (https://no-color.org).
    package init(isTerminal: Bool, environment: [String: String]) {
        let minds = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        self = isTerminal && !minds && environment["TERM"] != "dumb" ? .colours : .none
    }

    /// The text as a terminal shows it in that style.
    package func apply(_ style: Style?, to text: String) -> String {
        guard self == .colours, let style, !text.isEmpty else { return text }
        return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
    }
}
