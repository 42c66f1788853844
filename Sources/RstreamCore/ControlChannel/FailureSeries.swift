// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides which failures of one kind are logged: the first of each series, which a success ends, but none within a
/// minute of the last one that was logged.
package struct FailureSeries: Hashable, Sendable {
    private static let pause = Duration.seconds(60)

    private var isLogged = false
    private var loggedAt: ContinuousClock.Instant?

    package init() {}

    /// Whether this failure is logged.
    package mutating func failed(at now: ContinuousClock.Instant) -> Bool {
        guard !isLogged else { return false }
        if let loggedAt, loggedAt.duration(to: now) < Self.pause { return false }
        (isLogged, loggedAt) = (true, now)
        return true
    }

    package mutating func succeeded() {
        isLogged = false
    }
}
