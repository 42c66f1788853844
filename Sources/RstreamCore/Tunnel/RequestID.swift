// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The id of a tunnel request (PROTOCOL.md §5): a random UUID. It is text only on the wire; here it is two numbers, so
/// that no text of a peer is stored or compared.
package struct RequestID: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// Makes a new id: a UUID of version 4.
    package init(using generator: inout some RandomNumberGenerator) {
        self.init(
            high: generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000,
            low: generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        )
    }

    /// Makes an id of these bits.
    package init(high: UInt64, low: UInt64) {
        (self.high, self.low) = (high, low)
    }

    /// Reads an id that a peer sent back; nil unless it is a UUID in its usual form.
    package init?(_ text: String) {
        let bytes = Array(text.utf8.prefix(37))
        guard bytes.count == 36 else { return nil }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Self.value(of: byte) else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | digit
        }
        self.init(high: high, low: low)
    }

    private static func value(of digit: UInt8) -> UInt64? {
        switch digit {
        case 0x30...0x39: UInt64(digit - 0x30)
        case 0x41...0x46, 0x61...0x66: UInt64((digit | 0x20) - 0x57)
        default: nil
        }
    }
}

extension RequestID: Comparable {
    /// An arbitrary but stable order.
    package static func < (left: RequestID, right: RequestID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension RequestID: CustomStringConvertible {
    /// The form on the wire, in lower case.
    package var description: String {
        let digits = Self.digits(of: high) + Self.digits(of: low)
        var text: [UInt8] = []
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digits(of number: UInt64) -> [UInt8] {
        let alphabet = Array("0123456789abcdef".utf8)
        return stride(from: 60, through: 0, by: -4).map { alphabet[Int(number >> UInt64($0) & 0xF)] }
    }
}
