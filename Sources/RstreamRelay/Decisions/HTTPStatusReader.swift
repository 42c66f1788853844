// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Reads the status of an HTTP/1 answer as its bytes come: the first line, and nothing else.
package struct HTTPStatusReader: Hashable, Sendable {
    package enum Progress: Hashable, Sendable {
        case needsMore
        case status(Int)
        /// The answer is not one of HTTP/1.
        case malformed
    }

    /// Bytes of a first line that say which status it is: `HTTP/1.1 200`.
    private static let length = 12

    private var bytes: [UInt8] = []

    package init() {}

    package mutating func received(_ more: some Sequence<UInt8>) -> Progress {
        for byte in more.prefix(Self.length - bytes.count) { bytes.append(byte) }
        let start = Array("HTTP/1.".utf8)
        guard bytes.prefix(start.count).elementsEqual(start.prefix(bytes.count)) else { return .malformed }
        guard bytes.count == Self.length else { return .needsMore }
        let digits = bytes[9...].map { Int($0) - 0x30 }
        guard bytes[8] == 0x20, digits.allSatisfy((0...9).contains), digits[0] > 0 else { return .malformed }
        return .status(digits.reduce(0) { $0 * 10 + $1 })
    }
}
