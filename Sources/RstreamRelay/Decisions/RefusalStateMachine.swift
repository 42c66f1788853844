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
    package struct EndedPeriod: Hashable, Sendable {
        package let count: Int
        package let lasted: Duration
    }

    private struct OpenPeriod: Hashable {
        let since: ContinuousClock.Instant
        var last: ContinuousClock.Instant
        var count: Int
    }

    private var current: OpenPeriod?

    package init() {}

    /// `count` streams were refused.
    ///
    /// - Returns: Whether a period begins with them.
    package mutating func refused(_ count: Int = 1, at now: ContinuousClock.Instant) -> Bool {
        guard count > 0 else { return false }
        let begins = current == nil
        var time = current ?? OpenPeriod(since: now, last: now, count: 0)
        (time.last, time.count) = (now, time.count + count)
        current = time
        return begins
    }

    /// - Returns: The period that is over by `now`, once.
    package mutating func checked(at now: ContinuousClock.Instant) -> EndedPeriod? {
        guard let time = current, time.last.duration(to: now) >= Self.quietTime else { return nil }
        current = nil
        return EndedPeriod(count: time.count, lasted: time.since.duration(to: time.last))
    }
}
