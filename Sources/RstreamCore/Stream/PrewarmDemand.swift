// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import DequeModule

/// How many connections are worth keeping warm, by the arrivals of late.
///
/// A connection that is dialed now is of use after one handshake, and for no longer than its lifetime. So arrivals are
/// counted in *moments* of one handshake, and what counts is the busiest moment of the last lifetime: the traffic of
/// 10 streams a second needs two or three, a browser that opens six connections for each page needs six. The moment
/// that is going on does not count: what is dialed for a burst arrives after it.
struct PrewarmDemand: Sendable {
    private struct Moment: Sendable {
        let start: ContinuousClock.Instant
        var arrivals: Int
    }

    /// Fewer arrivals within a lifetime are no traffic: the connection that waits for the next one would mostly age.
    private static let fewest = 2
    /// A minute of the shortest moments.
    private static let mostMoments = 600

    /// In order of time.
    private var moments: Deque<Moment> = []

    mutating func arrived(at now: ContinuousClock.Instant, moment length: Duration) {
        if let last = moments.last, last.start.duration(to: now) < length {
            moments[moments.count - 1].arrivals += 1
        } else {
            if moments.count == Self.mostMoments { moments.removeFirst() }
            moments.append(Moment(start: now, arrivals: 1))
        }
    }

    /// How many streams may come at once.
    mutating func expected(at now: ContinuousClock.Instant, within lifetime: Duration, moment length: Duration) -> Int {
        while let first = moments.first, first.start.duration(to: now) >= lifetime { moments.removeFirst() }
        let past = moments.lazy.filter { $0.start.duration(to: now) >= length }.map(\.arrivals)
        guard past.reduce(0, +) >= Self.fewest else { return 0 }
        return past.max() ?? 0
    }
}
