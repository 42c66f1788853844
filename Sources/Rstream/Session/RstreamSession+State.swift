// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
public import RstreamModel
internal import Synchronization

extension RstreamSession {
    /// The state of a session's connection and of its tunnels.
    public struct State: Hashable, Sendable {
        /// The state of the connection to the engine.
        public enum Connection: Hashable, Sendable {
            /// The session does not run yet.
            case idle
            /// An attempt is under way.
            case connecting
            /// The control channel is open.
            case online(clientID: String, engine: EngineAddress)
            /// The last attempt, or the control channel, failed with `error`; the next attempt follows after `delay`,
            /// counted from when the state was set.
            case waiting(RstreamError, delay: Duration)
            /// A graceful shutdown: the tunnels are closed, and streams end.
            case draining
            /// The session has ended.
            case closed
        }

        /// The state of one tunnel.
        public enum Tunnel: Hashable, Sendable {
            /// Not open, with the last failure if the tunnel itself failed. It is asked for when the session is online
            /// and its own delay is over.
            case pending(RstreamError?)
            /// The engine was asked for it.
            case opening
            /// Open: visitors reach it. The properties are what the engine granted.
            case online(id: String, TunnelProperties)
            /// Closed by a graceful shutdown.
            case closed

            /// The address to show to people while the tunnel is online, as ``RstreamTunnel/forwardingAddress``.
            public var address: String? {
                guard case .online(_, let properties) = self else { return nil }
                return properties.forwardingAddress
            }
        }

        /// The state of the connection to the engine.
        public var connection: Connection
        /// The state of each tunnel, in the order in which the session was given them.
        public var tunnels: [Tunnel]

        /// Whether every tunnel is online.
        public var isOnline: Bool {
            guard case .online = connection else { return false }
            return tunnels.allSatisfy { $0.address != nil }
        }
    }

    /// The states of a session: the one now, and then each change.
    public struct States: AsyncSequence, Sendable {
        let source: SessionStateSource

        /// Starts with the state now. Each iterator gets all changes.
        public func makeAsyncIterator() -> Iterator { Iterator(states: source.subscribe().makeAsyncIterator()) }

        /// Takes states one by one.
        public struct Iterator: AsyncIteratorProtocol {
            var states: AsyncStream<State>.Iterator

            /// Waits for the next state.
            ///
            /// - Returns: The state, or nil when the session has ended or the task was cancelled.
            public mutating func next() async -> State? { await states.next(isolation: #isolation) }
        }
    }
}

/// The latest state of a session, for any number of readers. Guarded by a mutex.
final class SessionStateSource: Sendable {
    private struct Readers {
        var state: RstreamSession.State
        var isFinished = false
        var nextID: UInt64 = 0
        var continuations: [UInt64: AsyncStream<RstreamSession.State>.Continuation] = [:]
    }

    private let readers: Lock<Readers>

    init(_ state: RstreamSession.State) {
        readers = Lock(Readers(state: state))
    }

    var state: RstreamSession.State { readers.withLock { $0.state } }

    func publish(_ state: RstreamSession.State) {
        readers.withLock { readers in
            guard state != readers.state else { return }
            readers.state = state
            // Under the mutex: a reader that comes now must not get an older state after a newer one. Nothing runs
            // here, a task that waits is only made ready.
            for continuation in readers.continuations.values { continuation.yield(state) }
        }
    }

    /// No state follows the last one.
    func finish() {
        let continuations = readers.withLock { readers in
            readers.isFinished = true
            defer { readers.continuations = [:] }
            return Array(readers.continuations.values)
        }
        for continuation in continuations { continuation.finish() }
    }

    func subscribe() -> AsyncStream<RstreamSession.State> {
        let (states, continuation) = AsyncStream.makeStream(
            of: RstreamSession.State.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        let (id, isFinished) = readers.withLock { readers in
            readers.nextID += 1
            continuation.yield(readers.state)
            if !readers.isFinished { readers.continuations[readers.nextID] = continuation }
            return (readers.nextID, readers.isFinished)
        }
        if isFinished { continuation.finish() }
        continuation.onTermination = { [weak self] _ in
            self?.forget(id)
        }
        return states
    }

    private func forget(_ id: UInt64) {
        _ = readers.withLock { $0.continuations.removeValue(forKey: id) }
    }
}
