// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import Testing

@Suite("descriptors are shared out so that they never run out")
struct DescriptorBudgetTests {
    private static let fixed = DescriptorBudget.Fixed(atStart: 24, contexts: 1, listeners: 0)

    /// What is open when every share is taken at once.
    private func used(_ budget: DescriptorBudget, _ fixed: DescriptorBudget.Fixed) -> Int {
        let attempts = fixed.checks * 2 + fixed.canaries * 4
        let daemon = fixed.atStart + fixed.contexts * 5 + fixed.listeners * 2 + attempts + 40
        let opening = fixed.contexts * (budget.openingStreams * 2 + budget.warmConnections * 2)
        return daemon + (1 + fixed.ports) * budget.adminClients + opening + budget.streams * 2
    }

    @Test("no share passes the limit", arguments: [128, 200, 256, 512, 1_024, 4_096, 20_000, 1_048_576])
    func sum(limit: Int) {
        for (contexts, listeners, checks, canaries, ports) in [
            (1, 0, 0, 0, 1), (1, 0, 0, 1, 1), (1, 8, 4, 0, 1), (1, 0, 0, 0, 2), (3, 0, 6, 3, 1), (4, 2, 0, 0, 2),
        ] {
            let fixed = DescriptorBudget.Fixed(
                atStart: 24,
                contexts: contexts,
                listeners: listeners,
                checks: checks,
                canaries: canaries,
                ports: ports
            )
            for (wanted, opening) in [(0, 64), (100_000, 64), (0, 1_000), (5, 1)] {
                let budget = DescriptorBudget(limit: limit, fixed: fixed, wanted: wanted, opening: opening, warm: 16)
                #expect(budget.warmConnections == min(16, budget.openingStreams))
                #expect(used(budget, fixed) <= limit, "\(budget), \(contexts) contexts")
                #expect(budget.streams >= 1 && budget.openingStreams >= 1 && budget.adminClients >= 4)
                if wanted > 0 { #expect(budget.streams <= wanted) }
                #expect(budget.openingStreams <= opening)
            }
        }
    }

    @Test("with enough descriptors everything is as configured")
    func room() {
        let budget = DescriptorBudget(limit: 20_000, fixed: Self.fixed, wanted: 1_000, opening: 64)
        #expect(budget.streams == 1_000)
        #expect(budget.openingStreams == 64)
        #expect(budget.adminClients == 64)
        #expect(DescriptorBudget(limit: 20_000, fixed: Self.fixed).streams > 9_500)
        #expect(DescriptorBudget(limit: 1_024, fixed: Self.fixed).streams > 350)
    }

    @Test("without, the limit that is too low is reported")
    func shortage() {
        let enough = DescriptorBudget(limit: 20_000, fixed: Self.fixed, wanted: 1_000)
        #expect(enough.shortage == nil && enough.room > enough.streams)
        #expect(DescriptorBudget(limit: 256, fixed: Self.fixed).shortage == nil, "nothing is wanted")
        for (memory, what, fix) in [
            (nil, "256 file descriptors", "LimitNOFILE="), (64 << 20, "the 64 MiB", "MemoryMax="),
        ]
            as [(Int?, String, String)]
        {
            let budget = DescriptorBudget(
                limit: memory == nil ? 256 : 20_000,
                fixed: Self.fixed,
                wanted: 5_000,
                memory: memory
            )
            #expect(budget.streams == budget.room)
            #expect(budget.shortage?.what.hasPrefix("limits.streams is 5000, and \(what)") == true, "\(budget)")
            #expect(budget.shortage?.what.hasSuffix("enough for \(budget.room)") == true, "\(budget)")
            #expect(budget.shortage?.fix.contains(fix) == true, "\(budget)")
        }
    }

    @Test("no limit is too small to be read", arguments: [0, 1, 3, 64, 65, 100])
    func tiny(limit: Int) {
        let budget = DescriptorBudget(limit: limit, fixed: Self.fixed, wanted: 10)
        #expect(budget.streams >= 1)
        #expect(budget.openingStreams == 1)
        #expect(budget.adminClients == 4)
    }
}
