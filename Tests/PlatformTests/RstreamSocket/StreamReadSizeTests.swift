// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamSocket
import Testing

@Suite struct StreamReadSizeTests {
    private let smallest = StreamReadSize.smallest
    private let largest = StreamReadSize.largest

    /// The room of the next read after reads of so many bytes each.
    private func room(after reads: [Int]) -> Int {
        var size = StreamReadSize()
        for count in reads { _ = size.record(actualReadBytes: count) }
        return size.buffer(allocator: ByteBufferAllocator()).writableBytes
    }

    @Test("an interactive stream reads little")
    func interactive() {
        #expect(room(after: []) == smallest)
        #expect(room(after: [1, 1_000, 1, 1_500]) == smallest)
    }

    @Test("a stream that fills what it is given gets more, up to the largest")
    func bulk() {
        #expect(room(after: [smallest]) == 4 * smallest)
        #expect(room(after: [smallest, 4 * smallest]) == 16 * smallest)
        #expect(room(after: Array(repeating: largest, count: 50)) == largest)
    }

    @Test("two small reads in a row, and not one, make the next smaller")
    func burstEnds() {
        let bulk = Array(repeating: largest, count: 5)
        #expect(room(after: bulk + [1]) == largest)
        #expect(room(after: bulk + [1, largest / 2, 1]) == largest)
        #expect(room(after: bulk + [1, 1]) == largest / 4)
        #expect(room(after: bulk + Array(repeating: 1, count: 50)) == smallest)
    }

    /// What NIO keeps is the first buffer. Each later read gets one of its own, which is gone with the bytes.
    @Test("a burst leaves nothing in NIO's pool but its first, small buffer")
    func pool() {
        var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: StreamReadSize())
        var capacities: [Int] = []
        for _ in 0..<10 {
            let (buffer, count) = pool.buffer(allocator: ByteBufferAllocator()) { buffer in
                buffer.writeRepeatingByte(0, count: buffer.writableBytes)
            }
            capacities.append(buffer.storageCapacity)
            pool.record(actualReadBytes: count)
        }
        #expect(capacities == [smallest, 4 * smallest, 16 * smallest] + Array(repeating: largest, count: 7))
        #expect(pool.count == 1)
        for _ in 0..<20 { pool.record(actualReadBytes: 1) }
        // The large ones were not kept: a reused one would show here.
        let (last, _) = pool.buffer(allocator: ByteBufferAllocator()) { $0.writeInteger(UInt8(1)) }
        #expect(last.storageCapacity == smallest)
    }
}
