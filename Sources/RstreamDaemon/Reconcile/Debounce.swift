/// Decides when a series of changes is over (contract §3.1: 100 ms of quiet).
///
/// A file is often changed in several steps, and half of it is not worth reading. A series that never ends is not
/// waited for: after `longest` whatever is there is taken. Where acting takes its time, `pause` keeps one series from the
/// next.
package struct Debounce: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case schedule(generation: Int, after: Duration)
        /// The series is over.
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
