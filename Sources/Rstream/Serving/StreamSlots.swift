// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import DequeModule
internal import Linux
internal import Synchronization

/// Lets a number of streams be handled at the same time; further tasks wait for their turn, in order.
///
/// Guarded by a mutex; nothing is called while it is held.
final class StreamSlots: Sendable {
    private struct State {
        var free: Int
        var nextID: UInt64 = 0
        var waiting: Deque<(id: UInt64, continuation: CheckedContinuation<Bool, Never>)> = []
    }

    private let state: Lock<State>

    /// Room for `count` streams, one at least.
    init(_ count: Int) {
        state = Lock(State(free: max(1, count)))
    }

    /// Waits for a slot. False when the task was cancelled before there was one: none is taken then.
    func take() async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let taken: Bool? = state.withLock { state in
                    // Cancelled before it waits: the handler below finds nothing to resume.
                    if Task.isCancelled { return false }
                    guard state.free > 0 else {
                        state.waiting.append((id, continuation))
                        return nil
                    }
                    state.free -= 1
                    return true
                }
                if let taken { continuation.resume(returning: taken) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
            }
            waiting?.resume(returning: false)
        }
    }

    /// Gives a slot back.
    func give() {
        let next = state.withLock { state in
            let next = state.waiting.popFirst()
            if next == nil { state.free += 1 }
            return next?.continuation
        }
        next?.resume(returning: true)
    }
}
