internal import Linux
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

    private struct OpenTunnel {
        let acceptor: any StreamAcceptor
        /// The published one, if the engine granted one.
        let port: UInt16?
        let ended = Ending<RstreamError?>()
        /// Set while the engine is asked to end it.
        var closeTimer: Scheduled<Void>?
    }

    private var machine: ControlChannelStateMachine
    private let engine: EngineAddress
    private let engineHalves: any EngineHalfSource
    /// Secrets that the engine knows and may repeat.
    private let secrets: [Secret]
    private let timeouts: RstreamClientOptions.Timeouts
    private let group: any EventLoopGroup
    private let logger: Logger

    private var context: ChannelHandlerContext?
    private var reader = FrameReader()
    private var openPromise: EventLoopPromise<Opened>
    private let ended: Ending<ChannelEnd>
    private var requests: [RequestID: (promise: EventLoopPromise<TunnelGrant>, acceptor: any StreamAcceptor)] = [:]
    private var tunnels: [String: OpenTunnel] = [:]
    /// Tunnels that ended while streams waited, which may be theirs.
    private var leaving: [String: OpenTunnel] = [:]
    private var handshakes: [String: (tunnelID: String, stream: InboundStream)] = [:]
    private var heartbeatTimer: Scheduled<Void>?
    private var roundTrip: Duration?
    private var onRoundTrip: (@Sendable (Duration) -> Void)?
    private var livenessTimer: Scheduled<Void>?
    private var answerTimer: Scheduled<Void>?
    private var failure: (any Error)?
    private var wasActive = false
    /// Whether the engine said goodbye, with nothing before it.
    private var hasParted = false
    private var hasToldOfRedirect = false
    /// Connections to the engine that streams need and do not get.
    private var lostStreams = FailureSeries()
    /// What is told of them as soon as the engine is heard from. If it never is, the session is lost, and that is told.
    private var untoldLoss: Logger.Metadata?
    /// What the engine may still write into this host's log.
    private var said = LogRate()
    private var closes = false
    private(set) var hasEnded = false

    /// A tunnel that the engine opened.
    struct TunnelGrant: Sendable {
        let properties: TunnelProperties
        /// When and why no stream arrives any more; nil when it was asked for.
        let ended: Ending<RstreamError?>
    }

    init(
        machine: ControlChannelStateMachine,
        engine: EngineAddress,
        engineHalves: any EngineHalfSource,
        hiding secrets: [Secret],
        timeouts: RstreamClientOptions.Timeouts,
        group: any EventLoopGroup,
        logger: Logger,
        opened: EventLoopPromise<Opened>,
        ended: Ending<ChannelEnd>
    ) {
        self.machine = machine
        self.engine = engine
        self.engineHalves = engineHalves
        self.secrets = secrets
        self.timeouts = timeouts
        self.group = group
        self.logger = logger
        openPromise = opened
        self.ended = ended
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
            guard !hasEnded else { return }
            answerTimer = schedule(timeouts.answer) { self.run(self.machine.openTimedOut(after: self.timeouts.answer)) }
        case ChannelEvent.inputClosed:
            hasParted = true
            run(machine.connectionLost(lossError))
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        reader.append(&bytes)
        do {
            while let message = try reader.next() {
                tellLoss()
                run(machine.received(message.hiding(secrets), at: .now))
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
        requestID: RequestID,
        _ properties: TunnelProperties,
        acceptor: any StreamAcceptor
    ) -> EventLoopFuture<TunnelGrant> {
        let promise = (context?.eventLoop ?? group.any()).makePromise(of: TunnelGrant.self)
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

    func abandonTunnel(requestID: RequestID, _ error: RstreamError) {
        guard let request = requests.removeValue(forKey: requestID) else { return }
        machine.tunnelAbandoned(requestID)
        request.promise.fail(error)
    }

    func closeTunnel(_ tunnelID: String) {
        // Streams that are still being opened would find nobody to take them.
        cancelHandshakes(of: tunnelID, Self.tunnelClosed)
        run(machine.tunnelCloseRequested(tunnelID))
        guard tunnels[tunnelID] != nil, tunnels[tunnelID]?.closeTimer == nil else { return }
        tunnels[tunnelID]?.closeTimer = schedule(timeouts.close) {
            self.run(self.machine.tunnelCloseTimedOut(tunnelID))
        }
    }

    /// As many streams may be opened at once, and wait for that, from now on.
    func limit(_ limits: RstreamClientOptions.Limits) {
        guard !hasEnded else { return }
        run(machine.limitsChanged(openingStreams: limits.openingStreams, pendingStreams: limits.pendingStreams))
    }

    /// The host has other addresses or routes now, or has slept.
    func networkChanged(_ known: EventLoopPromise<Void>) {
        guard let context, !hasEnded else { return known.succeed() }
        guard let address = context.channel.localAddress?.ipAddress.flatMap({ IPAddress($0) }) else {
            networkChanged(isHere: true)
            return known.succeed()
        }
        BlockingThreads.kernel.run(on: context.eventLoop) { LocalAddresses.has(address) }
            .assumeIsolated().whenComplete { result in
                self.networkChanged(isHere: (try? result.get()) ?? true)
                known.succeed()
            }
    }

    /// `isHere` says whether the host still has the connection's own address.
    private func networkChanged(isHere: Bool) {
        guard context != nil, !hasEnded else { return }
        guard isHere else {
            failure = failure ?? LocalAddressGone()
            return run(machine.connectionLost(lossError))
        }
        run(machine.networkChanged(at: .now))
    }

    /// Drops the connection without a word.
    func abort() {
        run(machine.abortRequested())
    }

    func close() {
        guard !closes else { return }
        closes = true
        run(machine.closeRequested())
        guard !hasEnded else { return }
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
            leaving = machine.hasWaitingStreams ? leaving.merging([tunnelID: tunnel]) { $1 } : [:]
            tunnel.acceptor.tunnelEnded(error)
            tunnel.closeTimer?.cancel()
            tunnel.ended.settle(error)
        case .startStream(let request, let route): startStream(request, route)
        case .abandonStream(let streamID):
            handshakes.removeValue(forKey: streamID)?.stream.cancel(ChannelEnd.closedByEngine.error)
        case .refuseStream(let request, let refusal):
            turnAway(request, refusal.error)
            let error = EngineError(code: .serviceUnavailable, message: refusal.what)
            write(.proxyConnectionResponse(ProxyConnectionResponse(streamID: request.streamID, error: error))) {
                self.answerWritten(request.streamID)
            }
        case .dropStream(let request): turnAway(request, ChannelEnd.closedByEngine.error)
        case .answerStream(let response):
            write(.proxyConnectionResponse(response)) { self.answerWritten(response.streamID) }
        case .serverMessage(let text):
            guard let unsaid = said.admits(at: .now) else { return }
            var metadata: Logger.Metadata = ["text": "\(text.prefix(1_000))"]
            if unsaid > 0 { metadata["unsaid"] = .stringConvertible(unsaid) }
            logger.notice("the engine says", metadata: metadata)
        case .end(let cause): end(cause)
        }
    }

    private func tunnelOpened(_ requestID: RequestID, _ properties: TunnelProperties) {
        guard let request = requests.removeValue(forKey: requestID), let id = properties.id else { return }
        let tunnel = OpenTunnel(acceptor: request.acceptor, port: properties.port.flatMap(UInt16.init(exactly:)))
        tunnels[id] = tunnel
        request.promise.succeed(TunnelGrant(properties: properties, ended: tunnel.ended))
    }

    /// Counts a stream that is not begun where the others of its tunnel are counted. One of no tunnel that this channel
    /// had is nobody's.
    private func turnAway(_ request: ProxyConnectionRequest, _ error: RstreamError) {
        if let tunnel = tunnels[request.tunnelID] ?? leaving[request.tunnelID] {
            tunnel.acceptor.turnedAway(offer(request, of: tunnel), error)
        }
        logger.debug(
            "stream not opened",
            metadata: [
                "stream_id": "\(request.streamID)", "tunnel_id": "\(request.tunnelID)", "error": "\(error)",
                "error_code": "\(error.code)",
            ]
        )
    }

    private func answerWritten(_ streamID: String) {
        run(machine.answerWritten(streamID))
        if !machine.hasWaitingStreams { leaving = [:] }
    }

    private func offer(_ request: ProxyConnectionRequest, of tunnel: OpenTunnel) -> StreamOffer {
        StreamOffer(
            streamID: request.streamID,
            tunnelID: request.tunnelID,
            source: request.source,
            port: tunnel.port
        )
    }

    private func startStream(_ request: ProxyConnectionRequest, _ route: StreamRoute) {
        guard let context, let tunnel = tunnels[request.tunnelID] else { return }
        let half = engineHalves.engineHalf(
            for: EngineHalfRequest(request: request, route: route, controlAddress: context.channel.remoteAddress)
        )
        let stream = InboundStream(route, on: half.eventLoop)
        handshakes[request.streamID] = (request.tunnelID, stream)
        stream.answered.hop(to: context.eventLoop).assumeIsolated().whenSuccess { failure in
            if let failure { self.log(failure, of: request, route) } else { self.lostStreams.succeeded() }
            self.handshakes.removeValue(forKey: request.streamID)
            self.run(self.machine.streamFinished(request.streamID, failure: failure?.answer))
        }
        stream.start(offer(request, of: tunnel), acceptor: tunnel.acceptor, engine: half.make)
    }

    /// Says why a stream was not opened. The engine is not told where its redirects fail, so the first one of a channel is
    /// told to the operator; and so is the first of those that find no way to the engine itself, while its channel is open
    /// and all looks well.
    private func log(_ failure: InboundStream.Failure, of request: ProxyConnectionRequest, _ route: StreamRoute) {
        var metadata: Logger.Metadata = [
            "stream_id": "\(request.streamID)", "tunnel_id": "\(request.tunnelID)", "error": "\(failure.error)",
            "error_code": "\(failure.error.code)",
        ]
        if let fix = failure.error.fix { metadata["fix"] = "\(fix)" }
        switch route {
        case .redirect(let address) where failure.stage == .connection:
            metadata["address"] = "\(address)"
            guard !hasToldOfRedirect else { return logger.debug("a redirect of the engine failed", metadata: metadata) }
            logger.warning("a redirect of the engine failed", metadata: metadata)
            hasToldOfRedirect = true
        case .engine where failure.stage == .connection && failure.error.code == .engineUnreachable:
            guard !hasEnded, lostStreams.failed(at: .now) else {
                return logger.debug("stream not opened", metadata: metadata)
            }
            untoldLoss = metadata
        case .engine, .redirect: logger.debug("stream not opened", metadata: metadata)
        }
    }

    private func tellLoss() {
        guard let facts = untoldLoss else { return }
        untoldLoss = nil
        logger.warning("streams find no way to the engine", metadata: facts)
    }

    private func cancelHandshakes(of tunnelID: String, _ error: RstreamError) {
        for (_, handshake) in handshakes where handshake.tunnelID == tunnelID { handshake.stream.cancel(error) }
    }

    private func end(_ cause: ChannelEnd) {
        hasEnded = true
        for timer in [heartbeatTimer, livenessTimer, answerTimer] { timer?.cancel() }
        if let untoldLoss { logger.debug("stream not opened", metadata: untoldLoss) }
        openPromise.fail(cause.error)
        ended.settle(cause)
        switch cause {
        case .closedByUs(answered: true), .closedByEngine, .refused: context?.close(promise: nil)
        case .lost where hasParted: part()
        case .closedByUs(answered: false), .lost, .silent, .stalled, .violation, .openTimeout:
            // An engine that does not read would keep an orderly close waiting for ever.
            context?.channel.abort()
        }
    }

    /// Answers the engine's goodbye, which an engine that reads no more must not hold up for ever.
    private func part() {
        guard let context else { return }
        let channel = context.channel
        let patience = schedule(timeouts.close) { channel.abort() }
        channel.closeFuture.whenComplete { _ in patience?.cancel() }
        context.close(promise: nil)
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

    /// What does not fit in a frame was configured here. Nothing was written, so after a tunnel's properties the channel
    /// goes on.
    private func failOversized(_ message: Message, _ error: FrameError) {
        guard case .openTunnelRequest(let request) = message, let requestID = RequestID(request.requestID) else {
            return run(machine.connectionLost(.unsendable(error)))
        }
        abandonTunnel(
            requestID: requestID,
            RstreamError(
                code: .frameTooLarge,
                origin: .configuration,
                retry: .afterReload,
                what: "the tunnel's properties do not fit in a frame: \(error)",
                fix: "give the tunnel fewer or shorter labels and lists"
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
