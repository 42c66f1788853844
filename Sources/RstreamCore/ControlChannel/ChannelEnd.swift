// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Why a control channel ended, and with that what survives it (PROTOCOL.md §13).
package enum ChannelEnd: Error, Hashable, Sendable {
    /// We closed it: the engine answered the closing request, or did not in time.
    case closedByUs(answered: Bool)
    /// The engine closed it without a request of ours.
    case closedByEngine
    /// The engine rejected the opening request.
    case refused(EngineError)
    /// The connection ended: EOF, an I/O error or a TLS error.
    case lost(RstreamError)
    /// The engine sent nothing for longer than the liveness timeout.
    case silent(Duration)
    /// The engine stopped reading: our frames could not be written for too long.
    case stalled
    /// The engine broke the protocol.
    case violation(ProtocolViolation)
    /// The engine did not answer the opening request in time.
    case openTimeout(Duration)

    /// The error for callers that were waiting. For an end that we requested it says that the channel is closed.
    package var error: RstreamError {
        switch self {
        case .closedByUs:
            RstreamError(
                code: .controlClosed,
                origin: .host,
                retry: .never,
                what: "the control channel was closed"
            )
        case .closedByEngine: Self.loss("the engine closed the control channel", code: .controlClosed)
        case .refused(let error): RetryPolicy.error(error, refusing: "the control channel")
        case .lost(let error): error
        case .silent(let duration):
            Self.loss("the engine has been silent for \(duration.secondsText)", code: .controlLiveness)
        case .stalled: Self.loss("the engine stopped reading from the connection", code: .controlLiveness)
        case .violation(let violation): violation.error
        case .openTimeout(let duration):
            Self.loss(
                "the engine did not answer the opening request within \(duration.secondsText)",
                code: .operationTimeout
            )
        }
    }

    private static func loss(_ what: String, code: RstreamError.Code) -> RstreamError {
        RstreamError(code: code, origin: .engine, retry: .afterBackoff, what: what)
    }
}
