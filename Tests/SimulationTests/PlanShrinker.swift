// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Leaves out of a plan that fails what it fails without, so that a reader sees what matters.
enum PlanShrinker {
    static func shrunk(_ plan: SimulatedPlan, while fails: (SimulatedPlan) -> Bool) -> SimulatedPlan {
        var plan = plan
        var size = max(1, plan.items.count / 2)
        while true {
            let before = plan.items.count
            var first = 0
            while first < plan.items.count {
                var smaller = plan
                smaller.items.removeSubrange(first..<min(first + size, plan.items.count))
                if fails(smaller) { plan = smaller } else { first += size }
            }
            if size == 1, plan.items.count == before { return plan }
            size = max(1, size / 2)
        }
    }
}
