internal import Synchronization

/// The streams that a tunnel or listener had when it was changed, removed or stopped, for whoever decides about them:
/// let them end, wait for that, cut them, or let them go on after all. They show as `draining` and stay in their ledger
/// until they have ended.
///
/// Guarded by one mutex, taken once per stream that ends.
package final class RetiredStreams: Sendable {
    private struct State {
        var open: [UInt64: RelayedStream]
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state: Mutex<State>

    init(_ open: [UInt64: RelayedStream]) {
        state = Mutex(State(open: open))
    }

    /// Those that have not ended yet.
    package var count: Int { state.withLock { $0.open.count } }

    /// Ends them now, with a reset.
    package func cut() {
        let relays = state.withLock { Array($0.open.values) }
        for relay in relays { relay.cut() }
    }

    /// Lets them go on as if they had not been set apart. Nothing of them is left here.
    package func release() {
        let (relays, waiters) = state.withLock { state in
            defer { (state.open, state.waiters) = ([:], [:]) }
            return (Array(state.open.values), Array(state.waiters.values))
        }
        for relay in relays { relay.unmarkDraining() }
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
                    // Cancelled before it waits: the handler below found nobody.
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
