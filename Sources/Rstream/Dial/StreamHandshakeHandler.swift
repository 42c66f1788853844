// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import RstreamWire

/// The last handler of an engine connection until ``ArrivedStream/start(_:)`` puts the stream's own handlers behind it.
///
/// It passes frames and events to its owner: ``WarmConnection`` while no stream has the connection, ``StreamHandshake``
/// during the handshake. Afterwards it buffers the bytes that arrive before the stream is started: at most one read,
/// because reading is not automatic. When it is removed, the handlers behind it see the channel become active, as in any
/// pipeline, and then everything buffered in the order of arrival.
///
/// Confined to the channel's event loop.
final class StreamHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private weak var owner: (any EngineConnectionOwner)?
    private var reader = FrameReader()
    private var inputClosed = false
    private var failure: (any Error)?

    init(owner: any EngineConnectionOwner) {
        self.owner = owner
    }

    /// Whether nothing has arrived on the connection, no end or error either.
    var isUntouched: Bool { reader.isEmpty && !inputClosed && failure == nil }

    /// Passes what happens from now on to another owner.
    func hand(to owner: any EngineConnectionOwner) {
        self.owner = owner
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        // TLS keeps reading by itself until the first bytes of the stream.
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            owner?.connected(context.channel)
        case ChannelEvent.inputClosed:
            inputClosed = true
            owner?.closed(context.channel, error: nil)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        reader.append(&bytes)
        guard let owner, owner.awaitsFrame(on: context.channel) else { return }
        do {
            guard let message = try reader.next() else { return }
            owner.received(message, on: context.channel)
        } catch {
            owner.malformed(error, on: context.channel)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let owner, owner.awaitsFrame(on: context.channel) { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? error
        owner?.closed(context.channel, error: error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        owner?.closed(context.channel, error: failure)
        context.fireChannelInactive()
    }

    func removeHandler(context: ChannelHandlerContext, removalToken: ChannelHandlerContext.RemovalToken) {
        if context.channel.isActive { context.fireChannelActive() }
        let bytes = reader.takeRemaining()
        if bytes.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(bytes))
            context.fireChannelReadComplete()
        }
        if let failure { context.fireErrorCaught(failure) }
        if inputClosed { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        context.leavePipeline(removalToken: removalToken)
    }
}
