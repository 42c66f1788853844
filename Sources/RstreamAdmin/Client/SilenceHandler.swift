// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamModel

/// Ends a connection on which nothing came for too long: the kernel accepts connections for a daemon that hangs.
///
/// Confined to its channel's event loop.
final class SilenceHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Nothing came for this long.
    struct Silence: Error {
        let limit: Duration
    }

    /// How long a connection may be silent before the first byte and after it.
    struct Timeouts: Hashable, Sendable {
        var first: Duration
        var next: Duration
    }

    private let timeouts: Timeouts
    private var timer: Scheduled<Void>?

    init(_ timeouts: Timeouts) {
        self.timeouts = timeouts
    }

    func handlerAdded(context: ChannelHandlerContext) { wait(timeouts.first, context) }

    func handlerRemoved(context _: ChannelHandlerContext) { timer?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        wait(timeouts.next, context)
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    private func wait(_ limit: Duration, _ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            context.fireErrorCaught(Silence(limit: limit))
            context.close(promise: nil)
        }
    }
}
