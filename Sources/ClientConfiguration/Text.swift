internal import RstreamModel

extension String? {
    /// The text without white space at either end; nil when it is blank, which counts as not set everywhere.
    var filled: String? {
        guard let text = self?.trimmed, !text.isEmpty else { return nil }
        return text
    }
}

extension String {
    /// Short enough for a message, whatever a file holds.
    var shortened: String { count > 60 ? prefix(60) + "…" : self }

    /// Whether a header line could not hold it.
    var hasControlCharacter: Bool {
        unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    /// Whether it can be the name of a header (RFC 9110 §5.6.2).
    var isHeaderName: Bool {
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
}
