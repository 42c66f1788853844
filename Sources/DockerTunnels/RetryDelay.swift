// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// How long to wait before the API is asked again: twice as long after each failure, until an answer comes.
struct RetryDelay {
    let minimum: Duration
    let maximum: Duration
    private var next: Duration

    init(minimum: Duration, maximum: Duration) {
        (self.minimum, self.maximum) = (minimum, maximum)
        next = minimum
    }

    /// The wait after one more failure.
    mutating func failed() -> Duration {
        defer { next = min(maximum, next * 2) }
        return next
    }

    /// There was an answer.
    mutating func answered() { next = minimum }
}
