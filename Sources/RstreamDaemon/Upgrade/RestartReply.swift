// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Synchronization

/// Whether this process leaves its place to the next one. It is answered once: by the request loop that has taken it, by
/// its time where the loop has not, or else with ``Answer/stops``.
///
/// Guarded by a mutex.
final class RestartReply: Sendable {
    enum Answer: Hashable, Sendable {
        /// The next process takes over.
        case leaves
        /// This one stops.
        case stops
        /// This one stops, because the request loop was busy with something else.
        case isLate
    }

    private struct State {
        /// Nil once it is answered.
        var continuation: CheckedContinuation<Answer, Never>?
        var isTaken = false
    }

    private let state: Lock<State>
    private let timer = DelayedCall()

    init(_ continuation: CheckedContinuation<Answer, Never>) { state = Lock(State(continuation: continuation)) }

    deinit {
        timer.cancel()
        answer(.stops)
    }

    /// It is to be taken within `limit` from now on, once more if it was taken before.
    func expire(after limit: Duration) {
        state.withLock { $0.isTaken = false }
        // Not kept by its timer: what the request loop has dropped is answered at once.
        timer.set(limit) { [weak self] in self?.timePassed() }
    }

    func timePassed() { answer(.isLate, unlessTaken: true) }

    /// Whether there is something to answer still. From now on that may take as long as it does.
    func take() -> Bool {
        let isOpen = state.withLock { state in
            state.isTaken = true
            return state.continuation != nil
        }
        timer.cancel()
        return isOpen
    }

    func answer(_ answer: Answer) { self.answer(answer, unlessTaken: false) }

    private func answer(_ answer: Answer, unlessTaken: Bool) {
        let waiting: CheckedContinuation<Answer, Never>? = state.withLock { state in
            guard !unlessTaken || !state.isTaken else { return nil }
            defer { state.continuation = nil }
            return state.continuation
        }
        waiting?.resume(returning: answer)
    }
}
