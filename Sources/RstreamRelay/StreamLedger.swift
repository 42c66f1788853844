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
        var open: [UInt64: Relay] = [:]
        var closed = StreamTotals()
        var retired: [RetiredStreams] = []
    }

    private let state = Mutex(State())
    let observer: (any StreamObserver)?

    package init(observer: (any StreamObserver)? = nil) {
        self.observer = observer
    }

    /// Streams that are open now, those that are still being dialed included.
    package var activeCount: Int { state.withLock { $0.open.count } }

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

    /// Whether there was room for the stream.
    func insert(_ relay: Relay, as id: UInt64) -> Bool {
        let isTaken = state.withLock { state in
            guard state.limit == 0 || state.open.count < state.limit else { return false }
            state.open[id] = relay
            return true
        }
        if isTaken, let observer { observer.streamOpened(relay.snapshot(id: id)) }
        return isTaken
    }

    /// A stream was refused before it was in.
    func refused(from source: IPAddress?, _ error: RstreamError) {
        state.withLock { $0.closed.ended[.refused, default: 0] += 1 }
        observer?.streamRefused(from: source, error)
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
        let (relay, retired) = state.withLock { state -> (Relay?, [RetiredStreams]) in
            guard let relay = state.open.removeValue(forKey: id) else { return (nil, []) }
            state.closed.received += relay.counters.received
            state.closed.sent += relay.counters.sent
            state.closed.ended[end.outcome, default: 0] += 1
            return (relay, state.retired)
        }
        guard let relay else { return }
        if let observer { observer.streamEnded(relay.snapshot(id: id), end) }
        guard !retired.isEmpty else { return }
        for streams in retired { streams.ended(id) }
        state.withLock { state in state.retired.removeAll { $0.count == 0 } }
    }

    /// Sets the streams that are open now apart; those that come later are not among them.
    package func retire() -> RetiredStreams {
        let (streams, relays) = state.withLock { state in
            let streams = RetiredStreams(state.open)
            if !state.open.isEmpty { state.retired.append(streams) }
            return (streams, Array(state.open.values))
        }
        for relay in relays { relay.markDraining() }
        return streams
    }
}
