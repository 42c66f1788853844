// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded

extension EmbeddedChannel {
    /// A connected channel with these handlers gets bytes as a socket would read them, and is then closed. Returns what the
    /// handlers wrote.
    @discardableResult
    static func deliver(_ pieces: [[UInt8]], to handlers: [any ChannelHandler]) -> [UInt8] {
        let channel = EmbeddedChannel(handlers: handlers)
        defer { channel.end() }
        if let address = try? SocketAddress(ipAddress: "192.0.2.1", port: 443) {
            channel.connect(to: address, promise: nil)
        }
        for piece in pieces where channel.isActive { _ = try? channel.writeInbound(ByteBuffer(bytes: piece)) }
        return channel.written()
    }

    /// What its handlers have written since the last time.
    func written() -> [UInt8] {
        var written: [UInt8] = []
        while let bytes = try? readOutbound(as: ByteBuffer.self) { written += bytes.readableBytesView }
        return written
    }

    /// Closes the channel, and lets the time pass that its handlers give their peer for it. Nothing is waited for, as
    /// `finish` does, which never returns where a handler holds the close back.
    func end() {
        close(mode: .all, promise: nil)
        embeddedEventLoop.advanceTime(by: .minutes(1))
        embeddedEventLoop.run()
    }
}
