// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension String {
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

extension String {
    /// A URL to be shown: `***` stands for the user in front of the host, who may have a password. Of a URL that is
    /// malformed, too much is hidden rather than too little.
    package var withoutUser: String {
        guard let at = lastIndex(ofByte: "@") else { return self }
        // A password may hold "://" as well.
        let end = utf8.firstIndex { !$0.isOfScheme } ?? endIndex
        let start = self[end...].startsWithBytes(of: "://") ? "\(self[..<end])://" : ""
        return "\(start)***\(self[at...])"
    }
}

extension UInt8 {
    /// Whether the byte may stand in a URL's scheme: a letter, a digit, or one of `+-.`.
    var isOfScheme: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "+-.".utf8.contains(self)
        }
    }
}
