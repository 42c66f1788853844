internal import NIOCore
internal import NIOTLS
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// Asks a proxy for a connection as ``ProxyStateMachine`` decides, and leaves the pipeline when the proxy relays.
///
/// The handlers behind it belong to the engine. For them the channel becomes active only when the engine can be
/// reached, and events of the proxy's TLS do not reach them.
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

    /// Does what `machine` decides, behind TLS if there is any. `explain` names engine and proxy in an error; `open`
    /// adds the engine's handlers behind this one.
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
