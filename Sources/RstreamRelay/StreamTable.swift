// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamCore
internal import RstreamModel
internal import Synchronization

/// All open streams of the daemon, to limit them, wait for their end and cut them.
///
/// Guarded by one mutex, taken once when a stream opens and once when it closes, never per chunk.
package final class StreamTable: Sendable {
    private struct State {
        var capacity: Int
        var drain = DrainStateMachine()
        var lastID: UInt64 = 0
        var refused = 0
        var streams: [UInt64: RelayedStream] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// The answer to a stream that asks for a place.
    enum Admission: Hashable, Sendable {
        case taken(id: UInt64)
        case full
        /// There is room in the table, and none in the ledger of the stream's tunnel.
        case tunnelFull
        /// There is room in the table, and none in the ledger of the stream's listener.
        case listenerFull
        case stopping

        /// Why the stream is refused, as it is counted; nil when it is not.
        var reason: RefusalReason? {
            switch self {
            case .taken: nil
            case .full: .daemonLimit
            case .tunnelFull, .listenerFull: .ownLimit
            case .stopping: .stopping
            }
        }

        /// The same as the answer to the engine and for the operator.
        var error: RstreamError? {
            switch self {
            case .taken: nil
            case .full:
                .refusedStream(
                    "the agent has reached its limit of streams",
                    fix: "raise limits.streams, or LimitNOFILE= and MemoryMax= of the service"
                )
            case .tunnelFull:
                .refusedStream("the tunnel has reached its limit of streams", fix: "raise the tunnel's limits.streams")
            case .listenerFull:
                .refusedStream(
                    "the listener has reached its limit of streams",
                    fix: "raise the listener's limits.streams"
                )
            case .stopping: .refusedStream("the agent is stopping", fix: nil)
            }
        }
    }

    private let state: Lock<State>
    /// Whether every stream's end is told at `info`, and not at `debug`.
    private let tellsEnds = Atomic(false)

    /// A table that takes `capacity` streams at a time.
    package init(capacity: Int) {
        state = Lock(State(capacity: capacity))
    }

    /// Sets the most streams that may be open at once. Open streams stay.
    package func limit(to capacity: Int) {
        state.withLock { $0.capacity = capacity }
    }

    /// Sets whether the log tells of every stream's end at level `info` (`log.streams`), or at `debug` only.
    package func tellEnds(_ isWanted: Bool) {
        tellsEnds.store(isWanted, ordering: .relaxed)
    }

    /// Logs the end of a stream. What the line says is made only where it is logged.
    func tell(_ stream: EndedStream, to logger: Logger) {
        let level: Logger.Level = tellsEnds.load(ordering: .relaxed) ? .info : .debug
        logger.log(level: level, "stream closed", metadata: stream.facts)
    }

    /// Streams that are open now, those whose upstream is still being dialed included.
    package var activeCount: Int { state.withLock { $0.drain.openStreams } }

    /// How many streams have got a place so far.
    package var takenCount: UInt64 { state.withLock { $0.lastID } }

    /// How many streams the table's limit has refused since the last call.
    package func takeRefused() -> Int {
        state.withLock { state in
            defer { state.refused = 0 }
            return state.refused
        }
    }

    /// Gives the stream a place, if there is one.
    func insert(_ stream: RelayedStream) -> Admission {
        state.withLock { state in
            guard state.streams.count < state.capacity else {
                state.refused &+= 1
                return .full
            }
            guard state.drain.streamOpened() else { return .stopping }
            state.lastID += 1
            state.streams[state.lastID] = stream
            return .taken(id: state.lastID)
        }
    }

    func remove(_ id: UInt64) {
        let waiters = state.withLock { state in
            guard state.streams.removeValue(forKey: id) != nil, state.drain.streamClosed() == .close else {
                return [CheckedContinuation<Void, Never>]()
            }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Refuses new streams and waits until the last one has ended.
    package func drain() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.drain.drainRequested() == .close { return true }
                state.waiters.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Ends every stream now, with a reset.
    package func cut() {
        let streams = state.withLock { Array($0.streams.values) }
        for stream in streams { stream.cut() }
    }

    /// Ends one stream now, with a reset.
    ///
    /// - Returns: Whether there is such a stream.
    package func cut(_ id: UInt64) -> Bool {
        guard let stream = state.withLock({ $0.streams[id] }) else { return false }
        stream.cut()
        return true
    }
}
