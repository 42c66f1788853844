// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Limits how many messages of the engine are logged: ten at once, then one a minute.
package struct LogRate: Hashable, Sendable {
    private static let burst = 10
    private static let refill = Duration.seconds(60)

    private var left = burst
    private var refilledAt: ContinuousClock.Instant?
    private var suppressed = 0

    package init() {}

    /// The number of messages before this one that were not logged; nil when this one is not logged either.
    package mutating func admits(at now: ContinuousClock.Instant) -> Int? {
        let since = refilledAt ?? now
        refilledAt = since
        let due = Int(since.duration(to: now) / Self.refill)
        if due > 0 {
            left = min(Self.burst, left + min(due, Self.burst))
            refilledAt = now
        }
        guard left > 0 else {
            suppressed = min(suppressed + 1, 1_000_000)
            return nil
        }
        left -= 1
        defer { suppressed = 0 }
        return suppressed
    }
}
