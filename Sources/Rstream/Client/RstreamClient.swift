internal import Linux
public import Logging
public import NIOCore
public import NIOPosix
internal import NIOSSL
internal import RstreamCore
public import RstreamModel
internal import RstreamSocket
internal import RstreamWire

/// The way to an engine: opens control channels and dials private tunnels.
///
/// A client holds no connection by itself, so there is nothing to close.
public final class RstreamClient: Sendable {
    /// What the client was made with.
    public let options: RstreamClientOptions

    let group: any EventLoopGroup
    let logger: Logger
    private let contexts: TLSContextCache
    private let proxyContexts: TLSContextCache?
    let names: EngineConnector.Names
    let resolver: EngineResolver

    /// How long a private dial trusts what the control plane said; control channels always ask again.
    private static let dialTrust = Duration.seconds(60)

    /// Makes a client whose connections live on `eventLoopGroup`. Nothing is dialed yet.
    public convenience init(
        _ options: RstreamClientOptions,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        let transport = options.transport
        let names: NameService
        if let dns = transport.dns {
            names = NameService(DNSAddressSource(dns), logger: logger)
        } else if let family = transport.ipFamily {
            names = NameService(SystemAddressSource(only: family), logger: logger)
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

    /// Makes a client that is told where engines are by `addresses`.
    convenience init(
        _ options: RstreamClientOptions,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() }),
        addresses: any AddressSource
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

    /// Opens a control channel.
    ///
    /// Throws ``RstreamError``: ``RstreamError/Code/engineUnreachable`` when there is no way to the engine,
    /// ``RstreamError/Code/engine`` when it says no, ``RstreamError/Code/protocolViolation`` when it answers what the
    /// protocol does not allow, ``RstreamError/Code/operationTimeout`` when it does not answer,
    /// ``RstreamError/Code/tokenExpired`` when that is clear before dialing, ``RstreamError/Code/controlPlane`` when
    /// nobody says where a managed project's engine is.
    public func connect() async throws(RstreamError) -> RstreamControlChannel {
        guard !Task.isCancelled else { throw .callCancelled }
        let milliseconds = try heartbeatMilliseconds()
        let details = options.details
        let token = try await options.token()
        let engine = try await resolver.resolve(token: token)
        let connector = try await connector(to: engine.address)
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
                    engineHalves: DialedEngineHalves(
                        engine: engine.address,
                        connector: { [self] in refreshed(connector) },
                        details: details,
                        secrets: token.map { [$0] } ?? [],
                        zeroRTT: options.zeroRTT,
                        timeouts: .each(dial: options.timeouts.streamDial, answer: options.timeouts.answer),
                        group: group
                    ),
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
            return RstreamControlChannel(
                state,
                engine: engine.address,
                projectEngine: engine.project,
                handler: handler,
                eventLoop: eventLoop,
                ended: ended
            )
        } catch {
            // Both are settled on every path, also where no connection came about.
            let error = RstreamError.connection(to: engine.address, error)
            opened.fail(error)
            ended.settle(.lost(error))
            throw error
        }
    }

    /// Connects to a private tunnel of the project, by its id or name (PROTOCOL.md §8).
    ///
    /// With `zeroRTT` bytes may be sent at once and a refusal shows as a closed connection; without it the engine's
    /// answer is awaited and thrown as ``RstreamError`` with ``RstreamError/Code/engine``.
    public func dial(_ tunnel: String, zeroRTT: Bool? = nil) async throws(RstreamError) -> DialedStream {
        try await dial(tunnel, zeroRTT: zeroRTT, on: group.next())
    }

    /// The same on an event loop of the caller's choice, for a stream whose other half lives there. From the connection to
    /// the engine to its answer it takes no longer than `timeout`, if there is one.
    package func dial(
        _ tunnel: String,
        zeroRTT: Bool? = nil,
        within timeout: Duration? = nil,
        on eventLoop: any EventLoop
    ) async throws(RstreamError) -> DialedStream {
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
        let handshake = eventLoop.submit {
            NIOLoopBound(
                StreamHandshake(
                    StreamHandshakeStateMachine.Plan(request: .streamRequest(request), attempts: 1),
                    connector: connector,
                    address: engine,
                    hiding: token.map { [$0] } ?? [],
                    on: eventLoop,
                    timeouts: handshakeTimeouts
                ),
                eventLoop: eventLoop
            )
        }
        do {
            let handshake = try await handshake.get()
            return try await withTaskCancellationHandler {
                try await eventLoop.flatSubmit {
                    handshake.value.start().map {
                        DialedStream(id: $0.streamID, arrived: ArrivedStream(channel: $0.channel))
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
            // Whatever came about of the connection is of no use any more.
            connecting.whenSuccess { $0.abort() }
            throw error
        }
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

    /// The same for a stream that the engine offers, with certificates that may have been renewed since.
    private func refreshed(_ connector: EngineConnector) -> EngineConnector {
        var connector = connector
        connector.contexts = EngineConnector.Contexts(
            engine: contexts.lastContext() ?? connector.contexts.engine,
            proxy: connector.contexts.proxy.map { proxyContexts?.lastContext() ?? $0 }
        )
        return connector
    }

    /// The same, with files read on a thread that may wait for them: the caller may be an event loop.
    func connector(to engine: EngineAddress) async throws(RstreamError) -> EngineConnector {
        try await BlockingThreads.files.tryRun { [self] () throws(RstreamError) in try makeConnector(to: engine) }
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
    /// Whether the hop to the proxy is itself inside of TLS.
    var speaksTLS: Bool {
        switch route {
        case .http, .socks5: false
        case .https: true
        case .environment(let environment): environment.proxy?.scheme == .https
        }
    }
}
