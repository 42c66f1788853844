// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A text about a file in two forms: for users who may read the file, and for all others.
///
/// The literal text is constant. An interpolated value may come from the file, so only the first form has it, and the
/// second has an ellipsis, unless the value is known not to come from the file (`shown:`).
struct Wording: Hashable, Sendable {
    /// As it is.
    let text: String
    /// Without anything that may stand in the file.
    let redacted: String

    /// Both forms are given.
    init(_ text: String, redacted: String) {
        self.text = text
        self.redacted = redacted
    }
}

extension Wording: ExpressibleByStringInterpolation {
    init(stringLiteral text: String) {
        self.init(text, redacted: text)
    }

    init(stringInterpolation parts: StringInterpolation) {
        self.init(parts.text, redacted: parts.redacted)
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var redacted = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        mutating func appendLiteral(_ literal: String) {
            text += literal
            redacted += literal
        }

        /// A value that may come from the file.
        mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text += "\(value)"
            redacted += "…"
        }

        /// A value that does not come from the file.
        mutating func appendInterpolation(shown value: some CustomStringConvertible) {
            text += "\(value)"
            redacted += "\(value)"
        }

        mutating func appendInterpolation(_ wording: Wording) {
            text += wording.text
            redacted += wording.redacted
        }

        /// Places are shown to all users.
        mutating func appendInterpolation(_ mark: SourceMark) {
            appendInterpolation(shown: mark)
        }
    }
}
