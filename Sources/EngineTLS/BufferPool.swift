// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOPosix

/// The buffers of one event loop's connections: one is taken while bytes are in flight and given back with them, so that
/// a connection without traffic has none.
///
/// A buffer that is given back may still be in use by the handlers that got its bytes. It is taken again afterwards.
/// Reached by its own thread only, and therefore Sendable.
package final class BufferPool: @unchecked Sendable {
    /// Sizes of buffers: small messages, most of a record, and what is read from a socket at once or three full records
    /// take.
    private static let sizes = [4 << 10, 16 << 10, large]
    static let large = 64 << 10
    /// Buffers of each size that are kept.
    private static let most = 8

    private static let ofThread = ThreadSpecificVariable<BufferPool>()

    /// The pool of this thread.
    package static var current: BufferPool {
        if let pool = ofThread.currentValue { return pool }
        let pool = BufferPool()
        ofThread.currentValue = pool
        return pool
    }

    /// By size.
    private var kept = [[ByteBuffer]](repeating: [], count: sizes.count)
    /// Buffers that were taken and not given back.
    package private(set) var outstanding = 0

    private init() {}

    /// Takes an empty buffer with room for `count` bytes, or for as many as the largest has.
    func take(_ count: Int) -> ByteBuffer {
        outstanding += 1
        let size = Self.sizes.firstIndex { count <= $0 } ?? Self.sizes.endIndex - 1
        for index in kept[size].indices.reversed() where kept[size][index].modifyIfUniquelyOwned({ $0.clear() }) != nil
        {
            return kept[size].remove(at: index)
        }
        return ByteBufferAllocator().buffer(capacity: Self.sizes[size])
    }

    func give(_ buffer: ByteBuffer) {
        outstanding -= 1
        guard let size = Self.sizes.lastIndex(where: { $0 <= buffer.capacity }), kept[size].count < Self.most else {
            return
        }
        kept[size].append(buffer)
    }
}
