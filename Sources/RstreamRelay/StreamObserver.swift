package import RstreamModel

/// Is told about the streams of a tunnel or listener as they come and go.
///
/// Called on event loops, once when a stream opens and once when it ends, never per chunk; what it does must not wait.
package protocol StreamObserver: Sendable {
    func streamOpened(_ stream: StreamSnapshot)
    func streamEnded(_ stream: StreamSnapshot, _ end: StreamEnd)
    /// One that was not taken in has no number.
    func streamRefused(from source: IPAddress?, _ error: RstreamError)
    /// What the streams go to cannot be reached any more, or can again when there is no error.
    func reachabilityChanged(_ error: RstreamError?)
}

/// How a stream came to its end.
package struct StreamEnd: Hashable, Sendable {
    package let outcome: StreamOutcome
    /// Why it was not served; nil when it was.
    package let error: RstreamError?
    package let lasted: Duration
}

/// What became of a stream in the end.
package enum StreamOutcome: String, Hashable, Sendable, CaseIterable {
    /// It was served, or its visitor left before that.
    case completed
    /// One of its sides could not be reached.
    case failed
    /// There was no room for it.
    case refused
    /// Ended by an operator, a reload, a stop, or because it was silent for too long.
    case cut
}
