package import RstreamModel

/// When a session may dial next, as it is kept for a process after this one.
package struct ReconnectSchedule: Hashable, Sendable {
    /// Attempts since traffic last flowed.
    package let attempt: Int
    /// Whether the engine refused in a way that trying again at once cannot mend.
    package var isRejected: Bool
    package var nextAttemptAt: UTCTime

    /// More attempts than these are not told apart, and no file can make counting on overflow.
    private static let mostAttempts = 1_000_000_000

    package init(attempt: Int, isRejected: Bool, nextAttemptAt: UTCTime) {
        self.attempt = min(max(0, attempt), Self.mostAttempts)
        self.isRejected = isRejected
        self.nextAttemptAt = nextAttemptAt
    }

    /// How long to wait at `now`: never longer than the policy waits by itself, whatever a clock did meanwhile. Zero for
    /// nothing.
    package func wait(at now: UTCTime, _ policy: ReconnectPolicy) -> Duration {
        let longest = isRejected ? policy.rejected : policy.maximum
        return min(max(now.duration(to: nextAttemptAt), .zero), longest)
    }

    /// Why a session that goes on with it waits, as far as that is known: what the attempt failed with is not kept.
    package var trouble: RstreamError {
        RstreamError(
            code: isRejected ? .engine : .engineUnreachable,
            origin: .engine,
            retry: isRejected ? .afterReload : .afterBackoff,
            what: isRejected
                ? "the engine rejected the last attempt, before the daemon was started again"
                : "the last attempt, before the daemon was started again, had no success",
            fix: "try at once, and see why: rstreamctl reconnect"
        )
    }

    /// The schedule while an attempt is under way: a process that ends meanwhile counts as one that failed.
    package static func dialing(attempt: Int, at now: UTCTime, _ policy: ReconnectPolicy) -> ReconnectSchedule {
        var step = max(policy.minimum, .milliseconds(1))
        for _ in 1..<max(1, min(attempt, 64)) where step < policy.maximum { step = step * 2 }
        return ReconnectSchedule(
            attempt: attempt,
            isRejected: false,
            nextAttemptAt: now.advanced(by: min(step, policy.maximum))
        )
    }
}
