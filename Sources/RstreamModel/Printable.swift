// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension StringProtocol {
    /// The text on one line that is safe to show: characters that move the cursor, colour a terminal, change the
    /// direction of text or are invisible become an escape, such as `\u{1B}`. After eight combining marks on one letter
    /// the rest, which would be drawn over the lines above and below, becomes an ellipsis: no language needs more.
    ///
    /// Used wherever a person reads: the text log, the journal's MESSAGE, systemd's STATUS, rstreamctl, a bundle. JSON
    /// has escapes of its own, see ``quotedJSON``.
    package var printable: String {
        guard utf8.contains(where: { $0 < 0x20 || $0 > 0x7E }) else { return String(self) }
        var (shown, marks) = ([UInt8](), 0)
        shown.reserveCapacity(utf8.count)
        for scalar in unicodeScalars {
            marks = scalar.isMark ? marks + 1 : 0
            if scalar.isHidden {
                shown += #"\u{\#(String(scalar.value, radix: 16, uppercase: true))}"#.utf8
            } else if marks <= mostMarks {
                shown += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
            } else if marks == mostMarks + 1 {
                shown += "…".utf8
            }
        }
        return String(decoding: shown, as: UTF8.self)
    }

    /// The text as a JSON string, with its quotes: what ``printable`` escapes has JSON's escapes here, so that a
    /// program reads the exact text and a person sees what it contains.
    package var quotedJSON: String {
        var quoted = [UInt8(ascii: "\"")]
        quoted.reserveCapacity(utf8.count + 2)
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": quoted += #"\""#.utf8
            case "\\": quoted += #"\\"#.utf8
            case "\n": quoted += #"\n"#.utf8
            case "\r": quoted += #"\r"#.utf8
            case "\t": quoted += #"\t"#.utf8
            case _ where scalar.isHidden: quoted += scalar.escapedJSON.utf8
            default: quoted += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
            }
        }
        quoted.append(UInt8(ascii: "\""))
        return String(decoding: quoted, as: UTF8.self)
    }
}

/// Combining marks that one letter may have where a person reads.
private let mostMarks = 8

extension Unicode.Scalar {
    /// Whether a person cannot see it, or it changes how its neighbours are seen: control characters, formats
    /// (direction, zero width, tags, the byte order mark), line and paragraph separators, variation selectors and other
    /// ignorable ones.
    package var isHidden: Bool {
        // All of ASCII but its controls is seen; most texts hold nothing else.
        if value < 0x7F { return value < 0x20 }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return true
        default: return properties.isDefaultIgnorableCodePoint
        }
    }

    /// Whether it is drawn over what stands before it.
    fileprivate var isMark: Bool {
        if value < 0x300 { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark: return true
        default: return false
        }
    }

    /// `\u001b`; two of them for what is outside the Basic Multilingual Plane (RFC 8259 §7).
    package var escapedJSON: String {
        UTF16.encode(self).map { $0.map(Self.escape).joined() } ?? ""
    }

    private static func escape(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return #"\u"# + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
