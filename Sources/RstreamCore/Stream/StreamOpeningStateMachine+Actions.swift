// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

extension StreamOpeningStateMachine {
    package enum PendingAction: Hashable, Sendable {
        case none
        /// Make the engine half, withhold its first frame, and start the request timer.
        case openEngineWithheld
    }

    package enum LocalAction: Hashable, Sendable {
        case none
        /// Make the engine half; its first frame need not wait.
        case openEngine
        /// Let the engine half write its first frame.
        case releaseRequest
        /// Give both halves to the local side.
        case join
        /// The stream has ended: drop the local half.
        case discardLocal
    }

    package enum DialFailureAction: Hashable, Sendable {
        case none
        /// Wait, then dial the local half again.
        case hold(Duration)
        case end(End)
    }

    package enum HoldAction: Hashable, Sendable {
        case none
        /// Dial the local half again.
        case dialLocal
    }

    package enum RequestAction: Hashable, Sendable {
        case none
        /// Let the engine half write its first frame.
        case releaseRequest
    }

    package enum EngineAction: Hashable, Sendable {
        case none
        /// Tell the engine that the stream was taken, and wait for the local half.
        case answer
        /// Give both halves to the local side.
        case join
        /// The stream has ended: drop the engine half.
        case discardEngine
    }

    package enum JoinAction: Hashable, Sendable {
        case none
        /// Tell the engine that the stream was taken.
        case answer
    }

    package enum CancelAction: Hashable, Sendable {
        case none
        /// Reset the engine half, which the local side has not taken over yet.
        case abortEngine
        case end(End)
    }

    package enum EndAction: Hashable, Sendable {
        case none
        case end(End)
    }

    /// What is left to do for a stream that will not be opened.
    package struct End: Hashable, Sendable {
        package let cause: Cause
        /// Whether the engine is still to be answered, with the error of `cause`.
        package let answers: Bool
        package let engine: EngineDisposal

        package init(_ cause: Cause, answers: Bool, engine: EngineDisposal) {
            (self.cause, self.answers, self.engine) = (cause, answers, engine)
        }
    }

    /// Why a stream was not opened, for its local side.
    package enum Cause: Hashable, Sendable {
        /// A limit, or a stop, leaves no room for it.
        case refused(RstreamError)
        case upstreamFailed(RstreamError)
        case engineFailed(RstreamError)
        /// The local side did not take it over.
        case notTaken(RstreamError)
        /// Its tunnel or control channel has ended.
        case cancelled(RstreamError)
        /// An operator, a reload or a stop has ended it.
        case cut(RstreamError)
        /// `inOrder` is true for a visitor that closed its connection and neither sent nor reset anything.
        case visitorLeft(inOrder: Bool)

        /// What the engine is answered.
        package var error: RstreamError {
            switch self {
            case .refused(let error), .upstreamFailed(let error), .engineFailed(let error), .notTaken(let error),
                .cancelled(let error), .cut(let error):
                error
            case .visitorLeft:
                RstreamError(code: .streamClosed, origin: .host, retry: .never, what: "the visitor has left")
            }
        }

        package var stage: StreamRoute.Stage {
            switch self {
            case .upstreamFailed: .upstream
            case .engineFailed: .connection
            case .refused, .notTaken, .cancelled, .cut, .visitorLeft: .acceptor
            }
        }
    }

    /// What becomes of the engine half of a stream that will not be opened.
    package enum EngineDisposal: Hashable, Sendable {
        /// There is none, or it is gone.
        case none
        /// It is still being made: give up, and drop its connection.
        case cancel
        /// The visitor was let in: close in order.
        case close
        /// Reset it.
        case abort
    }
}
