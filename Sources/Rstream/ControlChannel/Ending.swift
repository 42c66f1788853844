// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Synchronization

/// A value that is set once, when something ends, and that any number of tasks wait for. A task that is cancelled stops
/// waiting at once and leaves nothing behind.
///
/// Guarded by a mutex, which is not held while waiting tasks are resumed.
final class Ending<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Value?, Never>] = [:]
    }

    private let state = Lock(State())

    /// Sets the value and resumes the waiting tasks. Later values are ignored.
    func settle(_ value: Value) {
        let waiters = state.withLock { state in
            guard state.value == nil else { return [CheckedContinuation<Value?, Never>]() }
            state.value = value
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }

    /// Waits for the value; nil when the task was cancelled first.
    func wait() async -> Value? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (value, isOver) = state.withLock { state in
                    // Cancelled before it waits: the handler below had nothing to resume.
                    guard state.value == nil, !Task.isCancelled else { return (state.value, true) }
                    state.waiters[id] = continuation
                    return (nil, false)
                }
                if isOver { continuation.resume(returning: value) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: nil)
        }
    }

    /// How many tasks wait.
    var waiters: Int { state.withLock { $0.waiters.count } }
}
