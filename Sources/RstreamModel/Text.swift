extension StringProtocol {
    /// The text without white space at either end. "Blank" in the documents means that this is empty.
    package var trimmed: String {
        guard let start = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[start...last])
    }
}

extension Character {
    /// Whether this is one of `0` to `9`; `isNumber` also accepts other scripts' digits.
    package var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
