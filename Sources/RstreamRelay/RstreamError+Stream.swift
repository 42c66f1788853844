// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel

extension RstreamError {
    /// A limit leaves no room for a stream.
    static func refusedStream(_ what: String, fix: String?) -> Self {
        RstreamError(code: .overload, origin: .host, retry: .afterBackoff, what: what, fix: fix)
    }

    /// The service reset its connection.
    static let resetUpstream = RstreamError(
        code: .streamClosed,
        origin: .upstream,
        retry: .never,
        what: "the upstream reset the connection",
        fix: "look at the service's own log"
    )

    /// The engine's connection broke before the halves could be joined.
    static let lostEngine = RstreamError(
        code: .streamClosed,
        origin: .engine,
        retry: .never,
        what: "the engine's connection broke"
    )

    /// The cause of a relayed stream's end; nil when it ended by itself, or when its visitor left. `throughEngine` is
    /// true when the service is behind the engine.
    static func ended(_ verdict: StreamOutcomeTracker.Verdict, throughEngine: Bool) -> RstreamError? {
        guard verdict.isFailure else { return nil }
        return switch verdict.outcome {
        case .upstreamReset where throughEngine: broken(.engine, "the tunnel's connection was reset at its other end")
        case .upstreamReset: resetUpstream
        case .empty where throughEngine: broken(.engine, "the tunnel ended the connection without a byte")
        case .empty: broken(.upstream, "the upstream ended the connection without a byte")
        case .lost: lostEngine
        case .completed, .upstreamFailed, .visitorReset, .refused, .idle, .cut: nil
        }
    }

    private static func broken(_ origin: Origin, _ what: String) -> RstreamError {
        let fix = origin == .upstream ? "look at the service's own log" : "look at the log of the tunnel's own daemon"
        return RstreamError(code: .streamClosed, origin: origin, retry: .never, what: what, fix: fix)
    }

    /// An operator, a reload or a stop has ended a stream.
    static let wasCut = RstreamError(code: .streamClosed, origin: .host, retry: .never, what: "the stream was cut")

    /// No byte moved for `idleTimeout`.
    static let wasIdle = RstreamError(
        code: .streamClosed,
        origin: .host,
        retry: .never,
        what: "the stream was silent for longer than its idleTimeout"
    )
}
