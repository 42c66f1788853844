// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

/// Turns the bytes of a connection into messages, one frame at a time.
///
/// It never holds more than one incomplete frame, because a header that announces more than the limit ends the
/// connection before its payload is read. A caller that switches to raw bytes after a handshake takes the buffered
/// bytes with ``takeRemaining()``: they are payload (PROTOCOL.md §2).
package struct FrameReader {
    private var buffer = ByteBuffer()

    package init() {}

    /// Whether every byte that arrived was read.
    package var isEmpty: Bool { buffer.readableBytes == 0 }

    /// Adds bytes that arrived.
    package mutating func append(_ bytes: inout ByteBuffer) {
        if buffer.readableBytes == 0 {
            swap(&buffer, &bytes)
            bytes.clear()
        } else {
            // A connection whose every read ends inside a frame never empties the buffer, so read bytes are discarded
            // here.
            if buffer.readerIndex > WireLimits.framePayload { buffer.discardReadBytes() }
            buffer.writeBuffer(&bytes)
        }
    }

    /// The next message, or nil while its frame is not complete.
    package mutating func next() throws(FrameError) -> Message? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length <= WireLimits.framePayload else { throw .tooLarge(length: Int(length)) }
        guard buffer.readableBytes >= WireLimits.frameHeader + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: WireLimits.frameHeader)
        guard let payload = buffer.readBytes(length: Int(length)) else { throw .malformed }
        if buffer.readableBytes == 0 { buffer.clear() }
        return try Message(payload: payload)
    }

    /// The bytes after the last frame that was read; the reader is empty afterwards.
    package mutating func takeRemaining() -> ByteBuffer {
        var remaining = ByteBuffer()
        swap(&remaining, &buffer)
        return remaining
    }
}
