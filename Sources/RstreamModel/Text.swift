extension StringProtocol {
    /// The text without white space at either end. "Blank" in the documents means that this is empty.
    package var trimmed: String {
        guard let start = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[start...last])
    }
}

extension String {
    /// A URL to be shown: `***` stands for the user in front of the host, who may have a password. Of a URL that is
    /// malformed, too much is hidden rather than too little.
    package var withoutUser: String {
        guard let at = lastIndex(of: "@") else { return self }
        // A password may hold "://" as well.
        let scheme = prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        let start = self[scheme.endIndex...].hasPrefix("://") ? "\(scheme)://" : ""
        return "\(start)***\(self[at...])"
    }
}

extension Character {
    /// Whether this is one of `0` to `9`; `isNumber` also accepts other scripts' digits.
    package var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}

extension String {
    /// Short enough for a message, whatever a file holds.
    package var shortened: String { count > 60 ? prefix(60) + "…" : self }

    /// Whether it can be the name of a header (RFC 9110 §5.6.2).
    package var isHeaderName: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// Whether it can be the value of a header: one line, without control characters except tabs (RFC 9110 §5.5).
    package var isHeaderValue: Bool {
        unicodeScalars.allSatisfy { $0 == "\t" || $0.properties.generalCategory != .control }
    }
}
