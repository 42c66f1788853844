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
    let discreet: String

    /// Both forms are given.
    init(_ text: String, discreet: String) {
        self.text = text
        self.discreet = discreet
    }
}

extension Wording: ExpressibleByStringInterpolation {
    init(stringLiteral text: String) {
        self.init(text, discreet: text)
    }

    init(stringInterpolation parts: StringInterpolation) {
        self.init(parts.text, discreet: parts.discreet)
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var discreet = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        mutating func appendLiteral(_ literal: String) {
            text += literal
            discreet += literal
        }

        /// A value that may come from the file.
        mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text += "\(value)"
            discreet += "…"
        }

        /// A value that does not come from the file.
        mutating func appendInterpolation(shown value: some CustomStringConvertible) {
            text += "\(value)"
            discreet += "\(value)"
        }

        mutating func appendInterpolation(_ wording: Wording) {
            text += wording.text
            discreet += wording.discreet
        }

        /// Places are shown to all users.
        mutating func appendInterpolation(_ mark: SourceMark) {
            appendInterpolation(shown: mark)
        }
    }
}
