// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// How long to wait before the next attempt (contract §4).
///
/// The step doubles from `minimum` to `maximum`; each wait is a random part of the step, up to all of it, also at the
/// cap, so that a thousand agents that lost one engine do not reconnect in the same second. With the defaults: up to 1
/// s, 2 s, 4 s, 8 s, 16 s, 30 s, 30 s, and so on.
package struct Backoff: Hashable, Sendable {
    private let minimum: Duration
    private let maximum: Duration
    private var step: Duration
    /// Waits handed out since the last reset.
    package private(set) var attempt = 0

    package init(minimum: Duration = .seconds(1), maximum: Duration = .seconds(30)) {
        self.minimum = max(minimum, .milliseconds(1))
        self.maximum = max(maximum, self.minimum)
        step = self.minimum
    }

    /// The next wait: more than zero, at most the current step.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let whole = step
        attempt += 1
        step = step > maximum / 2 ? maximum : step * 2
        return whole * Double.random(in: 0.01...1, using: &generator)
    }

    /// Continues after this many waits, which the process before handed out.
    package mutating func resume(after attempts: Int) {
        reset()
        for _ in 0..<max(0, min(attempts, 64)) {
            attempt += 1
            step = step > maximum / 2 ? maximum : step * 2
        }
    }

    /// The attempt succeeded: the next wait starts at the minimum again.
    package mutating func reset() {
        step = minimum
        attempt = 0
    }
}
