// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel
package import RstreamWire

/// Decides how one connection to the engine becomes a stream: dial, first frame, answer if one is awaited.
///
/// It serves both roles that end in raw bytes: an inbound stream (`ProxyReq`, PROTOCOL.md §6) and a private dial
/// (`StreamReq`, §8). The first frame may be withheld until ``released()``, while the connection is made. A warm
/// connection takes the place of the dial; the engine may close it at the very moment when it is taken, so one that dies
/// before the engine has said anything is replaced by a dial. Only if it dies soon: a close that comes later is the
/// engine's answer to the request, which the engine must not get twice. The bytes themselves, and who takes the stream, are left
/// to the shell.
package enum StreamHandshakeStateMachine: Sendable {
    case idle(Plan)
    case dialing(Plan, attempt: Int, isReleased: Bool)
    /// The connection is there, and the first frame is withheld.
    case withholding(Plan, isWarm: Bool)
    case awaitingAnswer(Plan, isWarm: Bool)
    case ready
    case failed

    /// What is known before the first byte.
    package struct Plan: Hashable, Sendable {
        /// The first frame of the connection.
        package var request: Message
        /// How many dials may be tried after timeouts; other failures are final.
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

    /// How long after the request a connection that was closed before it may take to say so.
    private static let lateness = Duration.seconds(1)

    package enum Action: Hashable, Sendable {
        case none
        case dial
        /// The warm connection is dead; a fresh one takes its place.
        case dialAfresh
        case send(Message)
        /// The stream may be used; `streamID` is the engine's id of it, if it told one.
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
        /// The stream is no longer needed, for this reason.
        case cancelled(RstreamError)
    }

    package init(_ plan: Plan) {
        self = .idle(plan)
    }

    /// Unless `isReleased` is true, the first frame waits for ``released()``.
    package mutating func started(isReleased: Bool = true) -> Action {
        switch self {
        case .idle(let plan):
            self = .dialing(plan, attempt: 1, isReleased: isReleased)
            return .dial
        case .dialing, .withholding, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    /// Starts on a connection that is there already.
    package mutating func startedWarm(isReleased: Bool) -> Action {
        switch self {
        case .idle(let plan) where isReleased:
            self = .awaitingAnswer(plan, isWarm: true)
            return .send(plan.request)
        case .idle(let plan):
            self = .withholding(plan, isWarm: true)
            return .none
        case .dialing, .withholding, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    package mutating func dialFailed(_ error: RstreamError, timedOut: Bool) -> Action {
        switch self {
        case .dialing(let plan, let attempt, let isReleased) where timedOut && attempt < plan.attempts:
            self = .dialing(plan, attempt: attempt + 1, isReleased: isReleased)
            return .dial
        case .dialing:
            self = .failed
            return .fail(.dial(error))
        case .idle, .withholding, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    package mutating func dialed() -> Action {
        switch self {
        case .dialing(let plan, _, isReleased: true):
            self = .awaitingAnswer(plan, isWarm: false)
            return .send(plan.request)
        case .dialing(let plan, _, isReleased: false):
            self = .withholding(plan, isWarm: false)
            return .none
        case .idle, .withholding, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    /// The first frame may be written.
    package mutating func released() -> Action {
        switch self {
        case .dialing(let plan, let attempt, _):
            self = .dialing(plan, attempt: attempt, isReleased: true)
            return .none
        case .withholding(let plan, let isWarm):
            self = .awaitingAnswer(plan, isWarm: isWarm)
            return .send(plan.request)
        case .idle, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    /// The first frame was written.
    package mutating func requestSent() -> Action {
        switch self {
        case .awaitingAnswer(let plan, _) where !plan.awaitsAnswer:
            self = .ready
            return .ready(streamID: nil)
        case .idle, .dialing, .withholding, .awaitingAnswer, .ready, .failed:
            return .none
        }
    }

    /// Whether what the engine says now is a frame: the answer, or one that comes before the request and is a
    /// violation. With `zero_rtt`, bytes that come before the request was written are payload.
    package var awaitsFrame: Bool {
        switch self {
        case .awaitingAnswer: true
        case .withholding(let plan, _): plan.awaitsAnswer
        case .idle, .dialing, .ready, .failed: false
        }
    }

    package mutating func answered(_ message: Message) -> Action {
        if case .withholding = self {
            self = .failed
            return .fail(.violation(.unexpectedAnswer(awaited: "nothing", got: message.kind)))
        }
        guard case .awaitingAnswer(let plan, _) = self else { return .none }
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
        case .awaitingAnswer, .withholding, .dialing:
            self = .failed
            return .fail(.violation(.frame(error)))
        case .idle, .ready, .failed:
            return .none
        }
    }

    /// `silence` is the time since the first frame was written; zero before that.
    package mutating func connectionClosed(after silence: Duration = .zero) -> Action {
        switch self {
        case .withholding(let plan, isWarm: true):
            self = .dialing(plan, attempt: 1, isReleased: false)
            return .dialAfresh
        case .awaitingAnswer(let plan, isWarm: true) where silence < Self.lateness:
            self = .dialing(plan, attempt: 1, isReleased: true)
            return .dialAfresh
        case .awaitingAnswer, .withholding, .dialing:
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
        case .idle, .dialing, .withholding, .ready, .failed:
            return .none
        }
    }

    package mutating func cancelled(_ error: RstreamError) -> Action {
        switch self {
        case .idle, .dialing, .withholding, .awaitingAnswer:
            self = .failed
            return .fail(.cancelled(error))
        case .ready, .failed:
            return .none
        }
    }
}
