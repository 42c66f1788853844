// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

/// How many bytes are read at once from a stream's connection: few while it is interactive, many once it proves to be
/// bulk.
///
/// NIO keeps the buffers that it reads into for as long as the channel lives: four of up to 64 KiB each, for every
/// connection that was ever busy. It keeps none but the first, which is small, when one read is made at a time and the
/// allocator gives no size in advance; what it allocates then is free as soon as the bytes are written on.
package struct StreamReadSize: RecvByteBufferAllocator {
    /// Enough for a request's head, a prompt, a key press.
    package static let smallest = 2 * 1_024
    /// As many as may stand between the two peers of a stream, beside what TLS makes of them.
    package static let largest = 128 * 1_024
    /// A stream that fills what it is given gets so many times as much.
    private static let growth = 4

    private var size = smallest
    private var wasMuchTooLarge = false

    package init() {}

    package func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: size)
    }

    package mutating func record(actualReadBytes count: Int) -> Bool {
        if count >= size {
            size = min(Self.largest, size * Self.growth)
            wasMuchTooLarge = false
        } else if count < size / Self.growth, size > Self.smallest {
            // Once may be the end of a burst.
            if wasMuchTooLarge { size /= Self.growth }
            wasMuchTooLarge.toggle()
        } else {
            wasMuchTooLarge = false
        }
        // A buffer that NIO holds is not to be used again: it is as small as the first.
        return true
    }

    package func nextBufferSize() -> Int? { nil }
}
