// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamCore
package import RstreamDaemonModel
package import RstreamModel

/// Receives the events of a tunnel's or listener's streams.
///
/// Called on event loops, once when a stream opens and once when it ends, never per chunk; it must not block.
package protocol StreamObserver: Sendable {
    func streamOpened(_ stream: StreamSnapshot)
    func streamEnded(_ stream: StreamSnapshot, _ end: StreamEnd)
    /// A stream ended before it had a place, and so has no number.
    func streamRefused(from source: IPAddress?, _ end: StreamEnd)
    /// A limit has begun to refuse streams.
    func refusalBegan(_ limit: StreamLimit, _ error: RstreamError)
    /// The limit has refused no stream for a while.
    func refusalEnded(_ limit: StreamLimit, count: Int, lasted: Duration)
    /// The target of the streams cannot be reached, or can again when `error` is nil.
    func reachabilityChanged(_ error: RstreamError?)
}

/// The limit that leaves no room for a stream.
package enum StreamLimit: Hashable, Sendable, CaseIterable {
    /// The daemon's, which all tunnels and listeners share.
    case daemon
    /// The tunnel's or listener's own, or the control channel's limit of streams that are opened at once.
    case owner
}

/// How a stream ended.
package struct StreamEnd: Hashable, Sendable {
    package let outcome: StreamOutcome
    /// Whether a visitor was not served.
    package let isFailure: Bool
    /// The cause; nil when it ended by itself, or its visitor left.
    package let error: RstreamError?
    package let lasted: Duration

    init(_ verdict: StreamOutcomeTracker.Verdict, _ error: RstreamError?, lasted: Duration) {
        (outcome, isFailure) = (verdict.outcome, verdict.isFailure)
        self.error = error
        self.lasted = lasted
    }
}
