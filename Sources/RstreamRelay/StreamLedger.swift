internal import RstreamCore
internal import RstreamDaemonModel
package import RstreamModel
internal import Synchronization

/// The streams of one tunnel or listener: which there are, how many there may be, and what they add up to.
///
/// Beside the ``StreamTable``, which has the streams of the whole daemon. Guarded by one mutex, taken a few times while
/// a stream opens, once when it closes, and by whoever wants to know; bytes are counted by each stream for itself and
/// summed when asked for. A tunnel that is replaced may hand its ledger on, so that nothing is counted twice or lost.
package final class StreamLedger: Sendable {
    private struct State {
        /// Zero for none.
        var limit = 0
        var open: [UInt64: RelayedStream] = [:]
        /// Counts what is in force for streams, from one on, over all that go on with this ledger.
        var era = 0
        var closed = StreamTotals()
        /// Those that somebody still waits for or may cut; nobody else keeps them.
        var retired: [WeakRetiredStreams] = []
        var turnAways: [StreamLimit: RefusalStateMachine] = [:]

        mutating func count(_ end: StreamEnd) {
            closed.ended[end.outcome, default: 0] += 1
            if end.isFailure { closed.failed += 1 }
        }
    }

    private let state = Mutex(State())
    let observer: (any StreamObserver)?

    package init(observer: (any StreamObserver)? = nil) {
        self.observer = observer
    }

    /// Streams that are open now, those that are still being dialed included.
    package var activeCount: Int { state.withLock { $0.open.count } }

    /// Sets of streams that were set apart and that somebody still has.
    var retiredSets: Int { state.withLock { $0.retired.count { $0.streams != nil } } }

    package var totals: StreamTotals {
        state.withLock { state in
            var totals = state.closed
            totals.active = state.open.count
            for relay in state.open.values {
                totals.received += relay.counters.received
                totals.sent += relay.counters.sent
            }
            return totals
        }
    }

    /// The open streams in the order in which they were opened.
    package var snapshots: [StreamSnapshot] {
        state.withLock { $0.open }.sorted { $0.key < $1.key }.map { $1.snapshot(id: $0) }
    }

    /// The most streams there may be at once from now on, zero for no such limit. Those there are stay.
    package func setLimit(_ limit: Int) {
        state.withLock { $0.limit = limit }
    }

    /// What is in force for streams changes; streams of the eras before are ``retire(before:)``'s.
    func beginEra() -> Int {
        state.withLock { state in
            state.era += 1
            return state.era
        }
    }

    /// Whether there was room for the stream.
    func insert(_ relay: RelayedStream, as id: UInt64) -> Bool {
        let isTaken = state.withLock { state in
            guard state.limit == 0 || state.open.count < state.limit else { return false }
            state.open[id] = relay
            return true
        }
        if isTaken, let observer { observer.streamOpened(relay.snapshot(id: id)) }
        return isTaken
    }

    /// A stream was wanted and is not let in, because of a limit if there is one.
    func turnedAway(
        from source: IPAddress?,
        _ outcome: StreamOutcome,
        _ error: RstreamError,
        at limit: StreamLimit? = nil,
        now: ContinuousClock.Instant = .now
    ) {
        let end = StreamEnd(StreamOutcomeTracker.Verdict(outcome), error, lasted: .zero)
        let begins = state.withLock { state in
            state.count(end)
            return limit.map { state.turnAways[$0, default: RefusalStateMachine()].turnedAway(at: now) } ?? false
        }
        observer?.streamTurnedAway(from: source, end)
        if begins, let limit { observer?.turnAwayBegan(limit, error) }
    }

    /// Looks whether visitors are still turned away by limits.
    package func settleRefusals(at now: ContinuousClock.Instant) {
        let past = state.withLock { state in
            StreamLimit.allCases.compactMap { limit in
                state.turnAways[limit]?.looked(at: now).map { (limit: limit, time: $0) }
            }
        }
        for (limit, time) in past { observer?.turnAwayEnded(limit, count: time.count, lasted: time.lasted) }
    }

    /// What streams come from or go to cannot be had, or can again.
    package func failed(_ error: RstreamError?) {
        observer?.reachabilityChanged(error)
    }

    /// The upstream of a stream was reached within `duration`.
    func connected(after duration: Duration) {
        state.withLock { $0.closed.connecting.observe(duration) }
    }

    /// A stream carries bytes, `duration` after it was offered.
    func opened(after duration: Duration) {
        state.withLock { $0.closed.opening.observe(duration) }
    }

    func remove(_ id: UInt64, _ end: StreamEnd) {
        let (relay, retired) = state.withLock { state -> (RelayedStream?, [RetiredStreams]) in
            guard let relay = state.open.removeValue(forKey: id) else { return (nil, []) }
            state.closed.received += relay.counters.received
            state.closed.sent += relay.counters.sent
            state.count(end)
            return (relay, state.retired.compactMap(\.streams))
        }
        guard let relay else { return }
        if let observer { observer.streamEnded(relay.snapshot(id: id), end) }
        for streams in retired { streams.ended(id) }
    }

    /// Sets the streams that are open now apart, or those of them that came before an era; those that come later are not
    /// among them.
    package func retire(before era: Int? = nil) -> RetiredStreams {
        let (streams, relays) = state.withLock { state in
            let leaving = state.open.filter { _, relay in era.map(relay.isOlder) ?? true }
            let streams = RetiredStreams(leaving)
            state.retired.removeAll { $0.streams == nil }
            if !leaving.isEmpty { state.retired.append(WeakRetiredStreams(streams: streams)) }
            return (streams, Array(leaving.values))
        }
        for relay in relays { relay.markDraining() }
        return streams
    }
}

private struct WeakRetiredStreams {
    weak var streams: RetiredStreams?
}
