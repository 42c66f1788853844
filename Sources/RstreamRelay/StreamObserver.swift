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
    /// A stream has ended, or was refused, or failed before it had a place.
    func streamEnded(_ stream: EndedStream)
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
    /// The address of the upstream that it was connected to, in the form of a tunnel file.
    package let upstream: String?
    /// How long the dial took by which it was connected.
    package let connecting: Duration?

    package init(
        _ verdict: StreamOutcomeTracker.Verdict,
        _ error: RstreamError? = nil,
        lasted: Duration,
        upstream: String? = nil,
        connecting: Duration? = nil
    ) {
        (outcome, isFailure) = (verdict.outcome, verdict.isFailure)
        self.error = error
        self.lasted = lasted
        self.upstream = upstream
        self.connecting = connecting
    }
}
