internal import RstreamCore
package import RstreamDaemonModel
package import RstreamModel

/// Is told about the streams of a tunnel or listener as they come and go.
///
/// Called on event loops, once when a stream opens and once when it ends, never per chunk; what it does must not wait.
package protocol StreamObserver: Sendable {
    func streamOpened(_ stream: StreamSnapshot)
    func streamEnded(_ stream: StreamSnapshot, _ end: StreamEnd)
    /// One that was not taken in has no number.
    func streamTurnedAway(from source: IPAddress?, _ end: StreamEnd)
    /// Visitors are turned away by a limit from now on.
    func turnAwayBegan(_ limit: StreamLimit, _ error: RstreamError)
    /// For a while nobody was turned away any more.
    func turnAwayEnded(_ limit: StreamLimit, count: Int, lasted: Duration)
    /// What the streams go to cannot be reached any more, or can again when there is no error.
    func reachabilityChanged(_ error: RstreamError?)
}

/// Whose limit leaves no room for a stream.
package enum StreamLimit: Hashable, Sendable, CaseIterable {
    /// All tunnels and listeners share it.
    case daemon
    /// The tunnel's or listener's own, or what the engine may open at once.
    case owner
}

/// How a stream came to its end.
package struct StreamEnd: Hashable, Sendable {
    package let outcome: StreamOutcome
    /// Whether somebody was not served.
    package let isFailure: Bool
    /// Why it did not end by itself; nil when it did, or when its visitor left.
    package let error: RstreamError?
    package let lasted: Duration

    init(_ verdict: StreamOutcomeTracker.Verdict, _ error: RstreamError?, lasted: Duration) {
        (outcome, isFailure) = (verdict.outcome, verdict.isFailure)
        self.error = error
        self.lasted = lasted
    }
}
