// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Decides how one stream is opened: when each half is dialed, what the engine is answered, and which half is joined,
/// closed or dropped.
///
/// A stream has an engine half, the connection that carries its bytes to the engine, and a local half: the connection
/// to the upstream, the connection that a listener accepted, or the program that takes the stream. Both halves are made
/// at the same time, and the shell reports what becomes of them. Three rules shape the rest:
///
/// - While nothing is known of the local half, the engine half connects but its first frame (ProxyReq, PROTOCOL.md §6)
///   is withheld. An upstream that refuses before that is answered with an error on the control channel, so that the
///   engine can say 502; once ProxyReq is written, the visitor only sees a connection that is closed. The first frame
///   is withheld no longer than the request timer: an engine drops a connection on which no first frame arrives.
/// - A request of the engine is answered once: with success when the engine half is there and the local side has not
///   failed, otherwise with the error that ended the stream.
/// - From the moment that both halves are there the stream belongs to the local side, which relays its bytes.
package enum StreamOpeningStateMachine: ~Copyable {
    /// The local side begins, and the engine is not dialed yet.
    case starting(Dial)
    /// The engine half connects, and its first frame waits for the local half.
    case withholding(Dial)
    /// The engine half may write its first frame, while the local half is still being dialed.
    case dialing(Dial)
    /// The local half is there and the engine half may write its first frame.
    case awaitingEngine
    /// The engine half is there, and the engine was told so; the local half is not.
    case awaitingLocal(Dial)
    /// Both halves are there, and the local side takes the stream over.
    case joining(isAnswered: Bool)
    case finished

    /// How far the local half is.
    package enum Dial: Hashable, Sendable {
        case running
        /// The upstream could not be reached and is dialed again when the hold timer fires.
        case held
    }

    package init() {
        self = .starting(.running)
    }
}

// MARK: The local half

extension StreamOpeningStateMachine {
    /// The local side was started. Unless it has reported how it went already, the engine half is connected meanwhile.
    package mutating func localPending() -> PendingAction {
        switch consume self {
        case .starting(let dial):
            self = .withholding(dial)
            return .openEngineWithheld
        case .withholding(let dial):
            self = .withholding(dial)
            return .none
        case .dialing(let dial):
            self = .dialing(dial)
            return .none
        case .awaitingEngine:
            self = .awaitingEngine
            return .none
        case .awaitingLocal(let dial):
            self = .awaitingLocal(dial)
            return .none
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .none
        }
    }

    /// The local half is there.
    package mutating func localArrived() -> LocalAction {
        switch consume self {
        case .starting:
            self = .awaitingEngine
            return .openEngine
        case .withholding:
            self = .awaitingEngine
            return .releaseRequest
        case .dialing:
            self = .awaitingEngine
            return .none
        case .awaitingEngine:
            self = .awaitingEngine
            return .none
        case .awaitingLocal:
            self = .joining(isAnswered: true)
            return .join
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .discardLocal
        }
    }

    /// A dial of the upstream failed. It is dialed again after `retry`; nil when this failure is final.
    package mutating func localDialFailed(_ error: RstreamError, retryAfter retry: Duration?) -> DialFailureAction {
        switch consume self {
        case .starting:
            guard let retry else {
                self = .finished
                return .end(End(.upstreamFailed(error), answers: true, engine: .none))
            }
            self = .starting(.held)
            return .hold(retry)
        case .withholding:
            guard let retry else {
                self = .finished
                return .end(End(.upstreamFailed(error), answers: true, engine: .cancel))
            }
            self = .withholding(.held)
            return .hold(retry)
        case .dialing:
            guard let retry else {
                self = .finished
                return .end(End(.upstreamFailed(error), answers: true, engine: .cancel))
            }
            self = .dialing(.held)
            return .hold(retry)
        case .awaitingEngine:
            self = .awaitingEngine
            return .none
        case .awaitingLocal:
            guard let retry else {
                self = .finished
                return .end(End(.upstreamFailed(error), answers: false, engine: .close))
            }
            self = .awaitingLocal(.held)
            return .hold(retry)
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .none
        }
    }

