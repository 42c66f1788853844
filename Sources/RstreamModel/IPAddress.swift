// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// An IP address: the visitor's, as the engine reports it, or a literal in the configuration.
public enum IPAddress: Hashable, Sendable {
    /// The four octets as one number, most significant first: 192.0.2.10 is 0xC000_020A.
    case v4(UInt32)
    /// Eight groups in network order.
    case v6(IPv6Groups)

    /// Eight 16-bit groups of an IPv6 address in network order.
    public struct IPv6Groups: Hashable, Sendable {
        /// Always eight values.
        public let values: [UInt16]

        /// Nil unless there are exactly eight.
        public init?(_ values: [UInt16]) {
            guard values.count == 8 else { return nil }
            self.values = values
        }
    }

    /// Sixteen octets in network order; nil for any other count.
    public init?(v6Octets octets: [UInt8]) {
        guard octets.count == 16 else { return nil }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(octets[$0]) << 8 | UInt16(octets[$0 + 1]) }
        guard let groups = IPv6Groups(groups) else { return nil }
        self = .v6(groups)
    }

    /// The longest literal: six groups and an IPv4 address.
    private static let longest = 45

    /// Reads a literal without brackets, port or zone.
    public init?(_ text: some StringProtocol) {
        self.init(String(text))
    }

    /// The same for whole texts, of which each connection reads some: other modules do not specialize what is generic.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.longest else { return nil }
        if let number = Self.parseV4(text) {
            self = .v4(number)
        } else if let groups = Self.parseV6(text) {
            self = .v6(groups)
        } else {
            return nil
        }
    }

    /// The address as octets in network order: 4 or 16.
    public var octets: [UInt8] {
        switch self {
        case .v4(let number): (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
        case .v6(let groups):
            groups.values.flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        }
    }

    /// One pass that allocates nothing.
    private static func parseV4(_ text: some StringProtocol) -> UInt32? {
        var (number, octet): (UInt32, UInt32) = (0, 0)
        var (hasDigit, dots) = (false, 0)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                // Some programs take a number that begins with a zero for an octal one.
                guard !hasDigit || octet > 0 else { return nil }
                octet = octet * 10 + UInt32(byte - UInt8(ascii: "0"))
                guard octet <= 255 else { return nil }
                hasDigit = true
            case UInt8(ascii: "."):
                guard hasDigit, dots < 3 else { return nil }
                number = number << 8 | octet
                (octet, hasDigit) = (0, false)
                dots += 1
            default: return nil
            }
        }
        return hasDigit && dots == 3 ? number << 8 | octet : nil
    }

    private static func parseV6(_ text: some StringProtocol) -> IPv6Groups? {
        guard text.contains(byte: ":") else { return nil }
        var text = String(text)
        // An embedded IPv4 tail stands for the last two groups.
        if text.contains(byte: "."), let colon = text.lastIndex(ofByte: ":") {
            guard let tail = parseV4(text[text.utf8.index(after: colon)...]) else { return nil }
            text = text[...colon] + String(tail >> 16, radix: 16) + ":" + String(tail & 0xFFFF, radix: 16)
        }
        guard let gap = gap(in: text) else {
            return groups(text).flatMap(IPv6Groups.init)
        }
        let head = text[..<gap]
        let tail = text[text.utf8.index(gap, offsetBy: 2)...]
        guard let before = head.isEmpty ? [] : groups(head), let after = tail.isEmpty ? [] : groups(tail),
            before.count + after.count <= 7
        else { return nil }
        return IPv6Groups(before + Array(repeating: 0, count: 8 - before.count - after.count) + after)
    }

    /// Where the first `::` starts.
    private static func gap(in text: String) -> String.Index? {
        let colon = UInt8(ascii: ":")
        return text.utf8.indices.first { index in
            let next = text.utf8.index(after: index)
            return text.utf8[index] == colon && next < text.endIndex && text.utf8[next] == colon
        }
    }

    private static func groups(_ text: some StringProtocol) -> [UInt16]? {
        let parts = text.split(byte: ":", omittingEmpty: false)
        var values: [UInt16] = []
        for part in parts {
            guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(\.isHexDigit),
                let value = UInt16(part, radix: 16)
            else { return nil }
            values.append(value)
        }
        return values
    }
}

extension UInt8 {
    /// Whether the byte is a hexadecimal digit of ASCII.
    var isHexDigit: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted quad, or the shortest form of RFC 5952.
    public var description: String {
        switch self {
        case .v4(let number): "\(number >> 24).\(number >> 16 & 0xFF).\(number >> 8 & 0xFF).\(number & 0xFF)"
        case .v6(let groups): Self.text(groups.values)
        }
    }

    private static func text(_ groups: [UInt16]) -> String {
        var longest = 0..<0
        var index = 0
        while index < groups.count {
            var end = index
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - index > longest.count, end - index > 1 { longest = index..<end }
            index = max(end, index + 1)
        }
        func join(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if longest.isEmpty { return join(groups[...]) }
        return join(groups[..<longest.lowerBound]) + "::" + join(groups[longest.upperBound...])
    }
}

/// A range of addresses in CIDR form, as `trusted_ips` lists them.
package struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
    /// The address as written; bits behind the length are ignored when matching.
    package let address: IPAddress
    /// Number of leading bits that count: 0 to 32, or 0 to 128.
    package let length: Int

    /// Reads `192.0.2.0/24` or `2001:db8::/32`. The length is not optional.
    package init?(_ text: String) {
        let parts = text.split(byte: "/", omittingEmpty: false)
        guard parts.count == 2, let address = IPAddress(parts[0]),
            (1...3).contains(parts[1].utf8.count), parts[1].isDigits, let length = Int(parts[1]),
            length <= address.octets.count * 8
        else { return nil }
        self.address = address
        self.length = length
    }

    /// Whether `candidate` is of the same family and shares the leading bits.
    package func contains(_ candidate: IPAddress) -> Bool {
        let wanted = address.octets
        let given = candidate.octets
        guard wanted.count == given.count else { return false }
        for bit in 0..<length {
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            if wanted[bit / 8] & mask != given[bit / 8] & mask { return false }
        }
        return true
    }

    /// `address/length`.
    package var description: String { "\(address)/\(length)" }
}
