internal import ClientConfiguration
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel

/// The way to a control plane is the one to an engine: the same proxy, the same start, the same name servers.
extension ControlPlane {
    /// How TLS is spoken on the way; nil where it is not.
    struct Contexts: Sendable {
        let controlPlane: TLSClientContext?
        let proxy: TLSClientContext?
    }

    /// Dials and asks. Whoever waits for `answer` sets the time.
    func connect(
        to url: ControlPlaneURL,
        on eventLoop: any EventLoop,
        asking request: HTTPRequestHead,
        _ token: Secret,
        _ contexts: Contexts,
        answer: EventLoopPromise<ExchangeHandler.Answer>
    ) -> EventLoopFuture<any Channel> {
        let route: EngineRoute
        do {
            route = try EngineRoute(to: url.address, by: transport.proxy)
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        let exchange = Exchange(url: url, request: request, token: token, tls: contexts.controlPlane, answer: answer)
        let dialer = Dialer(transport)
        let connected: EventLoopFuture<any Channel> =
            switch route {
            case .direct:
                dialer.dial(url.address, names: names.engine, on: eventLoop, within: timeout)
                    .flatMapThrowing { channel in
                        try exchange.start(on: channel, at: .last)
                        return channel
                    }
            case .proxy(let hop):
                ProxyTarget(transport: transport, names: names.engine)
                    .address(for: url.address, on: eventLoop, within: timeout)
                    .flatMap { target in
                        dialer.dial(hop.address, names: names.proxy, on: eventLoop, within: timeout)
                            .flatMapThrowing { channel in
                                try start(exchange, through: hop, to: target, contexts.proxy, on: channel)
                                return channel
                            }
                    }
            }
        return connected.flatMapErrorThrowing { error in
            if case .proxy(let hop) = route { throw Self.error(at: url, through: hop, .proxy, error) }
            throw error
        }.flatMap { channel -> EventLoopFuture<any Channel> in
            guard channel.isActive else { return eventLoop.makeFailedFuture(ChannelError.eof) }
            channel.pipeline.fireChannelActive()
            // The end of the answer is the end of the connection.
            return channel.setOption(.allowRemoteHalfClosure, value: false)
                .flatMap { channel.setOption(.autoRead, value: true) }
                .map { channel }
        }
    }

    private func start(
        _ exchange: Exchange,
        through hop: ProxyHop,
        to target: EngineAddress,
        _ context: TLSClientContext?,
        on channel: any Channel
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if hop.language == .https {
            guard let context else { throw ChannelError.operationUnsupported }
            let name = hop.tls.serverName ?? hop.address.host
            let verification: TLSClient.Verification = hop.tls.insecureSkipVerify ? .none : .full
            try pipeline.addHandlers(try TLSClient.handlers(context, to: name, verification: verification))
        }
        let url = exchange.url
        let proxy = ProxyHandler(
            hop.machine(to: target),
            awaitsTLS: hop.language == .https,
            deadline: .now() + TimeAmount(timeout),
            timeout: timeout
        ) { error in
            Self.error(at: url, through: hop, .proxy, error)
        } open: { handler, channel in
            let errors = TunnelErrorHandler { Self.error(at: url, through: hop, .controlPlane, $0) }
            try exchange.start(on: channel, at: .after(handler), behind: [errors])
        }
        try pipeline.addHandler(proxy)
        // What the proxy says in the end has to reach whoever waits, also before there is anything behind it.
        try pipeline.addHandler(FailureHandler(exchange.answer))
    }

    /// What went wrong at a proxy, or behind it.
    private static func error(
        at url: ControlPlaneURL,
        through hop: ProxyHop,
        _ peer: ConnectionPeer,
        _ error: any Error
    ) -> RstreamError {
        if let error = error as? RstreamError { return error }
        let failure = error as? ProxyFailure
        let (reason, fix) = failure.map { ($0.what, $0.fix) } ?? peer.explain(error)
        return RstreamError(
            code: .controlPlane,
            origin: failure?.origin == .configuration ? .configuration : .host,
            retry: .afterBackoff,
            what: "control plane \(url.address) through \(hop): \(reason)",
            fix: fix
        )
    }
}

/// One request, and who waits for its answer.
private struct Exchange: Sendable {
    let url: ControlPlaneURL
    let request: HTTPRequestHead
    let token: Secret
    let tls: TLSClientContext?
    let answer: EventLoopPromise<ExchangeHandler.Answer>

    /// Adds what asks. It begins when the channel becomes active for it.
    func start(
        on channel: any Channel,
        at position: ChannelPipeline.SynchronousOperations.Position,
        behind others: [any ChannelHandler] = []
    ) throws {
        var handlers: [any ChannelHandler] = []
        if let tls { handlers = try TLSClient.handlers(tls, to: url.address.host) + others }
        handlers.append(RequestWriter(token: token))
        handlers.append(ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
        handlers.append(ExchangeHandler(request, waitsForTLS: tls != nil, answer: answer))
        try channel.pipeline.syncOperations.addHandlers(handlers, position: position)
    }
}

/// The end of a pipeline in which nobody waits for an answer yet. Confined to the channel's event loop.
private final class FailureHandler: ChannelInboundHandler {
    typealias InboundIn = Any

    private let answer: EventLoopPromise<ExchangeHandler.Answer>

    init(_ answer: EventLoopPromise<ExchangeHandler.Answer>) {
        self.answer = answer
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context _: ChannelHandlerContext) { answer.fail(ChannelError.eof) }
}
