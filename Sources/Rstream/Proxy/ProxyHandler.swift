// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOTLS
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// Negotiates a tunnel with a proxy, HTTP CONNECT or SOCKS5, as a ``ProxyStateMachine`` decides. Removes itself once
/// the proxy relays. ``EngineConnector`` and ``ControlPlane`` add it.
///
/// The handlers behind it speak to the engine. They see channelActive only once the proxy relays, and no events of the
/// TLS to an `https` proxy.
///
/// Confined to the channel's event loop.
final class ProxyHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var machine: any ProxyStateMachine
    private let awaitsTLS: Bool
    private let deadline: NIODeadline
    private let timeout: Duration
    private let explain: (any Error) -> RstreamError
    private let open: (ProxyHandler, any Channel) throws -> Void
    private var timer: Scheduled<Void>?
    private var isOver = false

    /// With `awaitsTLS` it starts only after the TLS handshake with an `https` proxy. `explain` makes an error that names
    /// the engine and the proxy; `open` adds the handlers for the engine behind this handler.
    init(
        _ machine: any ProxyStateMachine,
        awaitsTLS: Bool,
        deadline: NIODeadline,
        timeout: Duration,
        explain: @escaping (any Error) -> RstreamError,
        open: @escaping (ProxyHandler, any Channel) throws -> Void
    ) {
        self.machine = machine
        self.awaitsTLS = awaitsTLS
        self.deadline = deadline
        self.timeout = timeout
        self.explain = explain
        self.open = open
    }

    func channelActive(context: ChannelHandlerContext) {
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.fail(ProxyFailure.timeout(self.timeout), context.value)
        }
        if !awaitsTLS { run(machine.connected(), context.value) }
        context.value.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted: run(machine.connected(), context)
        case ChannelEvent.inputClosed: fail(ProxyFailure.closed, context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        run(machine.received(Array(bytes.readableBytesView)), context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isOver { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ProxyFailure.closed, context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context _: ChannelHandlerContext) {
        isOver = true
        timer?.cancel()
        timer = nil
    }

    private func run(_ action: consuming ProxyAction, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        switch consume action {
        case .none: break
        case .send(var bytes):
            let buffer = ByteBuffer(bytes: bytes)
            SecretMemory.wipe(&bytes)
            context.writeAndFlush(wrapOutboundOut(buffer), promise: buffer.overwritten(on: context.eventLoop))
        case .open(let rest): leave(rest, context)
        case .fail(let failure): fail(failure, context)
        }
    }

    private func leave(_ rest: [UInt8], _ context: ChannelHandlerContext) {
        do {
            try open(self, context.channel)
        } catch {
            return fail(error, context)
        }
        isOver = true
        context.fireChannelActive()
        if !rest.isEmpty {
            context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: rest)))
            context.fireChannelReadComplete()
        }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        context.fireErrorCaught(explain(error))
        context.channel.abort()
    }
}

/// Sits behind the engine's TLS handler in a proxied connection, and names the proxy in errors of the handshake: the
/// proxy may have caused them, since some intercept TLS and present their own certificate.
///
/// Removes itself after the handshake. Confined to the channel's event loop.
final class ProxyErrorHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let explain: (any Error) -> RstreamError

    /// `explain` makes an error that names the engine and the proxy.
    init(explain: @escaping (any Error) -> RstreamError) {
        self.explain = explain
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(explain(error))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard case TLSUserEvent.handshakeCompleted = event else { return }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
