internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOTLS
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import RstreamWire

/// Does what ``ControlChannelStateMachine`` decides: frames, timers, handshakes, and the promises of callers.
///
/// Nothing is decided here. The tables map the machine's ids to what must be told or called; each entry is removed by
/// the action that ends it. Confined to the channel's event loop.
final class ControlChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What an open channel is known by.
    struct Opened: Sendable {
        let clientID: String
        let serverDetails: ServerDetails?
        let liveness: Liveness
    }

    /// What a handshake of an inbound stream needs besides its request.
    struct StreamSettings: Sendable {
        /// As it is now: credentials may be renewed while the channel lives.
        let connector: @Sendable () -> EngineConnector
        let details: ClientDetails
        /// What the engine knows and may repeat.
        let secrets: [Secret]
        let zeroRTT: Bool
        let dialTimeout: Duration
        let answerTimeout: Duration
    }

    private struct OpenTunnel {
        let acceptor: any StreamAcceptor
        let ended: EventLoopPromise<RstreamError?>
    }

    private var machine: ControlChannelStateMachine
    private let engine: EngineAddress
    private let streams: StreamSettings
    private let timeouts: ClientOptions.Timeouts
    private let group: any EventLoopGroup
    private let logger: Logger

    private var context: ChannelHandlerContext?
    private var reader = FrameReader()
    private var openPromise: EventLoopPromise<Opened>
    private let endPromise: EventLoopPromise<ChannelEnd>
    private var requests: [String: (promise: EventLoopPromise<TunnelGrant>, acceptor: any StreamAcceptor)] = [:]
    private var tunnels: [String: OpenTunnel] = [:]
    private var handshakes: [String: (tunnelID: String, stream: InboundStream)] = [:]
    private var heartbeatTimer: Scheduled<Void>?
    private var roundTrip: Duration?
    private var onRoundTrip: (@Sendable (Duration) -> Void)?
    private var livenessTimer: Scheduled<Void>?
    private var answerTimer: Scheduled<Void>?
    private var failure: (any Error)?
    private var wasActive = false
    /// Which addresses are dialed for streams; the same for the whole channel.
    private var rule: RedirectRule?
    private var hasToldOfRedirect = false
    private(set) var hasEnded = false

    /// A tunnel that the engine opened.
    struct TunnelGrant: Sendable {
        let properties: TunnelProperties
        /// When and why no stream arrives any more; nil when it was asked for.
        let ended: EventLoopFuture<RstreamError?>
    }

    init(
        machine: ControlChannelStateMachine,
        engine: EngineAddress,
        streams: StreamSettings,
        timeouts: ClientOptions.Timeouts,
        group: any EventLoopGroup,
        logger: Logger,
        opened: EventLoopPromise<Opened>,
        ended: EventLoopPromise<ChannelEnd>
    ) {
        self.machine = machine
        self.engine = engine
        self.streams = streams
        self.timeouts = timeouts
        self.group = group
        self.logger = logger
        openPromise = opened
        endPromise = ended
    }

    /// Tells `body` the last heartbeat's round trip, and each one after it.
    func observeHeartbeats(_ body: @escaping @Sendable (Duration) -> Void) {
        onRoundTrip = body
        if let roundTrip { body(roundTrip) }
    }

    // MARK: The connection

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        wasActive = true
        answerTimer = schedule(timeouts.connect) {
            self.failure = HandshakeTimeout(duration: self.timeouts.connect)
            self.run(self.machine.connectionLost(self.lossError))
        }
        context.fireChannelActive()
    }

    func handlerRemoved(context _: ChannelHandlerContext) {
        // Why there was no connection at all is known to whoever dialed.
        if wasActive { run(machine.connectionLost(lossError)) }
        context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            send(machine.openingRequest)
            answerTimer?.cancel()
            answerTimer = schedule(timeouts.answer) { self.run(self.machine.openTimedOut(after: self.timeouts.answer)) }
        case ChannelEvent.inputClosed: run(machine.connectionLost(lossError))
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        reader.append(&bytes)
        do {
            while let message = try reader.next() {
                run(machine.received(message.hiding(streams.secrets), at: .now))
            }
        } catch {
            run(machine.malformed(error))
        }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        failure = failure ?? error
        run(machine.connectionLost(lossError))
    }

    func channelInactive(context: ChannelHandlerContext) {
        run(machine.connectionLost(lossError))
        context.fireChannelInactive()
    }

    private var lossError: RstreamError {
        RstreamError.connection(to: engine, failure ?? ChannelError.eof)
    }

    // MARK: What callers ask for

    func openTunnel(
        requestID: String,
        _ properties: TunnelProperties,
        acceptor: any StreamAcceptor
    ) -> EventLoopFuture<TunnelGrant> {
        guard let context else { return group.any().makeFailedFuture(ChannelEnd.closedByUs(answered: true).error) }
        let promise = context.eventLoop.makePromise(of: TunnelGrant.self)
        requests[requestID] = (promise, acceptor)
        let timer = schedule(timeouts.answer) {
            self.abandonTunnel(
                requestID: requestID,
                RstreamError(
                    code: .operationTimeout,
                    origin: .engine,
                    retry: .afterBackoff,
                    what: "the engine did not answer the tunnel request within \(self.timeouts.answer.secondsText)"
                )
            )
        }
        promise.futureResult.whenComplete { _ in timer?.cancel() }
        run(machine.tunnelRequested(requestID, properties))
        return promise.futureResult
    }

    func abandonTunnel(requestID: String, _ error: RstreamError) {
        guard let request = requests.removeValue(forKey: requestID) else { return }
        machine.tunnelAbandoned(requestID)
        request.promise.fail(error)
    }

    func closeTunnel(_ tunnelID: String) {
        // Streams that are still being opened would find nobody to take them.
        cancelHandshakes(of: tunnelID, Self.tunnelClosed)
        run(machine.tunnelCloseRequested(tunnelID))
        guard let tunnel = tunnels[tunnelID] else { return }
        let timer = schedule(timeouts.close) { self.run(self.machine.tunnelCloseTimedOut(tunnelID)) }
        tunnel.ended.futureResult.whenComplete { _ in timer?.cancel() }
    }

    /// The host has other addresses or routes now, or has slept.
    func networkChanged() {
        guard let context, !hasEnded else { return }
        guard Self.isLocal(context.channel.localAddress) else {
            failure = failure ?? LocalAddressGone()
            return run(machine.connectionLost(lossError))
        }
        run(machine.networkChanged(at: .now))
    }

    /// Whether an interface of this host has the address; true where that cannot be told.
    private static func isLocal(_ address: SocketAddress?) -> Bool {
        guard let text = address?.ipAddress, let devices = try? System.enumerateDevices() else { return true }
        return devices.contains { $0.address?.ipAddress == text }
    }

    /// Drops the connection without a word.
    func abort() {
        context?.channel.abort()
    }

    func close() {
        run(machine.closeRequested())
        answerTimer = schedule(timeouts.close) { self.run(self.machine.closeTimedOut()) }
    }

    // MARK: What was decided

    private func run(_ actions: [ControlChannelStateMachine.Action]) {
        for action in actions { run(action) }
    }

    private func run(_ action: ControlChannelStateMachine.Action) {
        switch action {
        case .send(let message): send(message)
        case .opened(let clientID, let serverDetails, let liveness):
            answerTimer?.cancel()
            openPromise.succeed(Opened(clientID: clientID, serverDetails: serverDetails, liveness: liveness))
        case .sendHeartbeat(let heartbeat):
            write(.heartbeat(heartbeat)) { self.machine.heartbeatWritten() }
        case .heartbeatAnswered(let after):
            roundTrip = after
            onRoundTrip?(after)
        case .scheduleHeartbeat(let after):
            heartbeatTimer?.cancel()
            heartbeatTimer = schedule(after) { self.run(self.machine.heartbeatTimerFired(at: .now)) }
        case .scheduleLiveness(let after):
            livenessTimer?.cancel()
            livenessTimer = schedule(after) { self.run(self.machine.livenessTimerFired(at: .now)) }
        case .tunnelOpened(let requestID, let properties): tunnelOpened(requestID, properties)
        case .tunnelFailed(let requestID, let error): requests.removeValue(forKey: requestID)?.promise.fail(error)
        case .tunnelEnded(let tunnelID, let error):
            cancelHandshakes(of: tunnelID, error ?? Self.tunnelClosed)
            guard let tunnel = tunnels.removeValue(forKey: tunnelID) else { return }
            tunnel.acceptor.tunnelEnded(error)
            tunnel.ended.succeed(error)
        case .startStream(let request, let route): startStream(request, route)
        case .abandonStream(let streamID):
            handshakes.removeValue(forKey: streamID)?.stream.cancel(ChannelEnd.closedByEngine.error)
        case .answerStream(let response):
            write(.proxyConnectionResponse(response)) { self.run(self.machine.answerWritten(response.streamID)) }
        case .serverMessage(let text):
            logger.notice("the engine says", metadata: ["text": "\(text.prefix(1_000))"])
        case .end(let cause): end(cause)
        }
    }

    private func tunnelOpened(_ requestID: String, _ properties: TunnelProperties) {
        guard let context, let request = requests.removeValue(forKey: requestID), let id = properties.id else { return }
        let ended = context.eventLoop.makePromise(of: RstreamError?.self)
        tunnels[id] = OpenTunnel(acceptor: request.acceptor, ended: ended)
        request.promise.succeed(TunnelGrant(properties: properties, ended: ended.futureResult))
    }

    private func startStream(_ request: ProxyConnectionRequest, _ route: StreamRoute) {
        guard let context, let tunnel = tunnels[request.tunnelID] else { return }
        let settings = streams
        let connector = settings.connector()
        let address =
            switch route {
            case .engine: engine
            case .redirect(let address): address
            }
        let rule = rule ?? connector.redirectRule(connectedTo: context.channel.remoteAddress)
        self.rule = rule
        // Never the agent's own credential: the secret, or nothing (PROTOCOL.md §6).
        let plan = StreamHandshakeStateMachine.Plan(
            request: .proxyRequest(
                ProxyRequest(
                    details: settings.details.with(token: request.secret),
                    streamID: request.streamID,
                    zeroRTT: settings.zeroRTT
                )
            ),
            attempts: 2
        )
        let stream = InboundStream(route, on: group.next())
        handshakes[request.streamID] = (request.tunnelID, stream)
        let offer = StreamOffer(streamID: request.streamID, tunnelID: request.tunnelID, source: request.source)
        stream.finished.hop(to: context.eventLoop).assumeIsolated().whenComplete { result in
            let failure: InboundStream.Failure? =
                switch result {
                case .success: nil
                case .failure(let error):
                    error as? InboundStream.Failure ?? InboundStream.Failure(error, route, at: .acceptor)
                }
            if let failure { self.log(failure, of: request, route) }
            self.handshakes.removeValue(forKey: request.streamID)
            self.run(self.machine.streamFinished(request.streamID, failure: failure?.answer))
        }
        stream.start(offer, acceptor: tunnel.acceptor) { eventLoop in
            StreamHandshake(
                plan,
                connector: connector,
                address: address,
                rule: rule,
                hiding: settings.secrets,
                on: eventLoop,
                dialTimeout: settings.dialTimeout,
                answerTimeout: settings.answerTimeout
            )
        }
    }

    /// Says why a stream was not opened. The engine is not told where its redirects fail, so the first one of a channel is
    /// told to the operator.
    private func log(_ failure: InboundStream.Failure, of request: ProxyConnectionRequest, _ route: StreamRoute) {
        var metadata: Logger.Metadata = [
            "stream_id": "\(request.streamID)", "tunnel_id": "\(request.tunnelID)", "error": "\(failure.error)",
            "error_code": "\(failure.error.code)",
        ]
        guard case .redirect(let address) = route, failure.stage == .connection else {
            return logger.debug("stream not opened", metadata: metadata)
        }
        metadata["address"] = "\(address)"
        guard !hasToldOfRedirect else { return logger.debug("a redirect of the engine failed", metadata: metadata) }
        logger.warning("a redirect of the engine failed", metadata: metadata)
        hasToldOfRedirect = true
    }

    private func cancelHandshakes(of tunnelID: String, _ error: RstreamError) {
        for (_, handshake) in handshakes where handshake.tunnelID == tunnelID { handshake.stream.cancel(error) }
    }

    private func end(_ cause: ChannelEnd) {
        hasEnded = true
        for timer in [heartbeatTimer, livenessTimer, answerTimer] { timer?.cancel() }
        openPromise.fail(cause.error)
        endPromise.succeed(cause)
        switch cause {
        case .closedByUs(answered: true), .closedByEngine, .refused: context?.close(promise: nil)
        case .closedByUs(answered: false), .lost, .silent, .stalled, .violation, .openTimeout:
            // An engine that does not read would keep an orderly close waiting for ever.
            context?.channel.abort()
        }
    }

    private func send(_ message: Message) {
        write(message) {}
    }

    private func write(_ message: Message, written: @escaping () -> Void) {
        guard let context else { return }
        var frame = ByteBuffer()
        do {
            try frame.writeFrame(message)
        } catch {
            return failOversized(message, error)
        }
        // The first one holds the token.
        let promise = frame.overwritten(on: context.eventLoop)
        promise.futureResult.assumeIsolated().whenSuccess(written)
        context.writeAndFlush(wrapOutboundOut(frame), promise: promise)
    }

    /// Only a tunnel's properties can grow past a frame; nothing was written, so the channel goes on.
    private func failOversized(_ message: Message, _ error: FrameError) {
        guard case .openTunnelRequest(let request) = message else { return run(machine.malformed(error)) }
        abandonTunnel(
            requestID: request.requestID,
            RstreamError(
                code: .frameTooLarge,
                origin: .configuration,
                retry: .afterReload,
                what: "the tunnel's properties do not fit in a frame: \(error)"
            )
        )
    }

    private func schedule(_ delay: Duration, _ fire: @escaping () -> Void) -> Scheduled<Void>? {
        context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay), fire)
    }

    private static let tunnelClosed = RstreamError(
        code: .tunnelClosed,
        origin: .host,
        retry: .never,
        what: "the tunnel was closed"
    )
}
