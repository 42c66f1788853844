// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// One stream of a tunnel or listener from its admission to its end, as tables, operators and metrics know it. Its
/// bytes are carried by others: first ``StreamOpening`` makes its halves, then a ``Relay`` joins them.
///
/// Confined to its event loop, on which both halves live; ``cut()``, ``markDraining()`` and ``snapshot(id:)`` may be
/// called from anywhere, and what they touch is atomic.
final class RelayedStream: Sendable {
    /// Becomes its ``StreamState`` while it is not draining.
    private enum Phase: UInt8, AtomicRepresentable {
        case opening, holding, relaying
    }

    /// What acts for the stream now.
    private enum Stage {
        case admitted
        case opening(StreamOpening)
        case joined(Relay)
    }

    private struct State {
        var stage = Stage.admitted
        /// The stream's number in its table, as long as it is there.
        var id: UInt64?
        /// From its connection to the end of the stream; nil for a stream of a listener.
        var upstream: UsedUpstream?
        /// How long the dial of that took.
        var connecting: Duration?
    }

    let counters = StreamCounters()
    let eventLoop: any EventLoop
    /// The half of the visitor; the other one is the service's.
    let visitor: RelayStateMachine.Half
    let logger: Logger
    private let origin: StreamOrigin
    private let table: StreamTable
    private let ledger: StreamLedger
    private let openedAt = ContinuousClock.now
    private let openedAtUTC = UTCTime.now
    private let phase = Atomic(Phase.opening)
    /// Sets of draining streams that have this one.
    private let drains = Atomic(0)
    /// Zero until it is known.
    private let generation = Atomic(0)
    private let state: NIOLoopBoundBox<State>

    init(
        _ origin: StreamOrigin,
        visitor: RelayStateMachine.Half,
        table: StreamTable,
        ledger: StreamLedger,
        logger: Logger,
        on eventLoop: any EventLoop
    ) {
        self.origin = origin
        self.visitor = visitor
        self.table = table
        self.ledger = ledger
        self.logger = logger
        self.eventLoop = eventLoop
        state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// The stream's name in the log.
    var name: String { origin.engineID ?? "-" }

    // MARK: From admission to end

    /// Takes a place in the table and the ledger. A stream that gets none is counted as refused, and nothing else
    /// becomes of it.
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
            table.tell(ledger.streamRefused(origin, .refused, error, because: admission.reason), to: logger)
        }
        return admission
    }

    /// `opening` makes its halves from now on.
    func opens(by opening: StreamOpening) {
        state.value.stage = .opening(opening)
    }

    /// A dial of the upstream has succeeded within `duration`.
    func upstreamConnected(_ upstream: UsedUpstream, after duration: Duration) {
        state.value.upstream = upstream
        state.value.connecting = duration
        ledger.connected(after: duration)
    }

    /// The stream had ended before it was connected to its upstream.
    func releaseUpstream() {
        let upstream = state.value.upstream
        state.value.upstream = nil
        state.value.connecting = nil
        upstream?.release(isBroken: false)
    }

    /// It waits for an upstream that could not be reached.
    func isHeld() {
        phase.store(.holding, ordering: .relaxed)
    }

    /// `relay` has its halves from now on.
    func joins(by relay: Relay) {
        state.value.stage = .joined(relay)
    }

    /// Bytes are carried.
    func isRelaying() {
        phase.store(.relaying, ordering: .relaxed)
        ledger.opened(after: openedAt.duration(to: .now))
    }

    /// Begins to look at its bytes; nil where its tunnel is not inspected.
    func inspect() -> StreamInspection? {
        state.value.id.flatMap { ledger.requests?.inspection(of: $0, origin.source) }
    }

    /// Ends the stream now, with a reset on both halves.
    func cut() {
        eventLoop.execute {
            switch self.state.value.stage {
            case .admitted: break
            case .opening(let opening): opening.cut(.wasCut)
            case .joined(let relay): relay.abort(.cut, .wasCut)
            }
        }
    }

    func ended(_ outcome: StreamOutcome, _ error: RstreamError?) {
        ended(StreamOutcomeTracker.Verdict(outcome), error)
    }

    /// Counts and logs the end, once, and leaves the table and the ledger.
    func ended(_ verdict: StreamOutcomeTracker.Verdict, _ error: RstreamError?) {
        guard let id = state.value.id else { return }
        let (upstream, connecting) = (state.value.upstream, state.value.connecting)
        state.value = State()
        upstream?.release(isBroken: verdict.isFailure && [.upstreamReset, .empty].contains(verdict.outcome))
        let end = StreamEnd(
            verdict,
            error,
            lasted: openedAt.duration(to: .now),
            upstream: upstream?.name,
            connecting: connecting
        )
        let ended = EndedStream(origin, id: id, received: counters.received, sent: counters.sent, end)
        ledger.remove(id, ended)
        table.remove(id)
        table.tell(ended, to: logger)
    }
}

// MARK: Seen from elsewhere

extension RelayedStream {
    /// The generation of its owner's settings that it came in.
    func belongs(to generation: Int) {
        self.generation.store(generation, ordering: .relaxed)
    }

    /// Whether it came before a change. A stream that does not know its generation yet will find the change in force.
    func isOlder(than generation: Int) -> Bool {
        let own = self.generation.load(ordering: .relaxed)
        return own != 0 && own < generation
    }

    func markDraining() {
        drains.add(1, ordering: .relaxed)
    }

    /// It belongs to one set of draining streams less.
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
            origin: origin,
            state: state,
            openedAt: openedAtUTC,
            received: counters.received,
            sent: counters.sent
        )
    }
}
