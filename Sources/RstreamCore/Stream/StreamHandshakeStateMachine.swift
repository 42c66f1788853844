package import RstreamModel
package import RstreamWire

/// Decides how one connection to the engine becomes a stream: dial, first frame, answer if one is awaited.
///
/// It serves both roles that end in raw bytes: an inbound stream (`ProxyReq`, PROTOCOL.md §6) and a private dial
/// (`StreamReq`, §8). The bytes themselves, and whom the stream is handed to, are the shell's.
package enum StreamHandshakeStateMachine: Sendable {
    case idle(Plan)
    case dialing(Plan, attempt: Int)
    case awaitingAnswer(Plan)
    case ready
    case failed

    /// What is known before the first byte.
    package struct Plan: Hashable, Sendable {
        /// The first frame of the connection.
        package var request: Message
        /// How often a dial that timed out is tried; other failures are final.
        package var attempts: Int

        package init(request: Message, attempts: Int) {
            self.request = request
            self.attempts = attempts
        }

        /// Whether the engine answers before bytes may flow (PROTOCOL.md §7).
        var awaitsAnswer: Bool {
            switch request {
            case .proxyRequest(let request): request.zeroRTT != true
            case .streamRequest(let request): request.zeroRTT != true
            default: false
            }
        }
    }

    package enum Action: Hashable, Sendable {
        case none
        case dial
        case send(Message)
        /// The stream may be used; `streamID` is what the engine called it, if it said.
        case ready(streamID: String?)
        case fail(Failure)
    }

    package enum Failure: Error, Hashable, Sendable {
        case dial(RstreamError)
        case refused(EngineError)
        case violation(ProtocolViolation)
        case closedByEngine
        /// The engine did not answer in time.
        case unanswered
        /// Whoever wanted the stream does not want it any more, for this reason.
        case cancelled(RstreamError)
    }

    package init(_ plan: Plan) {
        self = .idle(plan)
    }

    package mutating func started() -> Action {
        switch self {
        case .idle(let plan):
            self = .dialing(plan, attempt: 1)
            return .dial
        case .dialing, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    package mutating func dialFailed(_ error: RstreamError, timedOut: Bool) -> Action {
        switch self {
        case .dialing(let plan, let attempt) where timedOut && attempt < plan.attempts:
            self = .dialing(plan, attempt: attempt + 1)
            return .dial
        case .dialing:
            self = .failed
            return .fail(.dial(error))
        case .idle, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    package mutating func dialed() -> Action {
        switch self {
        case .dialing(let plan, _):
            self = .awaitingAnswer(plan)
            return .send(plan.request)
        case .idle, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    /// The first frame was written.
    package mutating func requestSent() -> Action {
        switch self {
        case .awaitingAnswer(let plan) where !plan.awaitsAnswer:
            self = .ready
            return .ready(streamID: nil)
        case .idle, .dialing, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    package mutating func answered(_ message: Message) -> Action {
        guard case .awaitingAnswer(let plan) = self else { return .none }
        switch (plan.request, message) {
        case (.proxyRequest, .proxyResponse(nil)):
            self = .ready
            return .ready(streamID: nil)
        case (.streamRequest, .streamResponse(.connected(let streamID))):
            self = .ready
            return .ready(streamID: streamID)
        case (.proxyRequest, .proxyResponse(let error?)), (.streamRequest, .streamResponse(.error(let error))):
            self = .failed
            return .fail(.refused(error))
        case (.streamRequest, .streamResponse(.empty)):
            self = .failed
            return .fail(.violation(.unexpectedAnswer(awaited: "StreamRsp", got: "an empty one")))
        default:
            let awaited = if case .streamRequest = plan.request { "StreamRsp" } else { "ProxyRsp" }
            self = .failed
            return .fail(.violation(.unexpectedAnswer(awaited: awaited, got: message.kind)))
        }
    }

    package mutating func malformed(_ error: FrameError) -> Action {
        switch self {
        case .awaitingAnswer, .dialing:
            self = .failed
            return .fail(.violation(.frame(error)))
        case .idle, .ready, .failed:
            return .none
        }
    }

    package mutating func connectionClosed() -> Action {
        switch self {
        case .awaitingAnswer, .dialing:
            self = .failed
            return .fail(.closedByEngine)
        case .idle, .ready, .failed:
            return .none
        }
    }

    package mutating func answerTimedOut() -> Action {
        switch self {
        case .awaitingAnswer:
            self = .failed
            return .fail(.unanswered)
        case .idle, .dialing, .ready, .failed:
            return .none
        }
    }

    package mutating func cancelled(_ error: RstreamError) -> Action {
        switch self {
        case .idle, .dialing, .awaitingAnswer:
            self = .failed
            return .fail(.cancelled(error))
        case .ready, .failed:
            return .none
        }
    }
}
