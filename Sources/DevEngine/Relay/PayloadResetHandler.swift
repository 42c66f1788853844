// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore

/// Calls a closure once a number of bytes has passed on an agent's connection, in both directions together (fault
/// `payload-reset`).
final class PayloadResetHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var left: Int
    private let reached: () -> Void

    /// `already` bytes have passed before.
    init(_ limit: Int, already: Int, reached: @escaping () -> Void) {
        left = limit - already
        self.reached = reached
    }

    private func count(_ bytes: Int) {
        guard left > 0, bytes > 0 else { return }
        left -= bytes
        if left <= 0 { reached() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(data)
        count(unwrapInboundIn(data).readableBytes)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        context.write(wrapOutboundOut(bytes), promise: promise)
        count(bytes.readableBytes)
    }
}
