// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
public import Logging
public import NIOCore
public import NIOPosix
internal import NIOSSL
internal import RstreamCore
public import RstreamModel
internal import RstreamSocket
internal import RstreamWire
internal import Synchronization

/// Connects to an engine: opens control channels and dials private tunnels.
///
/// A client holds no connection by itself, so there is nothing to close: warm connections
/// (`TransportOptions.prewarm`) are there only while a control channel is open. It is safe to use from any task.
public final class RstreamClient: Sendable {
    /// The options that the client was made with.
    public let options: RstreamClientOptions

    let group: any EventLoopGroup
    let logger: Logger
    let contexts: TLSContextCache
    private let proxyContexts: TLSContextCache?
    let names: EngineConnector.Names
    let resolver: EngineResolver
    private let latest = Lock(Latest())

    /// The warm connections of the control channel that was opened last, which owns them.
    private struct Latest {
        weak var prewarmed: PrewarmedConnections?
    }

    /// How long a private dial uses an answer of the control plane again; control channels always ask.
    private static let dialTrust = Duration.seconds(60)

    /// Makes a client for an engine at a known address, with a bearer token. Nothing is dialed yet.
    ///
    /// - Parameters:
    ///   - engine: The engine as `host[:port]`; port 443 unless given.
    ///   - token: The bearer token, one line of printable ASCII.
    ///   - eventLoopGroup: The event loops on which connections live; NIO's shared ones unless given.
    ///   - logger: Receives the client's messages; nothing is logged unless given.
    /// - Throws: ``RstreamError`` with ``RstreamError/Code/invalidEngine`` when `engine` is no address, and with the
    ///   code that a connect would have when the token can be seen to be of no use.
    public convenience init(
        engine: String,
        token: String,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() })
    ) throws(RstreamError) {
        let address: EngineAddress
        do throws(EngineAddress.Malformed) {
            address = try EngineAddress(engine)
        } catch {
            throw RstreamError(
                code: .invalidEngine,
                origin: .configuration,
                retry: .afterReload,
                what: "engine \"\(engine.shortened)\" \(error)"
            )
        }
        let secret = Secret(token)
        let options = RstreamClientOptions(engine: address, credential: .token(secret))
        try options.check(secret)
        self.init(options, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Makes a client. Nothing is dialed yet.
    ///
    /// - Parameters:
    ///   - options: The engine, the credential and how to connect.
    ///   - eventLoopGroup: The event loops on which connections live; NIO's shared ones unless given.
    ///   - logger: Receives the client's messages; nothing is logged unless given.
    public convenience init(
        _ options: RstreamClientOptions,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        let transport = options.transport
        let names: NameService
        if let dns = transport.dns {
            names = NameService(DNSResolver(dns, timeouts: options.timeouts.nameServer), logger: logger)
        } else if let family = transport.ipFamily {
            names = NameService(SystemResolver(only: family), logger: logger)
        } else {
            names = .host
        }
        // A resolver of the user's own is for the engine (CONFIG.md §7).
        let proxy = transport.dns == nil ? names : .host
        self.init(
            options,
            eventLoopGroup: eventLoopGroup,
            logger: logger,
            names: EngineConnector.Names(engine: names, proxy: proxy)
        )
    }

    /// Makes a client that resolves engine names with `addresses`.
    convenience init(
        _ options: RstreamClientOptions,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() }),
        addresses: any NameResolver
    ) {
        let names = NameService(addresses, logger: logger)
        self.init(
            options,
            eventLoopGroup: eventLoopGroup,
            logger: logger,
            names: EngineConnector.Names(engine: names, proxy: options.transport.dns == nil ? names : .host)
        )
    }

    private init(
        _ options: RstreamClientOptions,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        names: EngineConnector.Names
    ) {
        self.options = options
        self.logger = logger
        self.names = names
        group = eventLoopGroup
        contexts = TLSContextCache(.engine(options.transport.tls), credential: options.credential, logger: logger)
        proxyContexts = options.transport.proxy.flatMap { proxy in
            proxy.speaksTLS ? TLSContextCache(.proxy(proxy.tls), logger: logger) : nil
        }
        resolver = EngineResolver(
            options.engine,
            controlPlane: ControlPlane(
                agent: options.agent,
                group: eventLoopGroup,
                transport: options.transport,
                names: names
            ),
            logger: logger
        )
        MayBlock.never(on: eventLoopGroup)
    }

    /// Opens a control channel, which the caller closes; ``withControlChannel(_:)`` closes it for you.
    ///
    /// - Returns: An open channel; the engine has accepted the client.
    /// - Throws: ``RstreamError`` with one of these codes:
    ///   - ``RstreamError/Code/engineUnreachable``: name resolution, TCP or TLS failed.
    ///   - ``RstreamError/Code/engine``: the engine refused the client, for instance its token.
    ///   - ``RstreamError/Code/protocolViolation``: the engine answered what the protocol does not allow.
    ///   - ``RstreamError/Code/operationTimeout``: the engine did not answer within ``RstreamClientOptions/timeouts``.
    ///   - ``RstreamError/Code/tokenExpired``: the token or certificate has expired; nothing was dialed.
    ///   - ``RstreamError/Code/controlPlane``: the control plane did not name the engine of a managed project.
    ///   - ``RstreamError/Code/clientClosed``: the task was cancelled.
    public func connect() async throws(RstreamError) -> RstreamControlChannel {
        guard !Task.isCancelled else { throw .callCancelled }
        let milliseconds = try heartbeatMilliseconds()
        let details = options.details
        let token = try await options.token()
        let engine = try await resolver.resolve(token: token)
        let connector = try await connector(to: engine.address)
        let dialed = DialedEngineHalves(
            engine: engine.address,
            connector: { [self] in refreshed(connector) },
            details: details,
            secrets: token.map { [$0] } ?? [],
            zeroRTT: options.zeroRTT,
            timeouts: .each(dial: options.timeouts.streamDial, answer: options.timeouts.answer),
            group: group
        )
        let prewarmed = prewarmedConnections(for: dialed)
        let eventLoop = group.next()
        let opened = eventLoop.makePromise(of: ControlChannelHandler.Opened.self)
        let ended = Ending<ChannelEnd>()
        let handler = eventLoop.submit { [self] in
            NIOLoopBound(
                ControlChannelHandler(
                    machine: ControlChannelStateMachine(
                        details: details.with(token: token),
                        heartbeatMilliseconds: milliseconds,
                        limits: ControlChannelLimits(
                            openingStreams: options.limits.openingStreams,
                            pendingStreams: options.limits.pendingStreams
                        )
                    ),
                    engine: engine.address,
                    engineHalves: prewarmed.map { PrewarmedEngineHalves(dialed: dialed, connections: $0) } ?? dialed,
                    hiding: token.map { [$0] } ?? [],
                    timeouts: options.timeouts,
                    group: group,
                    logger: logger,
                    opened: opened,
                    ended: ended
                ),
                eventLoop: eventLoop
            )
        }
        do {
            let handler = try await handler.get()
            let state = try await open(handler, to: engine.address, connector: connector, on: eventLoop, opened: opened)
            latest.withLock { $0.prewarmed = prewarmed }
            return RstreamControlChannel(
                state,
                engine: engine.address,
                projectEngine: engine.project,
                handler: handler,
                eventLoop: eventLoop,
                ended: ended,
                prewarmed: prewarmed,
                logger: logger
            )
        } catch {
            // Both are settled on every path, also when no connection was made.
            let error = RstreamError.connection(to: engine.address, error)
            opened.fail(error)
            ended.settle(.lost(error))
            throw error
        }
    }

    /// Connects to a private tunnel of the project (PROTOCOL.md §8).
    ///
    /// - Parameters:
    ///   - tunnel: The tunnel's id or name; white space around it is ignored.
    ///   - zeroRTT: With `true` bytes may be sent at once and a refusal shows as a connection that the engine closes;
    ///     with `false` the engine's answer is awaited. ``RstreamClientOptions/zeroRTT`` unless given.
    /// - Returns: A stream that the caller starts; see ``RstreamStream``. Its
    ///   ``RstreamDialedStream/acceptance-swift.property`` is `confirmed` when the answer was awaited.
    /// - Throws: ``RstreamError`` with the codes of ``connect()``, and ``RstreamError/Code/invalidTunnel`` when
    ///   `tunnel` is blank. A refusal is thrown, with ``RstreamError/Code/engine``, only when the answer is awaited.
    public func dial(_ tunnel: String, zeroRTT: Bool? = nil) async throws(RstreamError) -> RstreamDialedStream {
        try await dial(tunnel, zeroRTT: zeroRTT, on: group.next())
    }

    /// Dials on an event loop of the caller's choice, for a stream whose other half lives there. The connection and the
    /// engine's answer together take no longer than `timeout`, when given.
    package func dial(
        _ tunnel: String,
        zeroRTT: Bool? = nil,
        within timeout: Duration? = nil,
        on eventLoop: any EventLoop
    ) async throws(RstreamError) -> RstreamDialedStream {
        let target = tunnel.trimmed
        guard !target.isEmpty else {
            throw RstreamError(
                code: .invalidTunnel,
                origin: .configuration,
                retry: .never,
                what: "the id or name of a tunnel to dial is blank"
            )
        }
        guard !Task.isCancelled else { throw .callCancelled }
        let token = try await options.token()
        let engine = try await resolver.resolve(token: token, acceptingAge: Self.dialTrust).address
        let request = StreamRequest(
            details: options.details.with(token: token),
            tunnelIDOrName: target,
            zeroRTT: zeroRTT ?? options.zeroRTT
        )
        let connector = try await connector(to: engine)
        let timeouts = options.timeouts
        let handshakeTimeouts =
            timeout.map(StreamHandshake.Timeouts.together) ?? .each(dial: timeouts.connect, answer: timeouts.answer)
        let prewarmed = latest.withLock { $0.prewarmed }
        let taken = prewarmed?.take(to: engine, with: connector, on: eventLoop)
        let handshake = eventLoop.submit {
            NIOLoopBound(
                StreamHandshake(
                    StreamHandshakeStateMachine.Plan(request: .streamRequest(request), attempts: 1),
                    connector: connector,
                    address: engine,
                    hiding: token.map { [$0] } ?? [],
                    on: eventLoop,
                    timeouts: handshakeTimeouts,
                    warm: taken?.connection
                ),
                eventLoop: eventLoop
            )
        }
        do {
            let handshake = try await handshake.get()
            return try await withTaskCancellationHandler {
                try await eventLoop.flatSubmit {
                    handshake.value.start().map {
                        RstreamDialedStream(
                            $0.streamID.map { .confirmed(streamID: $0) } ?? .unconfirmed,
                            arrived: ArrivedStream(channel: $0.channel)
                        )
                    }
                }.get()
            } onCancel: {
                eventLoop.execute {
                    handshake.value.cancel(RstreamError.connection(to: engine, CancellationError()))
                }
            }
        } catch {
            throw RstreamError.connection(to: engine, error)
        }
    }

    private func open(
        _ handler: NIOLoopBound<ControlChannelHandler>,
        to engine: EngineAddress,
        connector: EngineConnector,
        on eventLoop: any EventLoop,
        opened: EventLoopPromise<ControlChannelHandler.Opened>
    ) async throws -> ControlChannelHandler.Opened {
        try Task.checkCancellation()
        let timeout = options.timeouts.connect
        let connecting = connector.connect(to: engine, on: eventLoop, within: timeout, autoRead: true) {
            handler.value
        }
        connecting.whenFailure { opened.fail($0) }
        do {
            return try await withTaskCancellationHandler {
                try await opened.futureResult.get()
            } onCancel: {
                opened.fail(CancellationError())
            }
        } catch {
            // A connection that was made all the same is not used.
            connecting.whenSuccess { $0.abort() }
            throw error
        }
    }

    private func prewarmedConnections(for dialed: DialedEngineHalves) -> PrewarmedConnections? {
        guard let policy = options.transport.prewarm, policy.mode != .off else { return nil }
        let connections = PrewarmedConnections(
            policy,
            engine: dialed.engine,
            connector: dialed.connector,
            within: options.timeouts.streamDial,
            on: group
        )
        connections.limit(to: options.limits.openingStreams)
        return connections
    }

    private func heartbeatMilliseconds() throws(RstreamError) -> UInt32? {
        guard let interval = options.heartbeatInterval else { return nil }
        guard let milliseconds = Liveness.milliseconds(of: interval) else {
            throw RstreamError(
                code: .invalidConfig,
                origin: .configuration,
                retry: .never,
                what:
                    "a heartbeat interval of \(interval.secondsText) is not between 1 s and 300 s in whole milliseconds"
            )
        }
        return milliseconds
    }

    /// The connector for a stream that the engine offers, with certificates that may have been renewed since.
    private func refreshed(_ connector: EngineConnector) -> EngineConnector {
        var connector = connector
        connector.contexts = EngineConnector.Contexts(
            engine: contexts.lastContext() ?? connector.contexts.engine,
            proxy: connector.contexts.proxy.map { proxyContexts?.lastContext() ?? $0 }
        )
        return connector
    }

    /// Makes a connector; files are read on a thread that may block, because the caller may be on an event loop.
    func connector(to engine: EngineAddress) async throws(RstreamError) -> EngineConnector {
        try await contexts.threads.tryRun { [self] () throws(RstreamError) in try makeConnector(to: engine) }
    }

    func makeConnector(to engine: EngineAddress) throws(RstreamError) -> EngineConnector {
        let transport = options.transport
        return EngineConnector(
            engine: engine,
            transport: transport,
            contexts: EngineConnector.Contexts(
                engine: try contexts.context(),
                proxy: try proxyContexts?.context()
            ),
            names: names
        )
    }
}

extension Proxy {
    /// Whether the connection to the proxy is itself TLS.
    var speaksTLS: Bool {
        switch route {
        case .http, .socks5: false
        case .https: true
        case .environment(let environment): environment.proxy?.scheme == .https
        }
    }
}
