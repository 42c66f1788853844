/// Decides when a series of changes is over (contract §3.1: 100 ms of quiet).
///
/// A file is often changed in several steps, and half of it is not worth reading. A series that never ends is not
/// waited for: after `longest` whatever is there is taken.
package struct QuietTime: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case schedule(generation: Int, after: Duration)
        /// The series is over.
        case settled
    }

    private let quiet: Duration
    private let longest: Duration
    private var generation = 0
    private var since: ContinuousClock.Instant?

    package init(quiet: Duration = .milliseconds(100), longest: Duration = .seconds(2)) {
        self.quiet = quiet
        self.longest = longest
    }

    package mutating func changed(at now: ContinuousClock.Instant) -> Action {
        let start = since ?? now
        since = start
        generation += 1
        let left = longest - start.duration(to: now)
        return .schedule(generation: generation, after: max(.zero, min(quiet, left)))
    }

    package mutating func timerFired(generation fired: Int) -> Action? {
        guard fired == generation, since != nil else { return nil }
        since = nil
        return .settled
    }
}
