// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel
package import RstreamWire

/// A breach of the protocol by the engine. Nothing that it sends afterwards can be relied on.
package enum ProtocolViolation: Error, Hashable, Sendable {
    case frame(FrameError)
    /// The first message was not the answer that the protocol requires.
    case unexpectedAnswer(awaited: String, got: String)
    case livenessNotRequested
    case livenessInterval(requested: UInt32, answered: UInt32)
    case livenessTimeout(milliseconds: UInt32)
    case heartbeatNotExpected
    case heartbeatSequence(UInt64)
    case heartbeatAcknowledgement(UInt64, last: UInt64, sent: UInt64)
    case missingStreamID

    /// The violation in one line, for use after the engine's name.
    package var what: String {
        switch self {
        case .frame(let error): error.description
        case .unexpectedAnswer(let awaited, let got): "expected \(awaited), received \(got)"
        case .livenessNotRequested: "the answer sets a liveness that was not requested"
        case .livenessInterval(let requested, let answered):
            "a heartbeat interval of \(requested) ms was requested, and the engine answered with \(answered) ms"
        case .livenessTimeout(let milliseconds):
            "a liveness timeout of \(milliseconds) ms is shorter than the interval or longer than 900000 ms"
        case .heartbeatNotExpected: "received a heartbeat that is not allowed on this channel"
        case .heartbeatSequence(let sequence):
            "received a heartbeat with sequence \(sequence); only clients number heartbeats"
        case .heartbeatAcknowledgement(let acknowledgement, let last, let sent):
            "heartbeat \(acknowledgement) was acknowledged; \(sent) were sent and \(last) acknowledged before"
        case .missingStreamID: "received a stream request without an id"
        }
    }

    /// The violation as users see it.
    package var error: RstreamError {
        if case .frame(let error) = self, let stranger = error.stranger {
            return RstreamError(
                code: .protocolViolation,
                origin: .engine,
                retry: .afterBackoff,
                what: "the address answers as \(stranger), not as an rstream engine",
                fix: "check the engine's address and port, and any proxy in front of it"
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
