// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The rules for DNS names that users and engines write.
package enum Hostname {
    /// The bytes of the longest name.
    package static let longest = 253

    /// Whether `text` is one or more DNS labels: letters, digits and inner hyphens, each at most 63 characters, at
    /// most 253 in all (CONFIG.md §6). A trailing dot is not accepted.
    package static func isValid(_ text: String) -> Bool {
        guard (1...longest).contains(text.utf8.count) else { return false }
        return text.split(byte: ".", omittingEmpty: false).allSatisfy { isLabel($0) }
    }

    /// Whether a resolver may know `text`: a valid name, where underscores are allowed too. DNS has no rule against
    /// them, and names of containers often have them.
    package static func isKnowable(_ text: some StringProtocol) -> Bool {
        let underscore = UInt8(ascii: "_")
        return isValid(String(decoding: text.utf8.map { $0 == underscore ? UInt8(ascii: "x") : $0 }, as: UTF8.self))
    }

    /// Whether `text` consists of digits and dots but is not an IPv4 address, like `192.168.1.300` or `1.2.3`. It
    /// cannot be a host name, and where a resolver takes it for an address, that is hardly the intended one.
    package static func isMistakenAddress(_ text: some StringProtocol) -> Bool {
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        return text.utf8.contains { isDigit($0) } && text.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") }
            && IPAddress(text) == nil
    }

    /// A host and a port in one text, with brackets around an IPv6 literal.
    package static func text(_ host: String, port: some CustomStringConvertible) -> String {
        host.contains(byte: ":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Whether `text` means this host, whatever a name server says: `localhost` and all names below it, in lower case
    /// (RFC 6761 §6.3).
    package static func isLoopback(_ text: some StringProtocol) -> Bool {
        text.sameBytes(as: "localhost") || text.endsWithBytes(of: ".localhost")
    }

    /// Whether `text` is a single DNS label.
    package static func isLabel(_ text: some StringProtocol) -> Bool {
        let hyphen = UInt8(ascii: "-")
        guard (1...63).contains(text.utf8.count), text.utf8.first != hyphen, text.utf8.reversed().first != hyphen else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), hyphen:
                true
            default: false
            }
        }
    }
}
