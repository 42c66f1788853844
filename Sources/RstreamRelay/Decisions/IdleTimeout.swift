/// Decides when a stream has carried no byte for so long that it is ended.
///
/// The shell notes when bytes moved and looks once in a while: one timer per stream, set again only when it fires.
package struct IdleTimeout: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        case silent
        /// Bytes moved meanwhile; there can be nothing to see before this has passed.
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
