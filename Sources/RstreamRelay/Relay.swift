internal import Linux
internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// One stream: the engine's half and the local half, from the moment it is taken in until both are gone. It joins them
/// and does what ``RelayStateMachine`` decides about their end. How the halves come about is left to ``TunnelStream``
/// and ``ListenerStream``.
///
/// Confined to its event loop, on which both halves live; ``cut()``, ``markDraining()`` and ``snapshot(id:)`` may be
/// called from anywhere, and what they touch is atomic.
final class Relay: Sendable {
    /// What ``StreamState`` makes of it while nobody has retired the stream.
    private enum Phase: UInt8, AtomicRepresentable {
        case opening, holding, relaying
    }

    private struct State {
        var machine = RelayStateMachine()
        var outcomeTracker: StreamOutcomeTracker
        var downstream: (any Channel)?
        var upstream: (any Channel)?
        /// At the end of the local half's pipeline, until the halves are joined.
        var hold: UpstreamHoldHandler?
        var downstreamHandler: RelayHandler?
        var upstreamHandler: RelayHandler?
        /// Set once, when both halves are gone or will not be joined.
        var isOver = false
        var idleTimeout: IdleTimeout?
        var isCut = false
        var openHalves = 0
        /// The stream's number in its table, once it is in.
        var id: UInt64?
        /// What the stream waits for: the next dial of an upstream, then the look whether it is idle.
        var timer: Scheduled<Void>?
        var turnAwayTimer: Scheduled<Void>?
    }

    /// How long a visitor whose service is gone is looked at before its connection is closed.
    private static let refusalTimeout = TimeAmount.seconds(1)

    let counters = StreamCounters()
    let eventLoop: any EventLoop
    private let engineID: String?
    private let source: IPAddress?
    private let table: StreamTable
    private let ledger: StreamLedger
    /// The half of whoever connected; the other one is the service's.
    private let visitor: RelayStateMachine.Half
    private let logger: Logger
    private let openedAt = ContinuousClock.now
    private let openedAtUTC = UTCTime.now
    private let phase = Atomic(Phase.opening)
    /// Sets that it was put into of streams that are to end.
    private let drains = Atomic(0)
    /// Zero until it is known.
    private let era = Atomic(0)
    private let state: NIOLoopBoundBox<State>

    init(
        engineID: String?,
        source: IPAddress?,
        visitor: RelayStateMachine.Half,
        table: StreamTable,
        ledger: StreamLedger,
        logger: Logger,
        on eventLoop: any EventLoop
    ) {
        self.engineID = engineID
        self.source = source
        self.visitor = visitor
        self.table = table
        self.ledger = ledger
        self.logger = logger
        self.eventLoop = eventLoop
        state = .makeBoxSendingValue(
            State(outcomeTracker: StreamOutcomeTracker(visitor: visitor)),
            eventLoop: eventLoop
        )
    }

    var isOver: Bool { state.value.isOver }

    // MARK: From the start to the joined halves

    /// Takes a place in the table and the ledger. A stream that gets none is over.
    func enter() -> StreamTable.Admission {
        var admission = table.insert(self)
        switch admission {
        case .taken(let id) where ledger.insert(self, as: id):
            state.value.id = id
            return admission
        case .taken(let id):
            table.remove(id)
            admission = visitor == .upstream ? .listenerFull : .tunnelFull
        case .full, .tunnelFull, .listenerFull, .stopping: break
        }
        if let error = admission.error {
            ledger.turnedAway(from: source, .refused, error, at: admission.limit)
        }
        state.value.isOver = true
        return admission
    }

    /// How long it may be silent; nil for ever.
    func isIdle(after timeout: Duration?) {
        state.value.idleTimeout = timeout.map(IdleTimeout.init)
    }

    /// The engine's half is there; it reads nothing before the halves are joined.
    func downstreamArrived(_ channel: any Channel) {
        guard !state.value.isOver else {
            // A stream that was cut is reset. Where the service could not be reached, the engine was promised a
            // connection, so what the visitor sees is one that is accepted and closed (PROTOCOL.md §12).
            return state.value.isCut ? channel.abort() : channel.close(promise: nil)
        }
        state.value.downstream = channel
        if state.value.upstream != nil { join() } else { endUnlessJoined(when: channel) }
    }

    /// A dial of the local half has succeeded within `duration`.
    func upstreamConnected(after duration: Duration) {
        ledger.connected(after: duration)
    }

