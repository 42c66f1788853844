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

    /// The engine of the control channel. A configured server name applies to it only (PROTOCOL.md §6.1).
    let engine: EngineAddress
    let transport: TransportOptions
    var contexts: Contexts
    let names: Names
    /// Gets the engine's certificates, unverified, the leaf first; the handshake then fails. For
    /// ``RstreamClient/probe(_:)``.
    var inspect: (@Sendable ([NIOSSLCertificate]) -> Void)?

    /// The rule for addresses to which the engine redirects streams; `remote` is the peer of its control channel.
    func redirectRule(connectedTo remote: SocketAddress?) -> RedirectRule {
        let isDirect = (try? EngineRoute(to: engine, by: transport.proxy)) == .direct
        let address = isDirect ? remote?.ipAddress.flatMap { IPAddress($0) } : nil
        return RedirectRule(transport.redirects, engine: engine, connectedTo: address)
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
                        try channel.abortOnError {
                            try channel.pipeline.syncOperations.addHandler(HalfCloseFilter())
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
                                try channel.abortOnError {
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

    /// The error for a caller whose own timeout for reaching `address` has passed.
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
        let verification: TLSClient.Verification =
            if let inspect { .inspection(inspect) } else { transport.tls.insecureSkipVerify ? .none : .full }
        let name = address == engine ? transport.tls.serverName ?? address.host : address.host
        let tls = try TLSClient.handlers(contexts.engine, to: name, at: address, verification: verification)
        try channel.pipeline.syncOperations.addHandlers(tls + others, position: position)
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
