// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("Effects of what is decided under a lock")
struct OrderedEffectsTests {
    @Test("happen in the order of the decisions, on any thread, and outside of the lock")
    func order() async throws {
        let seen = Observed<[Int]>([])
        let box = Observed<OrderedEffects<Int, Int>?>(nil)
        let decisions = OrderedEffects<Int, Int>(0) { number in
            // Reading here would never return if the lock were held.
            _ = box.value?.read { $0 }
            seen.change { $0.append(number) }
        }
        box.change { $0 = decisions }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        decisions.decide { state, effects in
                            state += 1
                            effects.append(state)
                        }
                    }
                }
            }
        }
        try await seen.wait(for: "all effects") { $0.count == 4_000 }
        #expect(seen.value == Array(1...4_000))
    }

    @Test("may decide again themselves")
    func again() {
        let seen = Observed<[Int]>([])
        let box = Observed<OrderedEffects<Int, Int>?>(nil)
        let decisions = OrderedEffects<Int, Int>(0) { number in
            seen.change { $0.append(number) }
            guard number < 3 else { return }
            box.value?.decide { _, effects in effects.append(number + 1) }
        }
        box.change { $0 = decisions }
        decisions.decide { _, effects in effects.append(1) }
        #expect(seen.value == [1, 2, 3])
        box.change { $0 = nil }
    }
}
