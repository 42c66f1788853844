// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Synchronization

/// A value that changes and that tests wait for: every change is an event, so nothing is missed and nothing is polled.
///
/// Guarded by a mutex; conditions are judged while it is held and must not touch the same value.
package final class Observed<Value: Sendable>: Sendable {
    private struct Waiter {
        let id: UInt64
        let isMet: @Sendable (Value) -> Bool
        let continuation: CheckedContinuation<Value?, Never>
    }

    private struct State {
        var value: Value
        var waiters: [Waiter] = []
        var givenUp: Set<UInt64> = []
        var nextID: UInt64 = 0
    }

    private let state: Lock<State>

    package init(_ value: Value) {
        state = Lock(State(value: value))
    }

    package var value: Value { state.withLock { $0.value } }

    package func change(_ body: (inout Value) -> Void) {
        let (met, value) = state.withLock { state in
            body(&state.value)
            guard !state.waiters.isEmpty else { return ([Waiter](), Value?.none) }
            let value = state.value
            let met = state.waiters.filter { $0.isMet(value) }
            state.waiters.removeAll { waiter in met.contains { $0.id == waiter.id } }
            return (met, value)
        }
        for waiter in met { waiter.continuation.resume(returning: value) }
    }

    /// Returns as soon as the value fulfils `condition`; throws ``DeadlinePassed`` when it has not within `limit`.
    @discardableResult
    package func wait(
        for what: String,
        within limit: Duration = testTimeout,
        until condition: @escaping @Sendable (Value) -> Bool
    ) async throws -> Value {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        // Ends with the wait, which cancels it.
        let deadline = Task {
            if await passes(limit) { giveUp(id) }
        }
        defer { deadline.cancel() }
        let met = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let value: Value?? = state.withLock { state in
                    if condition(state.value) { return .some(state.value) }
                    if state.givenUp.contains(id) { return .some(nil) }
                    state.waiters.append(Waiter(id: id, isMet: condition, continuation: continuation))
                    return nil
                }
                if let value { continuation.resume(returning: value) }
            }
        } onCancel: {
            giveUp(id)
        }
        guard let met else { throw DeadlinePassed(what: what, state: "\(value)") }
        return met
    }

    private func giveUp(_ id: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            state.givenUp.insert(id)
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(returning: nil)
    }
}
