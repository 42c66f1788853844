// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides when a stream is cut because no byte has moved for its idle timeout.
///
/// The shell notes when bytes move and checks from time to time: one timer per stream, set again only when it fires.
package struct IdleTimeout: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        case silent
        /// Bytes moved meanwhile; the next check is due after this time.
        case look(after: Duration)
    }

    private let timeout: Duration

    package init(_ timeout: Duration) {
        self.timeout = max(timeout, .milliseconds(1))
    }

    package func judge(lastActivity: ContinuousClock.Instant, at now: ContinuousClock.Instant) -> Verdict {
        let left = timeout - lastActivity.duration(to: now)
        return left <= .zero ? .silent : .look(after: left)
    }
}
