// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Base64 in the alphabet of RFC 4648 §4 and in that of §5, which is for URLs.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    /// The bytes in the first alphabet, with padding.
    package static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = bytes[...]
        while !rest.isEmpty {
            let group = rest.prefix(3)
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 { text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : padding) }
            rest = rest.dropFirst(3)
        }
        return text
    }

    /// The bytes in the second alphabet, without padding: a part of a token (RFC 7515 §2).
    package static func encodeForURL(_ bytes: some Collection<UInt8>) -> String {
        let digits = encode(bytes).prefix { $0 != padding }
        return String(
            decoding: digits.map { digit in
                switch digit {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                default: digit
                }
            },
            as: UTF8.self
        )
    }

    /// The bytes of a text in either alphabet, with or without padding; nil when it holds anything else.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let padded = text.count.isMultiple(of: 4) ? text.suffix(2).reversed().prefix { $0 == padding }.count : 0
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3 + 2)
        var (bits, count): (UInt32, Int) = (0, 0)
        for byte in text.dropLast(padded) {
            guard let value = value(of: byte) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            guard count == 4 else { continue }
            bytes += [UInt8(bits >> 16), UInt8(bits >> 8 & 0xFF), UInt8(bits & 0xFF)]
            (bits, count) = (0, 0)
        }
        switch count {
        case 0: return bytes
        case 2: return bytes + [UInt8(bits >> 4)]
        case 3: return bytes + [UInt8(bits >> 10), UInt8(bits >> 2 & 0xFF)]
        default: return nil
        }
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}

// Base64 inside of other texts, as ``SecretMask`` looks for it.
extension Base64 {
    /// The digits that stand for these bytes and nothing else when `place` bytes, modulo three, stand before them.
    static func inside(_ bytes: [UInt8], after place: Int) -> [UInt8] {
        let digits = encode(Array(repeating: 0, count: place) + bytes)
        // A digit has six bits, so the first and the last may have some of a neighbour's.
        let first = (place * 8 + 5) / 6
        let last = (place + bytes.count) * 8 / 6
        return Array(digits[first..<max(first, last)])
    }

    /// Whether the byte is a digit of either alphabet, or padding.
    static func isDigit(_ byte: UInt8) -> Bool { byte == padding || value(of: byte) != nil }

    /// The byte in the first alphabet; nil for white space, which may stand anywhere in between.
    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "-"): UInt8(ascii: "+")
        case UInt8(ascii: "_"): UInt8(ascii: "/")
        case 0x20, 0x09, 0x0A, 0x0D: nil
        default: byte
        }
    }
}
