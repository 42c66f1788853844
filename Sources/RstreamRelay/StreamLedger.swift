// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamCore
internal import RstreamDaemonModel
package import RstreamModel
internal import Synchronization

/// The accounting of one tunnel's or listener's streams: the open ones, their limit, and the totals for metrics.
///
/// The ``StreamTable`` has the streams of the whole daemon. A ledger is guarded by one mutex, taken a few times while a
/// stream opens, once when it closes, and for each query; every stream counts its own bytes, and they are summed on
/// request. A tunnel that is replaced hands its ledger on, so that nothing is counted twice or lost.
package final class StreamLedger: Sendable {
    private struct State {
        /// Zero for none.
        var limit = 0
        var open: [UInt64: RelayedStream] = [:]
        /// The number of the current settings, from one on. It goes on when a tunnel takes the ledger over.
        var generation = 0
        var closed = StreamTotals()
        /// What the process before this one has counted.
        var carried = StreamTotals()
        /// Sets of draining streams that are still in use; their users keep them.
        var draining: [WeakDrainingStreams] = []
        var refusals: [StreamLimit: RefusalStateMachine] = [:]

        mutating func count(_ end: StreamEnd) {
            closed.ended[end.outcome, default: 0] += 1
            if end.isFailure { closed.failed += 1 }
        }
    }

    private let state = Lock(State())
    let observer: (any StreamObserver)?
    /// The latest requests of a tunnel that is inspected; nil where no stream is.
    package let requests: RequestLog?

    package init(observer: (any StreamObserver)? = nil, requests: RequestLog? = nil) {
        self.observer = observer
        self.requests = requests
    }

    /// Streams that are open now, those that are still being dialed included.
    package var activeCount: Int { state.withLock { $0.open.count } }

    /// Sets of draining streams that are still in use.
    var drainingSets: Int { state.withLock { $0.draining.count { $0.streams != nil } } }

    package var totals: StreamTotals {
        state.withLock { state in
            var totals = state.closed
            totals.active = state.open.count
            for stream in state.open.values {
                totals.received += stream.counters.received
                totals.sent += stream.counters.sent
            }
            totals.add(state.carried)
            return totals
        }
    }

    /// Counts on from what the process before this one has counted; the latest call is the one that counts.
    package func carry(_ totals: StreamTotals) {
        state.withLock { $0.carried = totals }
    }

    /// The open streams in the order in which they were opened.
    package var snapshots: [StreamSnapshot] {
        state.withLock { $0.open }.sorted { $0.key < $1.key }.map { $1.snapshot(id: $0) }
    }

    /// Sets the most streams that may be open at once, zero for no limit. Open streams stay.
    package func setLimit(_ limit: Int) {
        state.withLock { $0.limit = limit }
    }

    /// Begins a new generation: the settings for new streams change. ``retire(before:)`` finds the streams of the
    /// generations before.
    func beginGeneration() -> Int {
        state.withLock { state in
            state.generation += 1
            return state.generation
        }
    }

    /// - Returns: Whether there was room for the stream.
    func insert(_ stream: RelayedStream, as id: UInt64) -> Bool {
        let isTaken = state.withLock { state in
            guard state.limit == 0 || state.open.count < state.limit else { return false }
            state.open[id] = stream
            return true
        }
        if isTaken, let observer { observer.streamOpened(stream.snapshot(id: id)) }
        return isTaken
    }

    /// Counts a stream that failed before it had a place, or was refused for a `reason`, and returns it.
    @discardableResult
    func streamRefused(
        _ origin: StreamOrigin,
        _ outcome: StreamOutcome,
        _ error: RstreamError,
        because reason: RefusalReason? = nil,
        now: ContinuousClock.Instant = .now
    ) -> EndedStream {
        let end = StreamEnd(StreamOutcomeTracker.Verdict(outcome), error, lasted: .zero)
        let stream = EndedStream(origin, end)
        let limit = reason?.limit
        let begins = state.withLock { state in
            state.count(end)
            if let reason { state.closed.refused[reason, default: 0] += 1 }
            return limit.map { state.refusals[$0, default: RefusalStateMachine()].refused(at: now) } ?? false
        }
        observer?.streamEnded(stream)
        if begins, let limit { observer?.refusalBegan(limit, error) }
        return stream
    }

    /// Reports the end of each time in which a limit has refused streams.
    package func settleRefusals(at now: ContinuousClock.Instant) {
        let past = state.withLock { state in
            StreamLimit.allCases.compactMap { limit in
                state.refusals[limit]?.checked(at: now).map { (limit: limit, time: $0) }
            }
        }
        for (limit, time) in past { observer?.refusalEnded(limit, count: time.count, lasted: time.lasted) }
    }

    /// Reports that the source or target of streams cannot be used, or can again when `error` is nil.
    package func failed(_ error: RstreamError?) {
        observer?.reachabilityChanged(error)
    }

    /// The upstream of a stream was reached within `duration`.
    func connected(after duration: Duration) {
        state.withLock { $0.closed.connecting.observe(duration) }
    }

    /// A stream carries bytes, `duration` after it was requested.
    func opened(after duration: Duration) {
        state.withLock { $0.closed.opening.observe(duration) }
    }

    func remove(_ id: UInt64, _ ended: EndedStream) {
        let draining = state.withLock { state -> [DrainingStreams]? in
            guard state.open.removeValue(forKey: id) != nil else { return nil }
            state.closed.received += ended.received
            state.closed.sent += ended.sent
            state.count(ended.end)
            return state.draining.compactMap(\.streams)
        }
        guard let draining else { return }
        observer?.streamEnded(ended)
        for streams in draining { streams.ended(id) }
    }

    /// Marks the streams that are open now as draining, or only those that came before `generation`.
    ///
    /// - Returns: These streams; later ones are never among them.
    package func retire(before generation: Int? = nil) -> DrainingStreams {
        let (streams, leaving) = state.withLock { state in
            let leaving = state.open.filter { _, stream in generation.map(stream.isOlder) ?? true }
            let streams = DrainingStreams(leaving)
            state.draining.removeAll { $0.streams == nil }
            if !leaving.isEmpty { state.draining.append(WeakDrainingStreams(streams: streams)) }
            return (streams, Array(leaving.values))
        }
        for stream in leaving { stream.markDraining() }
        return streams
    }
}

private struct WeakDrainingStreams {
    weak var streams: DrainingStreams?
}
