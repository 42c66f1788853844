// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

extension ByteBuffer {
    /// Appends the frame of `message`. Throws, and writes nothing, when the message is too long for a frame.
    package mutating func writeFrame(_ message: Message) throws(FrameError) {
        let payload = try message.payload()
        guard payload.count <= WireLimits.framePayload else { throw .tooLarge(length: payload.count) }
        reserveCapacity(minimumWritableBytes: WireLimits.frameHeader + payload.count)
        writeInteger(UInt32(payload.count))
        writeBytes(payload)
    }
}
