internal import NIOCore
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// Starts TCP and TLS to an engine, straight or through a proxy. What is said on the connection is its last handler's
/// business.
struct EngineConnector: Sendable {
    /// How TLS is spoken to whom.
    struct Contexts: Sendable {
        let engine: TLSClientContext
        let proxy: TLSClientContext?
    }

    /// Who knows addresses: of the engine, and of a proxy, which a resolver for the engine need not know.
    struct Names: Sendable {
        let engine: NameService
        let proxy: NameService
    }

    /// The engine that the control channel uses; a configured server name is meant for it only (PROTOCOL.md §6.1).
    let engine: EngineAddress
    let transport: TransportOptions
    var contexts: Contexts
    let names: Names
    /// Is shown the certificates of the engine, its own first, which then are not judged: to see them without saying
    /// anything to who shows them. TLS ends there, in an error.
    var inspect: (@Sendable ([NIOSSLCertificate]) -> Void)?

    /// Which addresses are dialed for streams that the engine asks for, where its control channel ends at `remote`.
    func redirectRule(connectedTo remote: SocketAddress?) -> RedirectRule {
        let isDirect = (try? EngineRoute(to: engine, by: transport.proxy)) == .direct
        let address = isDirect ? remote?.ipAddress.flatMap { IPAddress($0) } : nil
        return RedirectRule(transport.redirects, engine: engine, connectedTo: address)
    }

    /// Dials `address` on `eventLoop`, at what `rule` permits. The future fails with ``RstreamError``.
    ///
    /// It succeeds when TCP is connected, be it to a proxy; the rest goes on, and `handler` sees its end as an event
    /// or an error. The channel becomes active for `handler` when the engine can be spoken to. Nothing is read but
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

    /// That `address` could not be spoken to in time, as somebody has to say who waits for more than the connection.
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
                verification: hop.tls.insecureSkipVerify ? .none : .full
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
        let verification: TLSClient.Verification =
            if let inspect { .inspection(inspect) } else { transport.tls.insecureSkipVerify ? .none : .full }
        let name = address == engine ? transport.tls.serverName ?? address.host : address.host
        let tls = try TLSClient.handlers(contexts.engine, to: name, verification: verification)
        try channel.pipeline.syncOperations.addHandlers(tls + others, position: position)
    }
}

extension Channel {
    /// Hands the channel on if `prepare` succeeds. Nobody else would close one that is connected and cannot be used.
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