    /// The local half is there, with an ``UpstreamHoldHandler`` at its end; it is told `preface` before all else.
    func upstreamArrived(_ channel: any Channel, preface: ByteBuffer? = nil) {
        guard !state.value.isOver else { return channel.abort() }
        state.value.upstream = channel
        // None where the channel is closed already, which then has nothing to say.
        state.value.hold = try? channel.pipeline.syncOperations.handler(type: UpstreamHoldHandler.self)
        if let preface { channel.write(preface, promise: nil) }
        if state.value.downstream != nil { join() }
    }

    /// Whoever is at this half goes away before the other one is there, and needs it no more, unless something is left to
    /// be delivered.
    func endUnlessJoined(when channel: any Channel) {
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            let state = self.state.value
            guard state.downstreamHandler == nil else { return }
            guard channel === state.upstream, let remains = state.hold?.remains else { return self.over(.visitorReset) }
            // One that left in order, and said nothing, was owed nothing.
            if remains.isEmpty { self.over(.completed) }
        }
    }

    /// The upstream is not there; `action` runs `after` a while, unless the stream is over by then.
    func hold(for after: Duration, then action: @escaping () -> Void) {
        phase.store(.holding, ordering: .relaxed)
        schedule(after, action)
    }

    /// The other half is not to be had: what there is of the stream is closed.
    func fail(_ outcome: StreamOutcome, _ error: RstreamError?) {
        state.value.downstream?.close(promise: nil)
        over(outcome, error)
    }

    /// Ends the stream now, with a reset on both halves.
    func cut() {
        eventLoop.execute { self.abort(.cut, .wasCut) }
    }

    private func abort(_ outcome: StreamOutcome, _ error: RstreamError? = nil) {
        self.state.value.isCut = true
        let state = state.value
        // Before the halves can report their own end.
        over(outcome, error)
        state.downstream?.abort()
        state.upstream?.abort()
    }

    private func join() {
        guard let downstream = state.value.downstream, let upstream = state.value.upstream else { return }
        let down = RelayHandler(.downstream, relay: self, notesActivity: state.value.idleTimeout != nil)
        let up = RelayHandler(.upstream, relay: self, notesActivity: state.value.idleTimeout != nil)
        down.partner = up
        up.partner = down
        state.value.downstreamHandler = down
        state.value.upstreamHandler = up
        state.value.openHalves = 2
        let hold = state.value.hold
        state.value.hold = nil
        let remains = upstream.isActive ? nil : hold?.remains
        do {
            if remains == nil { try upstream.pipeline.syncOperations.addHandler(up) }
            try ArrivedStream(channel: downstream).start { channel in
                try channel.pipeline.syncOperations.addHandler(down)
            }
            if remains == nil, let hold {
                // The preface must leave even when the visitor waits for the service to speak first.
                upstream.flush()
                upstream.pipeline.syncOperations.removeHandler(hold, promise: nil)
            }
        } catch {
            // A pipeline takes no handler only when its channel is gone.
            let isLeft = visitor == .upstream ? !upstream.isActive : !downstream.isActive
            if isLeft { return abort(.visitorReset) }
            return visitor == .upstream ? abort(.lost, .lostEngine) : abort(.upstreamReset, .resetUpstream)
        }
        phase.store(.relaying, ordering: .relaxed)
        ledger.opened(after: openedAt.duration(to: .now))
        if let remains { up.endWith(remains) } else { up.start() }
        down.start()
        lookWhetherIdle()
    }

    private func over(_ outcome: StreamOutcome, _ error: RstreamError? = nil) {
        over(StreamOutcomeTracker.Verdict(outcome), error)
    }

    /// Ends a stream that never got both halves, or whose last half is gone.
    private func over(_ verdict: StreamOutcomeTracker.Verdict, _ error: RstreamError? = nil) {
        guard !state.value.isOver else { return }
        state.value.isOver = true
        state.value.timer?.cancel()
        state.value.timer = nil
        state.value.turnAwayTimer?.cancel()
        state.value.turnAwayTimer = nil
        if state.value.upstreamHandler == nil { state.value.upstream?.abort() }
        letGo()
        let lasted = openedAt.duration(to: .now)
        if let id = state.value.id {
            ledger.remove(id, StreamEnd(verdict, error, lasted: lasted))
            table.remove(id)
        }
        var facts: Logger.Metadata = error.map { ["reason": "\($0.what)"] } ?? [:]
        facts["stream_id"] = "\(engineID ?? "-")"
        facts["source"] = "\(source.map(String.init(describing:)) ?? "-")"
        facts["outcome"] = "\(verdict.outcome.rawValue)"
        facts["received"] = .stringConvertible(counters.received)
        facts["sent"] = .stringConvertible(counters.sent)
        facts["duration"] = .stringConvertible(lasted)
        logger.debug("stream closed", metadata: facts)
    }

    /// Handlers refer to this stream and to each other, also those that never came into a pipeline.
    private func letGo() {
        state.value.downstreamHandler?.part()
        state.value.upstreamHandler?.part()
        (state.value.downstreamHandler, state.value.upstreamHandler) = (nil, nil)
        (state.value.downstream, state.value.upstream, state.value.hold) = (nil, nil, nil)
    }

    private func schedule(_ after: Duration, _ action: @escaping () -> Void) {
        state.value.timer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(after)) {
            self.state.value.timer = nil
            action()
        }
    }

    // MARK: Silence

    /// A silent stream is cut: an end in order could be taken for the end of the data, and would wait for ever for a
    /// peer that does not read.
    private func lookWhetherIdle() {
        guard let idleTimeout = state.value.idleTimeout, !state.value.isOver, let down = state.value.downstreamHandler,
            let up = state.value.upstreamHandler
        else { return }
        switch idleTimeout.judge(lastActivity: max(down.lastActivity, up.lastActivity), at: .now) {
        case .look(let after): schedule(after) { self.lookWhetherIdle() }
        case .silent where down.isBeingTaken() || up.isBeingTaken(): lookWhetherIdle()
        case .silent:
            logger.debug("stream idle timeout", metadata: ["stream_id": "\(engineID ?? "-")"])
            abort(.idle, .wasIdle)
        }
    }

    // MARK: How halves end

    func inputEnded(_ half: RelayStateMachine.Half) {
        state.value.outcomeTracker.inputEnded(half)
        run(state.value.machine.inputEnded(half))
    }

    func outputClosed(_ half: RelayStateMachine.Half) { run(state.value.machine.outputClosed(half)) }

    func connectionLost(_ half: RelayStateMachine.Half, by loss: StreamOutcomeTracker.Loss) {
        state.value.outcomeTracker.connectionLost(half, by: loss, in: state.value.machine)
        run(state.value.machine.connectionLost(half, byReset: loss == .reset))
    }

    /// Bytes came from a half that is being turned away.
    func spoke(_ half: RelayStateMachine.Half) { run(state.value.machine.spoke(half)) }

    /// The connection of a half is gone for good.
    func halfClosed(_: RelayStateMachine.Half) {
        state.value.openHalves -= 1
        guard state.value.openHalves == 0 else { return }
        let (received, sent) = (counters.received, counters.sent)
        let fromVisitor = visitor == .downstream ? received : sent
        let verdict = state.value.outcomeTracker.verdict(
            asked: fromVisitor > 0,
            answered: received + sent > fromVisitor
        )
        over(verdict, .ended(verdict, throughEngine: visitor == .upstream))
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
        case .turnAway(let half):
            state.value.turnAwayTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.refusalTimeout) {
                self.run(self.state.value.machine.turnAwayTimedOut())
            }
            handler(half)?.turnAway()
        case .dismiss(let half): handler(half)?.dismiss()
        }
    }

    private func handler(_ half: RelayStateMachine.Half) -> RelayHandler? {
        half == .downstream ? state.value.downstreamHandler : state.value.upstreamHandler
    }
}

// MARK: Seen from elsewhere

extension Relay {
    /// Which of its owner's changes were in force when it came.
    func belongs(to era: Int) {
        self.era.store(era, ordering: .relaxed)
    }

    /// Whether it came before a change. One that does not know yet will find the change in force.
    func isOlder(than era: Int) -> Bool {
        let own = self.era.load(ordering: .relaxed)
        return own != 0 && own < era
    }

    func markDraining() {
        drains.add(1, ordering: .relaxed)
    }

    /// One of those who wanted it to end does not any more.
    func unmarkDraining() {
        drains.subtract(1, ordering: .relaxed)
    }

    func snapshot(id: UInt64) -> StreamSnapshot {
        let state: StreamState =
            switch phase.load(ordering: .relaxed) {
            case _ where drains.load(ordering: .relaxed) > 0: .draining
            case .opening: .opening
            case .holding: .holding
            case .relaying: .relaying
            }
        return StreamSnapshot(
            id: id,
            engineID: engineID,
            source: source,
            state: state,
            openedAt: openedAtUTC,
            received: counters.received,
            sent: counters.sent
        )
    }
}
