// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides when a period begins and ends in which a limit refuses streams.
///
/// At a limit one stream ends and the next one gets its place, so a single stream that gets a place ends nothing: the
/// period is over when no stream was refused for a while.
package struct RefusalStateMachine: Hashable, Sendable {
    /// How long no stream may be refused before the period is over.
    package static let quietTime = Duration.seconds(10)

    /// A period that is over.
    package struct Past: Hashable, Sendable {
        package let count: Int
        package let lasted: Duration
    }

    private struct Present: Hashable {
        let since: ContinuousClock.Instant
        var last: ContinuousClock.Instant
        var count: Int
    }

    private var present: Present?

    package init() {}

    /// `count` streams were refused.
    ///
    /// - Returns: Whether a period begins with them.
    package mutating func turnedAway(_ count: Int = 1, at now: ContinuousClock.Instant) -> Bool {
        guard count > 0 else { return false }
        let begins = present == nil
        var time = present ?? Present(since: now, last: now, count: 0)
        (time.last, time.count) = (now, time.count + count)
        present = time
        return begins
    }

    /// - Returns: The period that is over by `now`, once.
    package mutating func looked(at now: ContinuousClock.Instant) -> Past? {
        guard let time = present, time.last.duration(to: now) >= Self.quietTime else { return nil }
        present = nil
        return Past(count: time.count, lasted: time.since.duration(to: time.last))
    }
}
