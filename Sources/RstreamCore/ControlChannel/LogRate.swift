/// How often somebody else may have his words in this host's log: a few at once, then one a minute.
package struct LogRate: Hashable, Sendable {
    private static let burst = 10
    private static let refill = Duration.seconds(60)

    private var left = burst
    private var refilledAt: ContinuousClock.Instant?
    private var unsaid = 0

    package init() {}

    /// Whether a text is logged: then how many before it were not. Nil when it is not.
    package mutating func admits(at now: ContinuousClock.Instant) -> Int? {
        let since = refilledAt ?? now
        refilledAt = since
        let due = Int(since.duration(to: now) / Self.refill)
        if due > 0 {
            left = min(Self.burst, left + min(due, Self.burst))
            refilledAt = now
        }
        guard left > 0 else {
            unsaid = min(unsaid + 1, 1_000_000)
            return nil
        }
        left -= 1
        defer { unsaid = 0 }
        return unsaid
    }
}
