// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What the worlds of many seeds came to. Adding two tallies gives the same in either order.
struct SimulationTally: Hashable, CustomStringConvertible {
    /// Worlds with one bound, and the one among them that took longest to recover.
    struct Recovery: Hashable {
        var worlds = 0
        /// In milliseconds, since the last trouble.
        var slowest = 0
        /// The first one that took as long.
        var seed = UInt64.max

        mutating func add(_ other: Self) {
            worlds += other.worlds
            guard (other.slowest, seed) > (slowest, other.seed) else { return }
            (slowest, seed) = (other.slowest, other.seed)
        }
    }

    var worlds = 0
    /// Calls of the agenda. Each step of a process is followed by all checks that it may have changed.
    var steps = 0
    /// Streams that were joined.
    var streams = 0
    /// Programs whose private dials came about.
    var dials = 0
    /// What happened, by its kind.
    var events: [SimulatedPlan.Event.Kind: Int] = [:]
    /// By what ``SimulatedWorld/longestRecovery(_:)`` says.
    var recoveries: [Int: Recovery] = [:]

    init() {}

    /// One world.
    init(_ plan: SimulatedPlan, _ outcome: SimulatedWorld.Outcome) {
        (worlds, steps, streams, dials) = (1, outcome.steps, outcome.streams, outcome.dials)
        for item in plan.items { events[item.event.kind, default: 0] += 1 }
        let bound = SimulatedWorld.longestRecovery(plan)
        recoveries[bound] = Recovery(worlds: 1, slowest: outcome.recovery, seed: plan.seed)
    }

    mutating func add(_ other: Self) {
        worlds += other.worlds
        steps += other.steps
        streams += other.streams
        dials += other.dials
        events.merge(other.events, uniquingKeysWith: +)
        for (bound, recovery) in other.recoveries { recoveries[bound, default: Recovery()].add(recovery) }
    }

    /// As `Tests/SimulationTests/run` reads it.
    var description: String {
        let slowest = recoveries.sorted { $0.key < $1.key }.map { bound, recovery in
            "recovered within \(bound) ms: \(recovery.worlds) worlds, the slowest after \(recovery.slowest) ms, "
                + "seed \(recovery.seed)"
        }
        let happened = SimulatedPlan.Event.Kind.allCases.map { "happened: \(events[$0] ?? 0) \($0.rawValue)" }
        let sums = "\(worlds) worlds: \(steps) steps, \(streams) streams joined, \(dials) private dials"
        return ([sums] + slowest + happened).joined(separator: "\n")
    }
}
