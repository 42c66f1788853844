// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// When a session may dial next. It is stored for the next process of the daemon.
package struct ReconnectSchedule: Hashable, Sendable {
    /// Attempts since the session last served traffic.
    package let attempt: Int
    /// Whether the engine rejected us in a way that a retry does not change.
    package var isRejected: Bool
    package var nextAttemptAt: UTCTime

    /// The count stops here, so that no number in a file can make it overflow.
    private static let mostAttempts = 1_000_000_000

    package init(attempt: Int, isRejected: Bool, nextAttemptAt: UTCTime) {
        self.attempt = min(max(0, attempt), Self.mostAttempts)
        self.isRejected = isRejected
        self.nextAttemptAt = nextAttemptAt
    }

    /// How long to wait at `now`; zero for not at all. Never longer than the longest wait of the policy, whatever
    /// happened to the clock.
    package func wait(at now: UTCTime, _ policy: ReconnectPolicy) -> Duration {
        let longest = isRejected ? policy.rejected : policy.maximum
        return min(max(now.duration(to: nextAttemptAt), .zero), longest)
    }

    /// Why a session that resumes the schedule waits. The error of the last attempt is not stored.
    package var cause: RstreamError {
        RstreamError(
            code: isRejected ? .engine : .engineUnreachable,
            origin: .engine,
            retry: isRejected ? .afterReload : .afterBackoff,
            what: isRejected
                ? "the engine rejected the last attempt before the daemon restarted"
                : "the last attempt before the daemon restarted failed",
            fix: "run rstreamctl reconnect to try now and see the error"
        )
    }

    /// The schedule during an attempt: if the process ends before the result, the attempt counts as failed. The wait is a
    /// random part of the step as with any failure, so that agents that die of one answer of the engine do not come back
    /// to it in the same second, again and again.
    package static func dialing(
        attempt: Int,
        at now: UTCTime,
        _ policy: ReconnectPolicy,
        using generator: inout some RandomNumberGenerator
    ) -> ReconnectSchedule {
        var backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        backoff.resume(after: max(1, attempt) - 1)
        return ReconnectSchedule(
            attempt: attempt,
            isRejected: false,
            nextAttemptAt: now.advanced(by: backoff.next(using: &generator))
        )
    }
}
