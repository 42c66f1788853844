// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import Testing

@testable import DevEngine

@Suite("Records of TLS")
struct TLSRecordTrackerTests {
    @Test("are complete where one has ended and none has begun, however the bytes are cut")
    func boundaries() {
        let lengths = [1, 0, 300, 16_640]
        var bytes: [UInt8] = []
        var ends: Set<Int> = [0]
        for length in lengths {
            bytes +=
                [0x17, 0x03, 0x03, UInt8(length >> 8), UInt8(length & 0xFF)] + Array(repeating: 0x17, count: length)
            ends.insert(bytes.count)
        }
        for step in [1, 7, 305, 20_000] {
            var records = TLSRecordTracker()
            #expect(records.areComplete)
            for start in stride(from: 0, to: bytes.count, by: step) {
                let end = min(start + step, bytes.count)
                records.append(ByteBuffer(bytes: bytes[start..<end]))
                let areComplete = records.areComplete
                #expect(areComplete == ends.contains(end), "byte \(end), step \(step)")
            }
        }
    }
}
