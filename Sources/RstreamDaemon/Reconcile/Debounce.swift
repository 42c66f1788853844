// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides when a series of changes is over (contract §3.1: after 100 ms without a change).
///
/// Programs often change a file in several steps. A series lasts at most `longest`, and `pause` is the least time
/// between the ends of two series.
package struct Debounce: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case schedule(generation: Int, after: Duration)
        case settled
    }

    private let quiet: Duration
    private let longest: Duration
    private let pause: Duration
    private var generation = 0
    private var since: ContinuousClock.Instant?
    private var settledAt: ContinuousClock.Instant?

    package init(
        quiet: Duration = .milliseconds(100),
        longest: Duration = .seconds(2),
        pause: Duration = .zero
    ) {
        self.quiet = quiet
        self.longest = longest
        self.pause = pause
    }

    package mutating func changed(at now: ContinuousClock.Instant) -> Action {
        let start = since ?? now
        since = start
        generation += 1
        let left = longest - start.duration(to: now)
        let early = settledAt.map { pause - $0.duration(to: now) } ?? .zero
        return .schedule(generation: generation, after: max(.zero, early, min(quiet, left)))
    }

    package mutating func timerFired(generation fired: Int, at now: ContinuousClock.Instant) -> Action? {
        guard fired == generation, since != nil else { return nil }
        since = nil
        settledAt = now
        return .settled
    }
}
