// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension String {
    /// How many columns a terminal gives it.
    var terminalColumns: Int {
        // What is ASCII and printable takes one column a byte.
        utf8.allSatisfy { $0 < 0x80 } ? utf8.count : reduce(0) { $0 + $1.terminalColumns }
    }

    /// The characters at its start that fit in so many columns.
    func leading(_ columns: Int) -> String {
        var (fitting, left) = ("", columns)
        for character in self {
            left -= character.terminalColumns
            guard left >= 0 else { break }
            fitting.append(character)
        }
        return fitting
    }
}

extension Character {
    fileprivate var terminalColumns: Int {
        unicodeScalars.reduce(0) { max($0, $1.terminalColumns) }
    }
}

extension Unicode.Scalar {
    /// 0, 1 or 2, as `wcwidth` has it.
    fileprivate var terminalColumns: Int {
        guard value >= 0x300 else { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        if properties.isEmojiPresentation { return 2 }
        // East Asian Wide and Fullwidth (Unicode Standard Annex 11), in blocks.
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
            0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
