// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Synchronization

/// The request to stop, for those who would wait for a disk that does not answer. It is given once and stays given.
///
/// Guarded by a mutex, which is not held while observers are called.
final class StopSignal: Sendable {
    private struct State {
        var isGiven = false
        var lastKey = 0
        var observers: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Lock(State())

    func give() {
        let observers = state.withLock { state in
            state.isGiven = true
            defer { state.observers = [:] }
            return state.observers
        }
        for observer in observers.values { observer() }
    }

    /// Calls `observer` when the signal is given, and now if it is already; until ``forget(_:)`` with what is returned.
    func observe(_ observer: @escaping @Sendable () -> Void) -> Int {
        let (key, isGiven) = state.withLock { state in
            state.lastKey += 1
            if !state.isGiven { state.observers[state.lastKey] = observer }
            return (state.lastKey, state.isGiven)
        }
        if isGiven { observer() }
        return key
    }

    func forget(_ key: Int) {
        state.withLock { $0.observers[key] = nil }
    }
}
