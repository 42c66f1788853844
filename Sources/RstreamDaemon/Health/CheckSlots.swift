// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig
internal import Synchronization

/// Limits how many checks of upstreams run at once.
///
/// Guarded by one mutex. The time of a check is limited, so every wait ends.
final class CheckSlots: Sendable {
    private struct State {
        var free: Int
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// How many checks of the whole daemon run at once.
    private static let count = 32

    private let state: Lock<State>

    init(_ count: Int = CheckSlots.count) {
        state = Lock(State(free: count))
    }

    /// How many slots the checks of a configuration may occupy at once.
    static func wanted(by configuration: DaemonConfiguration) -> Int { min(configuration.checkedUpstreams, count) }

    /// Waits for a slot.
    func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiters.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    /// Gives the slot to the one who has waited longest.
    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiters.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.resume()
    }
}
