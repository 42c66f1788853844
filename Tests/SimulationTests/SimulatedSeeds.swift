// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc

/// Runs the worlds of many seeds, on all processors: a world shares nothing with another one.
///
/// Tasks take one share of the seeds after the other, in order. What comes of it does not depend on how many tasks there
/// are: when a world fails, no further share is given out, and those that were taken have all seeds before it.
enum SimulatedSeeds {
    static let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    /// What the worlds came to, or the first seed of which the world fails.
    static func run(
        _ seeds: ClosedRange<UInt64>,
        mistake: SimulatedMistake? = nil,
        tasks: Int = processors
    ) async -> (tally: SimulationTally, failed: UInt64?) {
        let shares = SeedShares(seeds)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<tasks {
                group.addTask {
                    while let share = await shares.next() { await shares.report(run(share, mistake)) }
                }
            }
        }
        return await (shares.tally, shares.failed)
    }

    private static func run(
        _ share: ClosedRange<UInt64>,
        _ mistake: SimulatedMistake?
    ) -> (tally: SimulationTally, failed: UInt64?) {
        var tally = SimulationTally()
        for seed in share {
            let plan = SimulatedPlan(seed: seed)
            let outcome = SimulatedWorld.run(plan, mistake: mistake)
            guard outcome.complaint == nil else { return (tally, seed) }
            tally.add(SimulationTally(plan, outcome))
        }
        return (tally, nil)
    }
}

/// The seeds that are left, and what the others came to.
private actor SeedShares {
    /// Seeds of one share.
    private static let size: UInt64 = 20
    /// Worlds after which a long run says how far it is.
    private static let said = 100_000

    private var left: ClosedRange<UInt64>?
    private(set) var tally = SimulationTally()
    private(set) var failed: UInt64?

    init(_ seeds: ClosedRange<UInt64>) {
        left = seeds
    }

    func next() -> ClosedRange<UInt64>? {
        guard failed == nil, let seeds = left else { return nil }
        guard seeds.upperBound - seeds.lowerBound >= Self.size else {
            left = nil
            return seeds
        }
        let end = seeds.lowerBound + Self.size
        left = end...seeds.upperBound
        return seeds.lowerBound...(end - 1)
    }

    func report(_ share: (tally: SimulationTally, failed: UInt64?)) {
        let before = tally.worlds / Self.said
        tally.add(share.tally)
        if tally.worlds / Self.said > before { print("\(tally.worlds) worlds so far") }
        if let seed = share.failed { failed = min(failed ?? seed, seed) }
    }
}
