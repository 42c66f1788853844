// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// Opens TLS connections to an engine, directly or through a proxy, for control channels, dials and streams. The
/// caller's handler at the end of the pipeline speaks the protocol.
///
/// A value without state of its own; ``RstreamClient`` makes them.
struct EngineConnector: Sendable {
    /// The TLS contexts for the engine and for an `https` proxy.
    struct Contexts: Sendable, Equatable {
        let engine: TLSClientContext
        let proxy: TLSClientContext?

        /// Whether connections are made with the same certificates.
        static func == (one: Self, other: Self) -> Bool {
            one.engine === other.engine && one.proxy === other.proxy
        }
    }

    /// Resolve the names of the engine and of a proxy. With `transport.dns`, only the engine's name is resolved by it.
    struct Names: Sendable {
        let engine: NameService
        let proxy: NameService
    }

    /// What stays the same while a control channel lives. A connector is copied into several closures for each stream,
    /// and this is one reference of all that would have to be counted.
    private final class Settings: Sendable {
        /// The engine of the control channel. A configured server name applies to it only (PROTOCOL.md §6.1).
        let engine: EngineAddress
        let transport: TransportOptions
        let names: Names
        /// Whether no proxy stands between this host and the engine.
        let isDirect: Bool

        init(_ engine: EngineAddress, _ transport: TransportOptions, _ names: Names) {
            (self.engine, self.transport, self.names) = (engine, transport, names)
            isDirect = (try? EngineRoute(to: engine, by: transport.proxy)) == .direct
        }
    }

    private let settings: Settings
    var contexts: Contexts
    /// Gets the engine's certificates, unverified, the leaf first; the handshake then fails. For
    /// ``RstreamClient/probe(_:)``.
    var inspect: (@Sendable ([NIOSSLCertificate]) -> Void)?

    init(engine: EngineAddress, transport: TransportOptions, contexts: Contexts, names: Names) {
        settings = Settings(engine, transport, names)
        self.contexts = contexts
    }

    /// The rule for addresses to which the engine redirects streams; `remote` is the peer of its control channel.
    func redirectRule(connectedTo remote: IPAddress?) -> RedirectRule {
        RedirectRule(
            settings.transport.redirects,
            engine: settings.engine,
            connectedTo: settings.isDirect ? remote : nil
        )
    }

    /// Dials `address` on `eventLoop`, at the addresses that `rule` permits. The future fails with ``RstreamError``.
    ///
    /// The future succeeds once TCP is connected, to the engine or to a proxy. `handler` then sees channelActive when
    /// the engine can be reached, and the TLS handshake's end as an event or an error. Unless `autoRead` is true, only
    /// what the proxy and TLS need is read.
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
            route = try EngineRoute(to: address, by: settings.transport.proxy)
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let connected: EventLoopFuture<any Channel> =
            switch route {
            case .direct:
                Dialer(settings.transport)
                    .dial(address, under: rule, names: settings.names.engine, on: eventLoop, within: timeout)
                    .flatMapThrowing { channel in
                        try channel.abortOnError {
                            try channel.pipeline.syncOperations.addHandler(HalfCloseFilter())
                            try startTLS(to: address, at: .last, of: channel)
                            try start(handler(), on: channel)
                        }
                    }
            case .proxy(let hop):
                ProxyTarget(transport: settings.transport, names: settings.names.engine)
                    .address(for: address, under: rule, on: eventLoop, within: timeout)
                    .flatMap { target in
                        let left = Duration(deadline - .now())
                        return Dialer(settings.transport)
                            .dial(hop.address, names: settings.names.proxy, on: eventLoop, within: left)
                            .flatMapThrowing { channel in
                                try channel.abortOnError {
                                    try startProxy(hop, to: address, target, on: channel, by: deadline, within: timeout)
                                    try start(handler(), on: channel)
                                }
                            }
                    }
            }
        let explained = connected.flatMapErrorThrowing { error in
            throw RstreamError.connection(to: address, route, error)
        }
        guard autoRead else { return explained }
        return explained.flatMap { channel in channel.setOption(.autoRead, value: true).map { channel } }
    }

    /// The error for a caller whose own timeout for reaching `address` has passed.
    func timeoutError(for address: EngineAddress, after timeout: Duration) -> RstreamError {
        let route = (try? EngineRoute(to: address, by: settings.transport.proxy)) ?? .direct
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
            let errors = ProxyErrorHandler { error in
                RstreamError.connection(to: address, .proxy(hop), isOpen: true, error)
            }
            try startTLS(to: address, at: .after(handler), of: channel, behind: [errors])
        }
        try channel.pipeline.syncOperations.addHandlers(HalfCloseFilter(), proxy)
    }

    // MARK: TLS

    private func startTLS(
        to address: EngineAddress,
        at position: ChannelPipeline.SynchronousOperations.Position,
        of channel: any Channel,
        behind others: [any ChannelHandler] = []
    ) throws {
        let tls = settings.transport.tls
        let verification: TLSClient.Verification =
            if let inspect { .inspection(inspect) } else { tls.insecureSkipVerify ? .none : .full }
        let name = address == settings.engine ? tls.serverName ?? address.host : address.host
        let handlers = try TLSClient.handlers(contexts.engine, to: name, at: address, verification: verification)
        try channel.pipeline.syncOperations.addHandlers(handlers + others, position: position)
    }
}

extension Channel {
    /// Runs `prepare`, and aborts the channel if that throws: the caller never gets the channel, so nothing else would
    /// close it.
    fileprivate func abortOnError(_ prepare: () throws -> Void) throws -> any Channel {
        do {
            try prepare()
        } catch {
            abort()
            throw error
        }
        return self
    }
}
