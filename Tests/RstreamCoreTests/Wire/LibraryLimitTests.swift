// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamWire
import Testing

/// What the protobuf library does at limits of its own: an error, never the end of the process.
@Suite("Payloads at the limits of protobuf")
struct LibraryLimitTests {
    private static func repeated(_ bytes: [UInt8], _ count: Int, _ end: [UInt8] = []) -> [UInt8] {
        Array(repeatElement(bytes, count: count).joined()) + end
    }

    /// Lengths, groups and numbers that no message has.
    private static let payloads: [[UInt8]] = {
        let longest = 65_000
        var payloads = [
            // Groups within groups: an unknown field that opens one and never ends it, and one that ends them all.
            repeated([0x7B], longest), repeated([0x7B], longest / 2, repeated([0x7C], longest / 2)),
            repeated([0x7C], longest),
            // Messages within a message, each by the number of a kind, with what is left as its length.
            repeated([0x0A], longest), repeated([0x0A, 0x7F], longest / 2), repeated([0x0A, 0x00], longest / 2),
            // Numbers of ten bytes and more, and field numbers that there are not.
            repeated([0xFF], longest), [0x08] + repeated([0xFF], 9, [0x01]), [0x08] + repeated([0xFF], 10, [0x01]),
            [0x00, 0x00], [0x02, 0x00], [0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00], [0x0F], [0x0E],
            // A length of 2^63 and of 2^64 - 1.
            [0x0A] + repeated([0x80], 9, [0x01]), [0x0A] + repeated([0xFF], 9, [0x01]),
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x07],
        ]
        // The same within each kind of message there may be.
        for kind in UInt8(1)...15 {
            let tag = kind << 3 | 2
            payloads += payloads.prefix(6).map { payload in
                let inner = Array(payload.prefix(16_000))
                return [
                    tag, UInt8(inner.count & 0x7F) | 0x80, UInt8(inner.count >> 7 & 0x7F) | 0x80,
                    UInt8(inner.count >> 14),
                ]
                    + inner
            }
        }
        return payloads
    }()

    @Test("are read or refused", arguments: payloads.indices)
    func limits(index: Int) {
        let payload = Self.payloads[index]
        for cut in [0, 1, payload.count / 2] { _ = try? Message(payload: Array(payload.dropLast(cut))) }
    }
}
