// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOPosix

/// The buffers of one event loop's connections: one is taken while bytes are in flight and given back with them, so that
/// a connection without traffic has none.
///
/// A buffer that is given back may still be read by whoever got its bytes. It is taken again when nobody does.
/// Reached by its own thread only, and therefore Sendable.
package final class BufferPool: @unchecked Sendable {
    /// Plaintext and ciphertext of small messages.
    static let small = 4 << 10
    /// What is read from a socket at once, and three full records.
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

    private var kept: (small: [ByteBuffer], large: [ByteBuffer]) = ([], [])
    /// Buffers that were taken and not given back.
    package private(set) var outstanding = 0

    private init() {}

    /// Takes an empty buffer with room for `count` bytes, or for as many as the largest has.
    func take(_ count: Int) -> ByteBuffer {
        outstanding += 1
        return count <= Self.small ? Self.take(Self.small, from: &kept.small) : Self.take(Self.large, from: &kept.large)
    }

    private static func take(_ size: Int, from kept: inout [ByteBuffer]) -> ByteBuffer {
        for index in kept.indices.reversed() where kept[index].modifyIfUniquelyOwned({ $0.clear() }) != nil {
            kept.swapAt(index, kept.endIndex - 1)
            return kept.removeLast()
        }
        return ByteBufferAllocator().buffer(capacity: size)
    }

    func give(_ buffer: ByteBuffer) {
        outstanding -= 1
        if buffer.capacity < Self.large {
            if kept.small.count < Self.most { kept.small.append(buffer) }
        } else if kept.large.count < Self.most {
            kept.large.append(buffer)
        }
    }
}
