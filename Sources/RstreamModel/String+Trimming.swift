// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension StringProtocol {
    /// The text without white space at either end. "Blank" in the documents means that this is empty.
    @inlinable package var trimmed: String {
        guard let start = unicodeScalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = unicodeScalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(self[start..<unicodeScalars.index(after: last)])
    }

    /// Whether there is nothing but `0` to `9` in it; numbers of other scripts are none of them.
    @inlinable package var isDigits: Bool { utf8.allSatisfy { (0x30...0x39).contains($0) } }
}

extension Character {
    /// Whether this is one of `0` to `9`; `isNumber` also accepts other scripts' digits.
    package var isASCIIDigit: Bool { isASCII && ("0"..."9").contains(self) }
}

extension String {
    /// Short enough for a message, whatever a file holds: 60 bytes, with an ellipsis where something was cut.
    package var shortened: String { cut(toBytes: utf8.count > 60 ? 63 : 60) }
}
