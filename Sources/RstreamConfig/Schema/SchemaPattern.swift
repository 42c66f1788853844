// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// Regular expressions that ECMAScript, Python, RE2 and Rust read alike, for what the reader takes.
enum SchemaPattern {
    /// A text with blanks around it.
    static func trimmed(_ pattern: String, mayBeBlank: Bool = false) -> String {
        #"^\s*(?:\#(pattern))\#(mayBeBlank ? "?" : "")\s*$"#
    }

    /// One of some words, in any case and with blanks around it.
    static func words(_ words: [String], mayBeBlank: Bool = false) -> String {
        trimmed(words.map(anyCase).joined(separator: "|"), mayBeBlank: mayBeBlank)
    }

    private static func anyCase(_ word: String) -> String {
        word.unicodeScalars.map { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z": "[\(String(scalar).asciiUppercased)\(String(scalar).asciiLowercased)]"
            case ".": #"\."#
            default: String(scalar)
            }
        }.joined()
    }

    /// A whole number.
    static let number = trimmed("[+-]?[0-9]+")

    /// The only number of a format.
    static let version = trimmed(#"\+?0*1"#)

    /// Three or four octal digits.
    static let mode = trimmed("(?:0o)?0?[0-7]{3}")

    /// A number and its unit.
    static func duration(mayBeZero: Bool) -> String {
        let positive = #"[0-9]*[1-9][0-9]*(?:\.[0-9]{1,3})?|[0-9]+\.(?:[1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9])"#
        return trimmed(#"(?:\#(mayBeZero ? #"[0-9]{1,9}(?:\.[0-9]{1,3})?"# : positive))\s*(?:ms|s|m|h)"#)
    }
}
