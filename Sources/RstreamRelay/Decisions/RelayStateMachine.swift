// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides how a stream's two halves end (PROTOCOL.md §12).
///
/// A direction ends with the input of one half; the end is carried over by closing the output of the other half, and
/// is done when everything before it was written. The connections are closed only when both directions are done:
/// closing earlier would lose bytes in flight. A half that breaks before the end of its input has lost bytes, so the
/// other half is aborted too and no peer mistakes a cut for an end. A half that breaks after the end of its input has
/// sent everything: its bytes are still delivered, as when a service answers, closes, and is written to once more.
///
/// A visitor that goes on sending to a service which is gone after the end of its input is reset: an orderly close
/// would wait for the engine's close_notify while the visitor goes on writing. Local halves need no such care; their
/// kernel answers with a reset by itself.
package enum RelayStateMachine: Hashable, Sendable {
    case relaying(downstream: Direction, upstream: Direction)
    /// The other half is gone, and its bytes are still being written to this one, whose input may have ended meanwhile.
    case delivering(Half, hasEnded: Bool)
    /// The other half is gone and all its bytes are delivered. The input of this one, the engine's, has not ended.
    case lingering(Half)
    case finished

    package enum Half: Hashable, Sendable {
        case downstream
        case upstream

        package var other: Half { self == .downstream ? .upstream : .downstream }
    }

    /// What is read from one half and written to the other.
    package enum Direction: Hashable, Sendable {
        case open
        /// The input of the half that is read has ended; the other one's output is being closed.
        case ending
        /// Everything was written and the output closed.
        case done
    }

    package enum Action: Hashable, Sendable {
        case none
        /// Write all bytes that were read, then close the output of this half.
        case closeOutput(Half)
        /// Read nothing more from this half: the other one is gone.
        case stopReading(Half)
        /// Nothing is left to do: close what is still open, in order.
        case closeBoth
        /// Reset this half.
        case abort(Half)
        /// Read for a while to find out whether this half goes on sending, or its input ends.
        case linger(Half)
        /// Reset this half as soon as all bytes written to it have left.
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
        case .lingering(let survivor):
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
        case .lingering, .finished:
            return .none
        }
    }

    /// A half is gone: reset, truncated, closed, or its output could not be closed. A service that resets after the
    /// end of its input does so because its visitor goes on sending.
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
                return action == .linger(half.other) && isReset ? bytesArrived(half.other) : action
            }
        case .delivering(let survivor, _), .lingering(let survivor):
            guard half == survivor else { return .none }
            self = .finished
            return .none
        case .finished:
            return .none
        }
    }

    /// Bytes came from the half that lingers.
    package mutating func bytesArrived(_ half: Half) -> Action {
        guard self == .lingering(half) else { return .none }
        self = .finished
        return .dismiss(half)
    }

    /// The half that lingers has been silent for long enough.
    package mutating func lingerTimedOut() -> Action {
        guard case .lingering = self else { return .none }
        self = .finished
        return .closeBoth
    }

    /// Nothing more will come for this half, and all that came has left.
    private mutating func leave(_ half: Half, hasEnded: Bool) -> Action {
        guard half == .downstream, !hasEnded else {
            self = .finished
            return .closeBoth
        }
        self = .lingering(half)
        return .linger(half)
    }
}
