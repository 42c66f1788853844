// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel
internal import RstreamWire

/// The inputs about inbound streams, which the engine announces with a message.
extension ControlChannelStateMachine {
    /// A handshake ended: the stream was handed over, or failed with this text.
    package mutating func streamFinished(_ streamID: String, failure: String?) -> StreamFinishedAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(var channel):
            switch channel.streamFinished(streamID, failure: failure) {
            case .goesOn(let action):
                self = .open(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .closing(var channel):
            switch channel.streamFinished(streamID, failure: failure) {
            case .goesOn(let action):
                self = .closing(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    /// The answer to a stream was written to the network, which frees the stream's place for the next one in line.
    package mutating func answerWritten(_ streamID: String) -> NextStreamAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(var channel):
            switch channel.answerWritten(streamID, isClosing: false) {
            case .goesOn(let action):
                self = .open(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .closing(var channel):
            switch channel.answerWritten(streamID, isClosing: true) {
            case .goesOn(let action):
                self = .closing(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    /// This many streams may be in their handshake, and wait for it, from now on. Streams that run or wait stay.
    package mutating func limitsChanged(openingStreams: Int, pendingStreams: Int) -> [NextStreamAction] {
        switch consume self {
        case .connecting(var opening):
            (opening.limits.openingStreams, opening.limits.pendingStreams) = (openingStreams, pendingStreams)
            self = .connecting(opening)
            return []
        case .opening(var opening):
            (opening.limits.openingStreams, opening.limits.pendingStreams) = (openingStreams, pendingStreams)
            self = .opening(opening)
            return []
        case .open(var channel):
            channel.streams.limitsChanged(opening: openingStreams, pending: pendingStreams)
            self = .open(channel)
            return startWaitingStreams()
        case .closing(var channel):
            channel.streams.limitsChanged(opening: openingStreams, pending: pendingStreams)
            self = .closing(channel)
            return startWaitingStreams()
        case .ended(let cause):
            self = .ended(cause)
            return []
        }
    }

    /// Starts or refuses streams that wait, until there is no more room or the channel ends.
    private mutating func startWaitingStreams() -> [NextStreamAction] {
        var actions: [NextStreamAction] = []
        while true {
            switch startNextStream() {
            case .doNothing: return actions
            case .end(let end): return actions + [.end(end)]
            case .start(let request, let route): actions.append(.start(request, route))
            case .refuse(let request, let refusal): actions.append(.refuse(request, refusal))
            }
        }
    }

    private mutating func startNextStream() -> NextStreamAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(var channel):
            switch channel.startNextStream(isClosing: false) {
            case .goesOn(let action):
                self = .open(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .closing(var channel):
            switch channel.startNextStream(isClosing: true) {
            case .goesOn(let action):
                self = .closing(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    /// Whether a stream waits for its start, perhaps for longer than its tunnel lives.
    package var hasWaitingStreams: Bool {
        switch self {
        case .connecting: false
        case .opening: false
        case .open(let channel): channel.streams.hasWaiting
        case .closing(let channel): channel.streams.hasWaiting
        case .ended: false
        }
    }
}
