// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore

/// Buffers bytes from a local connection until its stream is joined.
///
/// Nothing is read from a connection that is not joined yet, with one exception that is NIO's: when the peer closes its
/// output, NIO reads what is left in the socket to find the end, whether a read was asked for or not. A service that
/// greets and ends at once would lose its greeting. What is buffered is bounded by the socket's receive buffer. When
/// this handler is removed, everything goes to the handlers behind it in the order of arrival.
///
/// The end of a Unix socket closes the channel at once, which leaves no pipeline to join. The bytes of such a peer are
/// in ``remains``.
///
/// Confined to the channel's event loop.
final class PendingBytesHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var pending: [ByteBuffer] = []
    private var inputClosed = false
    private var failure: (any Error)?

    /// The bytes of a peer that has ended in order; nil while it goes on, and when it broke.
    var remains: [ByteBuffer]? { inputClosed && failure == nil ? pending : nil }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        pending.append(unwrapInboundIn(data))
    }

    func channelReadComplete(context _: ChannelHandlerContext) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            inputClosed = true
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        failure = failure ?? error
    }

    func removeHandler(context: ChannelHandlerContext, removalToken: ChannelHandlerContext.RemovalToken) {
        for bytes in pending { context.fireChannelRead(wrapInboundOut(bytes)) }
        if !pending.isEmpty { context.fireChannelReadComplete() }
        pending = []
        if let failure { context.fireErrorCaught(failure) }
        if inputClosed { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        context.leavePipeline(removalToken: removalToken)
    }
}
