/// Decides how a stream's two halves end (PROTOCOL.md §12).
///
/// Each direction is ended by the half that is read, carried over by closing the output of the other half, and done
/// when everything before it was written. Only when both directions are done are the connections closed: closing
/// earlier would throw away what is still in flight. A half that breaks before it said that it was done has been cut
/// off, so the other one is aborted too and no peer takes a cut for an end. One that breaks afterwards has been heard
/// to the end: that much is still delivered, as when a service answers, closes, and is written to once more.
///
/// A visitor whose service is gone after it was heard to the end, and who goes on speaking, is reset: closing in order
/// would wait for the engine's goodbye, while the visitor goes on writing to nobody. Local halves need no such care;
/// their kernel answers with a reset by itself.
package enum RelayStateMachine: Hashable, Sendable {
    case relaying(downstream: Direction, upstream: Direction)
    /// The other half is gone; what was read from it is still being written to this one, which may have said that it is
    /// done meanwhile.
    case delivering(Half, hasEnded: Bool)
    /// The other half is gone and everything it said is delivered. This one, the engine's, has not said that it is done.
    case turningAway(Half)
    case finished

    package enum Half: Hashable, Sendable {
        case downstream
        case upstream

        package var other: Half { self == .downstream ? .upstream : .downstream }
    }

    /// What is read from one half and written to the other.
    package enum Direction: Hashable, Sendable {
        case open
        /// The half that is read said that it is done; the other one's output is being closed.
        case ending
        /// Everything was written and the output closed.
        case done
    }

    package enum Action: Hashable, Sendable {
        case none
        /// Let what was read be written, then close the output of this half.
        case closeOutput(Half)
        /// Read nothing more from this half: nobody is left to write it to.
        case stopReading(Half)
        /// Nothing is left to do: close what is still open, in order.
        case closeBoth
        /// Reset this half.
        case abort(Half)
        /// Look for a while whether this half goes on speaking, or says that it is done.
        case turnAway(Half)
        /// Reset this half as soon as that costs it nothing that was said to it.
        case dismiss(Half)
    }

    package init() {
        self = .relaying(downstream: .open, upstream: .open)
    }

    /// A half will send nothing more.
    package mutating func inputEnded(_ half: Half) -> Action {
        var (downstream, upstream): (Direction, Direction)
        switch self {
        case .relaying(let down, let up): (downstream, upstream) = (down, up)
        case .delivering(let survivor, _):
            if half == survivor { self = .delivering(survivor, hasEnded: true) }
            return .none
        case .turningAway(let survivor):
            guard half == survivor else { return .none }
            self = .finished
            return .closeBoth
        case .finished: return .none
        }
        switch half {
        case .downstream:
            guard downstream == .open else { return .none }
            downstream = .ending
        case .upstream:
            guard upstream == .open else { return .none }
            upstream = .ending
        }
        self = .relaying(downstream: downstream, upstream: upstream)
        return .closeOutput(half.other)
    }

    /// Everything written to a half has left, and its output is closed.
    package mutating func outputClosed(_ half: Half) -> Action {
        switch self {
        case .relaying(var downstream, var upstream):
            if half == .downstream, upstream == .ending { upstream = .done }
            if half == .upstream, downstream == .ending { downstream = .done }
            guard downstream == .done, upstream == .done else {
                self = .relaying(downstream: downstream, upstream: upstream)
                return .none
            }
            self = .finished
            return .closeBoth
        case .delivering(let survivor, let hasEnded):
            guard half == survivor else { return .none }
            return leave(survivor, hasEnded: hasEnded)
        case .turningAway, .finished:
            return .none
        }
    }

    /// A half is gone: reset, truncated, closed, or its output could not be closed. A service that resets after it was
    /// heard to the end does so because its visitor speaks.
    package mutating func connectionLost(_ half: Half, byReset isReset: Bool) -> Action {
        switch self {
        case .relaying(let downstream, let upstream):
            switch half == .downstream ? downstream : upstream {
            case .open:
                self = .finished
                return .abort(half.other)
            case .ending:
                let hasEnded = (half == .downstream ? upstream : downstream) != .open
                self = .delivering(half.other, hasEnded: hasEnded)
                return .stopReading(half.other)
            case .done:
                let hasEnded = (half == .downstream ? upstream : downstream) != .open
                let action = leave(half.other, hasEnded: hasEnded)
                return action == .turnAway(half.other) && isReset ? spoke(half.other) : action
            }
        case .delivering(let survivor, _), .turningAway(let survivor):
            guard half == survivor else { return .none }
            self = .finished
            return .none
        case .finished:
            return .none
        }
    }

    /// Bytes came from a half that is being turned away.
    package mutating func spoke(_ half: Half) -> Action {
        guard self == .turningAway(half) else { return .none }
        self = .finished
        return .dismiss(half)
    }

    /// A half that is being turned away has been silent for long enough.
    package mutating func turnAwayTimedOut() -> Action {
        guard case .turningAway = self else { return .none }
        self = .finished
        return .closeBoth
    }

    /// Nothing more will come for this half, and all that came has left.
    private mutating func leave(_ half: Half, hasEnded: Bool) -> Action {
        guard half == .downstream, !hasEnded else {
            self = .finished
            return .closeBoth
        }
        self = .turningAway(half)
        return .turnAway(half)
    }
}
