internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// One stream between the engine and a local service: dials the service while the engine is dialed, joins the two,
/// and does what ``RelayStateMachine`` decides about their end.
///
/// Confined to its event loop, on which both halves live; ``cut()`` may be called from anywhere.
final class Relay: PreparedStream, Sendable {
    private struct State {
        var machine = RelayStateMachine()
        var downstream: (any Channel)?
        var upstream: (any Channel)?
        var downstreamHandler: RelayHandler?
        var upstreamHandler: RelayHandler?
        /// Set once, when the stream is over before its halves were joined.
        var isOver = false
        var upstreamFailure: RstreamError?
        var openHalves = 0
        var admission = StreamTable.Admission.stopping
    }

    let counters = StreamCounters()
    private let offer: StreamOffer
    private let eventLoop: any EventLoop
    private let table: StreamTable
    private let health: UpstreamHealth
    private let logger: Logger
    private let openedAt: ContinuousClock.Instant
    private let state: NIOLoopBoundBox<State>

    init(
        _ offer: StreamOffer,
        table: StreamTable,
        health: UpstreamHealth,
        logger: Logger,
        on eventLoop: any EventLoop
    ) {
        self.offer = offer
        self.table = table
        self.health = health
        self.logger = logger
        self.eventLoop = eventLoop
        openedAt = .now
        state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    // MARK: From the offer to the joined halves

    /// Dials the service.
    func start(_ upstream: Upstream) {
        let admission = table.insert(self)
        state.value.admission = admission
        guard case .taken = admission else {
            state.value.isOver = true
            return
        }
        UpstreamDialer.dial(upstream, on: eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.upstreamArrived(channel)
            case .failure(let error): self.upstreamFailed(error)
            }
        }
    }

    func accept(_ stream: ArrivedStream) -> EventLoopFuture<Void> {
        switch state.value.admission {
        case .taken: break
        case .full: return eventLoop.makeFailedFuture(Self.refusal("the agent serves as many streams as it may"))
        case .stopping: return eventLoop.makeFailedFuture(Self.refusal("the agent is stopping"))
        }
        guard !state.value.isOver else {
            // The service could not be reached, or the stream was cut. The engine was promised a connection, so what
            // the visitor sees is one that is accepted and closed (PROTOCOL.md §12).
            stream.channel.close(promise: nil)
            return eventLoop.makeSucceededVoidFuture()
        }
        state.value.downstream = stream.channel
        if state.value.upstream != nil {
            join()
        } else {
            // A visitor that goes away needs no service any more.
            stream.channel.closeFuture.assumeIsolated().whenComplete { _ in
                if self.state.value.downstreamHandler == nil { self.over() }
            }
        }
        return eventLoop.makeSucceededVoidFuture()
    }

    func abandon(_ error: RstreamError) {
        over()
    }

    /// Ends the stream now, with a reset on both halves.
    func cut() {
        eventLoop.execute {
            let state = self.state.value
            state.downstream?.abort()
            state.upstream?.abort()
            self.over()
        }
    }

    private func upstreamArrived(_ channel: any Channel) {
        health.reached()
        guard !state.value.isOver else { return channel.abort() }
        state.value.upstream = channel
        if state.value.downstream != nil { join() }
    }

    private func upstreamFailed(_ error: any Error) {
        if let error = error as? RstreamError { health.failed(error) }
        guard !state.value.isOver else { return }
        logger.debug(
            "upstream not reached",
            metadata: ["stream_id": "\(offer.streamID)", "error": "\(error)"]
        )
        state.value.downstream?.close(promise: nil)
        over()
    }

    private func join() {
        guard let downstream = state.value.downstream, let upstream = state.value.upstream else { return }
        let down = RelayHandler(.downstream, relay: self)
        let up = RelayHandler(.upstream, relay: self)
        down.partner = up
        up.partner = down
        state.value.downstreamHandler = down
        state.value.upstreamHandler = up
        state.value.openHalves = 2
        do {
            let held = try upstream.pipeline.syncOperations.handler(type: UpstreamHoldHandler.self)
            try upstream.pipeline.syncOperations.addHandler(up)
            try ArrivedStream(channel: downstream).start { channel in
                try channel.pipeline.syncOperations.addHandler(down)
            }
            upstream.pipeline.syncOperations.removeHandler(held, promise: nil)
        } catch {
            // A pipeline takes no handler only when its channel is gone.
            downstream.abort()
            upstream.abort()
            return over()
        }
        up.start()
        down.start()
    }

    /// Ends a stream that never got both halves, or whose last half is gone.
    private func over() {
        guard !state.value.isOver else { return }
        state.value.isOver = true
        if state.value.upstreamHandler == nil { state.value.upstream?.abort() }
        // The handlers refer back to this stream.
        state.value.downstreamHandler = nil
        state.value.upstreamHandler = nil
        if case .taken(let key) = state.value.admission { table.remove(key) }
        logger.debug(
            "stream closed",
            metadata: [
                "stream_id": "\(offer.streamID)",
                "source": "\(offer.source.map(String.init(describing:)) ?? "-")",
                "received": "\(counters.received)",
                "sent": "\(counters.sent)",
                "duration": "\(openedAt.duration(to: .now))",
            ]
        )
    }

    private static func refusal(_ what: String) -> RstreamError {
        RstreamError(code: .overload, origin: .host, retry: .afterBackoff, what: what)
    }

    // MARK: How halves end

    func inputEnded(_ half: RelayStateMachine.Half) { run(state.value.machine.inputEnded(half)) }
    func outputClosed(_ half: RelayStateMachine.Half) { run(state.value.machine.outputClosed(half)) }
    func connectionLost(_ half: RelayStateMachine.Half) { run(state.value.machine.connectionLost(half)) }

    /// The connection of a half is gone for good.
    func halfClosed(_: RelayStateMachine.Half) {
        state.value.openHalves -= 1
        if state.value.openHalves == 0 { over() }
    }

    private func run(_ action: RelayStateMachine.Action) {
        switch action {
        case .none: break
        case .closeOutput(let half): handler(half)?.closeOutput()
        case .stopReading(let half): handler(half)?.stopReading()
        case .closeBoth:
            handler(.downstream)?.close()
            handler(.upstream)?.close()
        case .abort(let half): handler(half)?.abort()
        }
    }

    private func handler(_ half: RelayStateMachine.Half) -> RelayHandler? {
        half == .downstream ? state.value.downstreamHandler : state.value.upstreamHandler
    }
}
