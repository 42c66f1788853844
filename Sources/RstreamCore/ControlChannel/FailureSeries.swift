/// Decides which failures of one kind an operator is told: the first of each series, which a success ends, and none
/// within a minute of the last one that was told.
package struct FailureSeries: Hashable, Sendable {
    private static let pause = Duration.seconds(60)

    private var isTold = false
    private var toldAt: ContinuousClock.Instant?

    package init() {}

    /// Whether this one is told.
    package mutating func failed(at now: ContinuousClock.Instant) -> Bool {
        guard !isTold else { return false }
        if let toldAt, toldAt.duration(to: now) < Self.pause { return false }
        (isTold, toldAt) = (true, now)
        return true
    }

    package mutating func succeeded() {
        isTold = false
    }
}
