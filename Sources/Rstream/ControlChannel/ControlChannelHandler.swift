// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import NIOTLS
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import RstreamWire

/// The shell of ``ControlChannelStateMachine``: it turns events of the connection into inputs of the machine and carries
/// out the actions that these return.
///
/// This file has the state and the events of the connection; `+Requests` what callers ask for, `+Actions` one `run` per
/// type of action, `+Streams` the handshakes of inbound streams. The tables map the machine's ids to promises, acceptors
/// and handshakes; the action that ends an entry removes it. Confined to the channel's event loop.
final class ControlChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the engine answered to the opening request.
    struct Opened: Sendable {
        let clientID: String
        let serverDetails: ServerDetails?
        let liveness: Liveness
    }

    struct OpenTunnel {
        let acceptor: any StreamAcceptor
        /// The published one, if the engine granted one.
        let port: UInt16?
        let ended = Ending<RstreamError?>()
        /// Runs while the engine has to confirm that it closed the tunnel.
        var closeTimer: Scheduled<Void>?
    }

    var machine: ControlChannelStateMachine
    let engine: EngineAddress
    let engineHalves: any EngineHalfSource
    /// Secrets that the engine knows and may repeat in its messages.
    let secrets: [Secret]
    let timeouts: RstreamClientOptions.Timeouts
    let group: any EventLoopGroup
    var logger: Logger

    var context: ChannelHandlerContext?
    /// Where the engine is, from its answer to the opening request on.
    var address: IPAddress?
    var reader = FrameReader()
    var openPromise: EventLoopPromise<Opened>
    let ended: Ending<ChannelEnd>
    var requests: [RequestID: (promise: EventLoopPromise<TunnelGrant>, acceptor: any StreamAcceptor)] = [:]
    var tunnels: [String: OpenTunnel] = [:]
    /// Tunnels that ended while streams were waiting for their handshake. Those streams are refused later, and counted
    /// on their tunnel.
    var leaving: [String: OpenTunnel] = [:]
    var handshakes: [String: (tunnelID: String, stream: InboundStream)] = [:]
    var heartbeatTimer: Scheduled<Void>?
    var roundTrip: Duration?
    var onRoundTrip: (@Sendable (Duration) -> Void)?
    var livenessTimer: Scheduled<Void>?
    var answerTimer: Scheduled<Void>?
    var failure: (any Error)?
    var wasActive = false
    /// Whether the engine closed its side of the connection before any error.
    var engineHasClosed = false
    /// Whether a failed redirect of this channel was logged as a warning.
    var hasLoggedRedirect = false
    /// Streams whose connection to the engine failed.
    var connectionFailures = FailureSeries()
    /// The first failure of a series. It is logged as a warning once the engine is heard from again: if it never is, the
    /// session is lost, and that is logged instead.
    var pendingFailure: Logger.Metadata?
    var serverMessageRate = LogRate()
    var hasEnded = false

    /// A tunnel that the engine opened.
    struct TunnelGrant: Sendable {
        let properties: TunnelProperties
        /// When and why no stream arrives any more; nil when we closed the tunnel.
        let ended: Ending<RstreamError?>
    }

    init(
        machine: consuming ControlChannelStateMachine,
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

    /// Calls `body` with the round trip of the last heartbeat, and of each one after it.
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
        // A connect that failed reports its own error.
        if wasActive { run(machine.connectionLost(lossError)) }
        context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted: run(machine.connected())
        case ChannelEvent.inputClosed:
            engineHasClosed = true
            run(machine.connectionLost(lossError))
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        reader.append(&bytes)
        do {
            while let message = try reader.next() {
                logPendingFailure()
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

    var lossError: RstreamError {
        RstreamError.connection(to: engine, failure ?? ChannelError.eof)
    }

    // MARK: Writes and timers

    func send(_ message: Message) {
        write(message) {}
    }

    func write(_ message: Message, written: @escaping () -> Void) {
        guard let context else { return }
        var frame = ByteBuffer()
        do {
            try frame.writeFrame(message)
        } catch {
            return failOversized(message, error)
        }
        // The first frame holds the token.
        let promise = frame.overwritten(on: context.eventLoop)
        promise.futureResult.assumeIsolated().whenSuccess(written)
        context.writeAndFlush(wrapOutboundOut(frame), promise: promise)
    }

    /// A message that does not fit in a frame comes from the configuration. Nothing was written, so the channel goes on
    /// when the message was about one tunnel.
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

    func schedule(_ delay: Duration, _ fire: @escaping () -> Void) -> Scheduled<Void>? {
        context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay), fire)
    }

    static let tunnelClosed = RstreamError(
        code: .tunnelClosed,
        origin: .host,
        retry: .never,
        what: "the tunnel was closed"
    )
}
