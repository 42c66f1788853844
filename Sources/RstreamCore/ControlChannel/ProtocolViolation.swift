package import RstreamModel
package import RstreamWire

/// Something an engine did that the protocol does not allow, after which nothing it says can be trusted.
package enum ProtocolViolation: Error, Hashable, Sendable {
    case frame(FrameError)
    /// The first answer was not the one awaited.
    case unexpectedAnswer(awaited: String, got: String)
    case livenessNotRequested
    case livenessInterval(requested: UInt32, answered: UInt32)
    case livenessTimeout(milliseconds: UInt32)
    case heartbeatNotExpected
    case heartbeatSequence(UInt64)
    case heartbeatAcknowledgement(UInt64, last: UInt64, sent: UInt64)
    case missingStreamID

    /// The violation in one line, to stand behind the engine's name.
    package var what: String {
        switch self {
        case .frame(let error): error.description
        case .unexpectedAnswer(let awaited, let got): "\(awaited) was awaited, \(got) came"
        case .livenessNotRequested: "liveness was answered without being asked for"
        case .livenessInterval(let requested, let answered):
            "a heartbeat interval of \(requested) ms was asked for and \(answered) ms answered"
        case .livenessTimeout(let milliseconds):
            "a liveness timeout of \(milliseconds) ms is shorter than the interval or longer than 900000 ms"
        case .heartbeatNotExpected: "a heartbeat came where none may"
        case .heartbeatSequence(let sequence): "a heartbeat came with sequence \(sequence), which only clients number"
        case .heartbeatAcknowledgement(let acknowledgement, let last, let sent):
            "heartbeat \(acknowledgement) was acknowledged; \(sent) were sent and \(last) acknowledged before"
        case .missingStreamID: "a stream came without an id"
        }
    }

    /// The violation as users see it.
    package var error: RstreamError {
        if case .frame(let error) = self, let stranger = error.stranger {
            return RstreamError(
                code: .protocolViolation,
                origin: .engine,
                retry: .afterBackoff,
                what: "what answers is no rstream engine but \(stranger)",
                fix: "check the engine's address and port, and what stands in front of it"
            )
        }
        let code: RstreamError.Code =
            if case .frame(.tooLarge) = self { .frameTooLarge } else { .protocolViolation }
        return RstreamError(
            code: code,
            origin: .engine,
            retry: .afterBackoff,
            what: "the engine broke the protocol: \(what)",
            fix: "check that the address is an rstream engine, and report this to its operator"
        )
    }
}