    /// The time is over that an upstream which could not be reached is left alone.
    package mutating func holdTimerFired() -> HoldAction {
        switch consume self {
        case .starting(.held):
            self = .starting(.running)
            return .dialLocal
        case .starting(.running):
            self = .starting(.running)
            return .none
        case .withholding(.held):
            self = .withholding(.running)
            return .dialLocal
        case .withholding(.running):
            self = .withholding(.running)
            return .none
        case .dialing(.held):
            self = .dialing(.running)
            return .dialLocal
        case .dialing(.running):
            self = .dialing(.running)
            return .none
        case .awaitingEngine:
            self = .awaitingEngine
            return .none
        case .awaitingLocal(.held):
            self = .awaitingLocal(.running)
            return .dialLocal
        case .awaitingLocal(.running):
            self = .awaitingLocal(.running)
            return .none
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .none
        }
    }

    /// There is no room for the stream, as is clear before anything is dialed.
    package mutating func localRefused(_ error: RstreamError) -> EndAction {
        switch consume self {
        case .starting:
            self = .finished
            return .end(End(.refused(error), answers: true, engine: .none))
        case .withholding(let dial):
            self = .withholding(dial)
            return .none
        case .dialing(let dial):
            self = .dialing(dial)
            return .none
        case .awaitingEngine:
            self = .awaitingEngine
            return .none
        case .awaitingLocal(let dial):
            self = .awaitingLocal(dial)
            return .none
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .none
        }
    }

    /// The local half is gone, and with it the visitor and everything that the visitor has sent.
    package mutating func localLeft(inOrder: Bool) -> EndAction {
        switch consume self {
        case .starting:
            self = .finished
            return .end(End(.visitorLeft(inOrder: inOrder), answers: true, engine: .none))
        case .withholding:
            self = .finished
            return .end(End(.visitorLeft(inOrder: inOrder), answers: true, engine: .cancel))
        case .dialing:
            self = .finished
            return .end(End(.visitorLeft(inOrder: inOrder), answers: true, engine: .cancel))
        case .awaitingEngine:
            self = .finished
            return .end(End(.visitorLeft(inOrder: inOrder), answers: true, engine: .cancel))
        case .awaitingLocal:
            self = .finished
            return .end(End(.visitorLeft(inOrder: inOrder), answers: false, engine: .close))
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .none
        }
    }

    /// The local side has taken the stream over.
    package mutating func joined() -> JoinAction {
        switch consume self {
        case .starting(let dial):
            self = .starting(dial)
            return .none
        case .withholding(let dial):
            self = .withholding(dial)
            return .none
        case .dialing(let dial):
            self = .dialing(dial)
            return .none
        case .awaitingEngine:
            self = .awaitingEngine
            return .none
        case .awaitingLocal(let dial):
            self = .awaitingLocal(dial)
            return .none
        case .joining(isAnswered: true):
            self = .finished
            return .none
        case .joining(isAnswered: false):
            self = .finished
            return .answer
        case .finished:
            self = .finished
            return .none
        }
    }

    /// The local side did not take the stream over.
    package mutating func joinFailed(_ error: RstreamError) -> EndAction {
        switch consume self {
        case .starting(let dial):
            self = .starting(dial)
            return .none
        case .withholding(let dial):
            self = .withholding(dial)
            return .none
        case .dialing(let dial):
            self = .dialing(dial)
            return .none
        case .awaitingEngine:
            self = .awaitingEngine
            return .none
        case .awaitingLocal(let dial):
            self = .awaitingLocal(dial)
            return .none
        case .joining(let isAnswered):
            self = .finished
            return .end(End(.notTaken(error), answers: !isAnswered, engine: .close))
        case .finished:
            self = .finished
            return .none
        }
    }
}

// MARK: The engine half

