// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Counts durations by range.
package struct Histogram: Hashable, Sendable {
    /// Upper ends of the ranges; the last range has none.
    package static let bounds: [Duration] = [
        .milliseconds(1), .microseconds(2_500), .milliseconds(5), .milliseconds(10), .milliseconds(25),
        .milliseconds(50), .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1),
        .milliseconds(2_500), .seconds(5), .seconds(10),
    ]

    /// For each of ``bounds`` how many were not longer than it and longer than the one before, then those that were
    /// longer than all.
    package private(set) var counts = [Int](repeating: 0, count: Self.bounds.count + 1)
    /// The sum of all durations.
    package private(set) var sum: Duration = .zero

    /// Nothing observed.
    package init() {}

    /// What another process has observed, in the same ranges; nil when the ranges are others.
    package init?(counts: [Int], sum: Duration) {
        guard counts.count == Self.bounds.count + 1 else { return nil }
        (self.counts, self.sum) = (counts, sum)
    }

    /// Adds what was observed elsewhere.
    package mutating func add(_ other: Histogram) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
        sum += other.sum
    }

    /// How many were observed.
    package var count: Int { counts.reduce(0, +) }

    /// Counts a duration; a negative one counts as zero.
    package mutating func observe(_ duration: Duration) {
        let duration = max(duration, .zero)
        counts[Self.bounds.firstIndex { duration <= $0 } ?? Self.bounds.count] += 1
        sum += duration
    }
}
