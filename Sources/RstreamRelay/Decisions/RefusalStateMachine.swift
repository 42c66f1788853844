/// Decides when a time begins and ends in which visitors are turned away because of a limit.
///
/// At a limit one visitor leaves and the next one is let in, so a single one that gets a place ends nothing: the time is
/// over when nobody was turned away for a while.
package struct RefusalStateMachine: Hashable, Sendable {
    /// How long nobody has to be turned away.
    package static let patience = Duration.seconds(10)

    /// A time that is over.
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

    /// So many were turned away by now; true when that begins.
    package mutating func turnedAway(_ count: Int = 1, at now: ContinuousClock.Instant) -> Bool {
        guard count > 0 else { return false }
        let begins = present == nil
        var time = present ?? Present(since: now, last: now, count: 0)
        (time.last, time.count) = (now, time.count + count)
        present = time
        return begins
    }

    /// Somebody looks; the time that is over, told once.
    package mutating func looked(at now: ContinuousClock.Instant) -> Past? {
        guard let time = present, time.last.duration(to: now) >= Self.patience else { return nil }
        present = nil
        return Past(count: time.count, lasted: time.since.duration(to: time.last))
    }
}
