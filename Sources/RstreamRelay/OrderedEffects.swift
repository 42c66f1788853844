// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Synchronization

/// A state behind a mutex whose changes have effects: the effects run after the mutex was released, one after the
/// other, in the order in which they were decided.
///
/// The caller of ``decide(_:)`` runs them. When another caller is running effects already, that one runs the new ones
/// too, so an effect may come a moment after the call that decided it, and never before an older one.
package final class OrderedEffects<State: Sendable, Effect: Sendable>: Sendable {
    private struct Guarded {
        var state: State
        var due: [Effect] = []
        var isActing = false
    }

    private let guarded: Lock<Guarded>
    private let act: @Sendable (Effect) -> Void

    package init(_ state: sending State, act: @escaping @Sendable (Effect) -> Void) {
        guarded = Lock(Guarded(state: state))
        self.act = act
    }

    package func read<Result: Sendable>(_ body: (State) -> Result) -> Result {
        guarded.withLock { body($0.state) }
    }

    /// Changes the state with `body`, which appends the effects.
    @discardableResult
    package func decide<Result: Sendable>(_ body: (inout State, inout [Effect]) -> Result) -> Result {
        let (result, isOurs) = guarded.withLock { guarded in
            let result = body(&guarded.state, &guarded.due)
            let isOurs = !guarded.isActing && !guarded.due.isEmpty
            if isOurs { guarded.isActing = true }
            return (result, isOurs)
        }
        if isOurs { carryOut() }
        return result
    }

    private func carryOut() {
        while true {
            let due = guarded.withLock { guarded in
                defer { guarded.due = [] }
                if guarded.due.isEmpty { guarded.isActing = false }
                return guarded.due
            }
            guard !due.isEmpty else { return }
            for effect in due { act(effect) }
        }
    }
}