extension StreamOpeningStateMachine {
    /// The first frame has waited for as long as it may.
    package mutating func requestTimerFired() -> RequestAction {
        switch consume self {
        case .starting(let dial):
            self = .starting(dial)
            return .none
        case .withholding(let dial):
            self = .dialing(dial)
            return .releaseRequest
        case .dialing(let dial):
            self = .dialing(dial)
            return .none
        case .awaitingEngine:
            self = .awaitingEngine
            return .none
        case .awaitingLocal(let dial):
            self = .awaitingLocal(dial)
            return .none
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .none
        }
    }

    /// The engine half carries bytes from now on.
    package mutating func engineArrived() -> EngineAction {
        switch consume self {
        case .starting(let dial):
            self = .starting(dial)
            return .none
        case .withholding(let dial):
            self = .awaitingLocal(dial)
            return .answer
        case .dialing(let dial):
            self = .awaitingLocal(dial)
            return .answer
        case .awaitingEngine:
            self = .joining(isAnswered: false)
            return .join
        case .awaitingLocal(let dial):
            self = .awaitingLocal(dial)
            return .none
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .discardEngine
        }
    }

    /// There will be no engine half.
    package mutating func engineFailed(_ error: RstreamError) -> EndAction {
        switch consume self {
        case .starting(let dial):
            self = .starting(dial)
            return .none
        case .withholding:
            self = .finished
            return .end(End(.engineFailed(error), answers: true, engine: .none))
        case .dialing:
            self = .finished
            return .end(End(.engineFailed(error), answers: true, engine: .none))
        case .awaitingEngine:
            self = .finished
            return .end(End(.engineFailed(error), answers: true, engine: .none))
        case .awaitingLocal(let dial):
            self = .awaitingLocal(dial)
            return .none
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .none
        }
    }

    /// The connection of the engine half was closed after it had arrived, and with it the visitor is gone.
    package mutating func engineClosed() -> EndAction {
        switch consume self {
        case .starting(let dial):
            self = .starting(dial)
            return .none
        case .withholding(let dial):
            self = .withholding(dial)
            return .none
        case .dialing(let dial):
            self = .dialing(dial)
            return .none
        case .awaitingEngine:
            self = .awaitingEngine
            return .none
        case .awaitingLocal:
            self = .finished
            return .end(End(.visitorLeft(inOrder: false), answers: false, engine: .none))
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .none
        }
    }
}

// MARK: The end

extension StreamOpeningStateMachine {
    /// The control channel or the tunnel of the stream has ended. A stream of which the engine was told that it was
    /// taken goes on (PROTOCOL.md §13).
    package mutating func cancelled(_ error: RstreamError) -> CancelAction {
        switch consume self {
        case .starting:
            self = .finished
            return .end(End(.cancelled(error), answers: true, engine: .none))
        case .withholding:
            self = .finished
            return .end(End(.cancelled(error), answers: true, engine: .cancel))
        case .dialing:
            self = .finished
            return .end(End(.cancelled(error), answers: true, engine: .cancel))
        case .awaitingEngine:
            self = .finished
            return .end(End(.cancelled(error), answers: true, engine: .cancel))
        case .awaitingLocal(let dial):
            self = .awaitingLocal(dial)
            return .none
        case .joining(isAnswered: true):
            self = .joining(isAnswered: true)
            return .none
        case .joining(isAnswered: false):
            self = .joining(isAnswered: false)
            return .abortEngine
        case .finished:
            self = .finished
            return .none
        }
    }

    /// The stream is to end now. One that is joined is cut by the relay.
    package mutating func cut(_ error: RstreamError) -> EndAction {
        switch consume self {
        case .starting:
            self = .finished
            return .end(End(.cut(error), answers: true, engine: .none))
        case .withholding:
            self = .finished
            return .end(End(.cut(error), answers: true, engine: .cancel))
        case .dialing:
            self = .finished
            return .end(End(.cut(error), answers: true, engine: .cancel))
        case .awaitingEngine:
            self = .finished
            return .end(End(.cut(error), answers: true, engine: .cancel))
        case .awaitingLocal:
            self = .finished
            return .end(End(.cut(error), answers: false, engine: .abort))
        case .joining(let isAnswered):
            self = .joining(isAnswered: isAnswered)
            return .none
        case .finished:
            self = .finished
            return .none
        }
    }
}
