// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Synchronization

/// The streams that were open when their tunnel or listener was changed, removed or stopped. Its user waits for their
/// end, cuts them, or releases them to go on after all. They show as `draining` and stay in their ledger until they
/// end.
///
/// Guarded by one mutex, taken once per stream that ends.
package final class DrainingStreams: Sendable {
    private struct State {
        var open: [UInt64: RelayedStream]
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state: Lock<State>

    init(_ open: [UInt64: RelayedStream]) {
        state = Lock(State(open: open))
    }

    /// How many have not ended yet.
    package var count: Int { state.withLock { $0.open.count } }

    /// Ends them now, with a reset.
    package func cut() {
        let streams = state.withLock { Array($0.open.values) }
        for stream in streams { stream.cut() }
    }

    /// Lets them go on as streams that are not draining, and forgets them.
    package func release() {
        let (streams, waiters) = state.withLock { state in
            defer { (state.open, state.waiters) = ([:], [:]) }
            return (Array(state.open.values), Array(state.waiters.values))
        }
        for stream in streams { stream.unmarkDraining() }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the last one has ended or been released, or when the task is cancelled.
    package func waitUntilEnded() async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Cancelled before it waits: `onCancel` below found no waiter.
                    if state.open.isEmpty || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    func ended(_ id: UInt64) {
        let waiters = state.withLock { state in
            guard state.open.removeValue(forKey: id) != nil, state.open.isEmpty else {
                return [CheckedContinuation<Void, Never>]()
            }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }
}
