internal import NIOCore
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// Starts TCP and TLS to an engine, directly or through a proxy. The last handler of the pipeline uses the
/// connection.
struct EngineConnector: Sendable {
    /// The TLS contexts.
    struct Contexts: Sendable {
        let engine: TLSClientContext
        let proxy: TLSClientContext?
    }

    /// The resolvers: for the engine, and for a proxy, which a resolver for the engine need not know.
    struct Names: Sendable {
        let engine: NameService
        let proxy: NameService
    }

    /// The engine of the control channel; a configured server name applies to it only (PROTOCOL.md §6.1).
    let engine: EngineAddress
    let transport: TransportOptions
    var contexts: Contexts
    let names: Names
    /// Receives the engine's certificates, its own first, which are not judged then: to inspect them without sending
    /// anything. TLS ends there, with an error.
    var inspect: (@Sendable ([NIOSSLCertificate]) -> Void)?

    /// Which addresses are dialed for streams of the engine whose control channel is connected to `remote`.
    func redirectRule(connectedTo remote: SocketAddress?) -> RedirectRule {
        let isDirect = (try? EngineRoute(to: engine, by: transport.proxy)) == .direct
        let address = isDirect ? remote?.ipAddress.flatMap { IPAddress($0) } : nil
        return RedirectRule(transport.redirects, engine: engine, connectedTo: address)
    }

    /// Dials `address` on `eventLoop`, at what `rule` permits. The future fails with ``RstreamError``.
    ///
    /// It succeeds when TCP is connected, be it to a proxy; the rest goes on, and `handler` sees its end as an event
    /// or an error. The channel becomes active for `handler` when the engine is reached. Nothing is read except
    /// what TLS needs unless `autoRead` is true.
    func connect(
        to address: EngineAddress,
        under rule: RedirectRule? = nil,
        on eventLoop: any EventLoop,
        within timeout: Duration,
        autoRead: Bool,
        handler: @escaping @Sendable () -> any ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        let route: EngineRoute
        do {
            route = try EngineRoute(to: address, by: transport.proxy)
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let connected: EventLoopFuture<any Channel> =
            switch route {
            case .direct:
                Dialer(transport).dial(address, under: rule, names: names.engine, on: eventLoop, within: timeout)
                    .flatMapThrowing { channel in
                        try channel.dropUnless {
                            try channel.pipeline.syncOperations.addHandler(TunnelEndHandler())
                            try startTLS(to: address, at: .last, of: channel)
                            try start(handler(), on: channel)
                        }
                    }
            case .proxy(let hop):
                ProxyTarget(transport: transport, names: names.engine)
                    .address(for: address, under: rule, on: eventLoop, within: timeout)
                    .flatMap { target in
                        Dialer(transport)
                            .dial(hop.address, names: names.proxy, on: eventLoop, within: Duration(deadline - .now()))
                            .flatMapThrowing { channel in
                                try channel.dropUnless {
                                    try startProxy(hop, to: address, target, on: channel, by: deadline, within: timeout)
                                    try start(handler(), on: channel)
                                }
                            }
                    }
            }
        return connected.flatMapErrorThrowing { error in
            throw RstreamError.connection(to: address, route, error)
        }.flatMap { channel in
            guard autoRead else { return eventLoop.makeSucceededFuture(channel) }
            return channel.setOption(.autoRead, value: true).map { channel }
        }
    }

    /// The error for an `address` that was not reached in time, for callers that wait for more than the connection.
    func timeoutError(for address: EngineAddress, after timeout: Duration) -> RstreamError {
        let route = (try? EngineRoute(to: address, by: transport.proxy)) ?? .direct
        return RstreamError.connection(to: address, route, HandshakeTimeout(duration: timeout))
    }

    private func start(_ handler: any ChannelHandler, on channel: any Channel) throws {
        guard channel.isActive else { throw ChannelError.eof }
        try channel.pipeline.syncOperations.addHandler(handler)
        channel.pipeline.fireChannelActive()
    }

    // MARK: Through a proxy

    private func startProxy(
        _ hop: ProxyHop,
        to address: EngineAddress,
        _ target: EngineAddress,
        on channel: any Channel,
        by deadline: NIODeadline,
        within timeout: Duration
    ) throws {
        if hop.language == .https {
            guard let context = contexts.proxy else { throw ChannelError.operationUnsupported }
            let tls = try TLSClient.handlers(
                context,
                to: hop.tls.serverName ?? hop.address.host,
                check: hop.tls.insecureSkipVerify ? .nothing : .name
            )
            try channel.pipeline.syncOperations.addHandlers(tls)
        }
        let proxy = ProxyHandler(
            hop.machine(to: target),
            awaitsTLS: hop.language == .https,
            deadline: deadline,
            timeout: timeout
        ) { error in
            RstreamError.connection(to: address, .proxy(hop), error)
        } open: { handler, channel in
            let errors = TunnelErrorHandler { error in
                RstreamError.connection(to: address, .proxy(hop), isOpen: true, error)
            }
            try startTLS(to: address, at: .after(handler), of: channel, behind: [errors])
        }
        try channel.pipeline.syncOperations.addHandlers(TunnelEndHandler(), proxy)
    }

    // MARK: TLS

    private func startTLS(
        to address: EngineAddress,
        at position: ChannelPipeline.SynchronousOperations.Position,
        of channel: any Channel,
        behind others: [any ChannelHandler] = []
    ) throws {
        let check: TLSClient.Check =
            if let inspect { .inspection(inspect) } else { transport.tls.insecureSkipVerify ? .nothing : .name }
        let name = address == engine ? transport.tls.serverName ?? address.host : address.host
        let tls = try TLSClient.handlers(contexts.engine, to: name, check: check)
        try channel.pipeline.syncOperations.addHandlers(tls + others, position: position)
    }
}

extension Channel {
    /// Passes the channel on if `prepare` succeeds, and closes it otherwise: nothing else would.
    fileprivate func dropUnless(_ prepare: () throws -> Void) throws -> any Channel {
        do {
            try prepare()
        } catch {
            abort()
            throw error
        }
        return self
    }
}
