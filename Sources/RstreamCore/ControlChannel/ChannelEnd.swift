package import RstreamModel

/// Why a control channel ended, which also says what survives it (PROTOCOL.md §13).
package enum ChannelEnd: Error, Hashable, Sendable {
    /// We asked and the engine agreed, or did not answer in time.
    case closedByUs(answered: Bool)
    /// The engine ended it without being asked to.
    case closedByEngine
    /// The engine said no to the opening request.
    case refused(EngineError)
    /// EOF, I/O error, TLS failure.
    case lost(RstreamError)
    /// The engine was silent for too long.
    case silent(Duration)
    /// The engine did not take our frames for too long.
    case stalled
    /// The engine broke the protocol.
    case violation(ProtocolViolation)
    /// The opening request was not answered in time.
    case openTimeout(Duration)

    /// What callers that were waiting are told; for an end that was asked for, that the channel is closed.
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
        case .stalled: Self.loss("the engine does not take what is sent to it", code: .controlLiveness)
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
