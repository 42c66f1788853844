// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel
package import RstreamWire

/// Decides what a control channel does, from its connection to its end (PROTOCOL.md §3 to §6, §13).
///
/// A control channel is the conversation with the engine on one TLS connection. Over it the client opens tunnels, the
/// engine announces streams, and both prove with heartbeats that they are alive. The machine knows ids and values only:
/// the shell, `ControlChannelHandler`, owns the connection, the timers, the handshakes of streams and the promises of
/// callers. For every event the shell calls one input and carries out the action that it returns.
///
/// ```
/// connecting --connected--> opening --answer--> open --closeRequested--> closing
///      |                       |                  |                         |
///      +-----------------------+--------> ended(cause) <--------------------+
/// ```
///
/// - `connecting`: the TCP connection is up, TLS is not.
/// - `opening`: the opening request was sent. Only its answer is allowed to come.
/// - `open`: tunnels are opened and closed, streams are admitted, heartbeats run.
/// - `closing`: the closing request was sent. Tunnels and streams that are under way are still answered, nothing new
///   begins.
/// - `ended`: the last state. Every input is ignored, and the request of a caller fails with the cause.
///
/// What `open` and `closing` share is in ``Established``: the heartbeat counter, the tunnels and the inbound streams,
/// each of which decides on its own. This machine is the only place that knows which of them may act in which state.
///
/// Inputs come from three sides. The connection: ``connected()``, ``received(_:at:)``, ``malformed(_:)``,
/// ``connectionLost(_:)``, ``answerWritten(_:)``, ``heartbeatWritten()``. The program: ``tunnelRequested(_:_:)``,
/// ``tunnelAbandoned(_:)``, ``tunnelCloseRequested(_:)``, ``limitsChanged(openingStreams:pendingStreams:)``,
/// ``streamFinished(_:failure:)``, ``networkChanged(at:)``, ``closeRequested()``, ``abortRequested()``. Timers:
/// ``openTimedOut(after:)``, ``closeTimedOut()``, ``tunnelCloseTimedOut(_:)``, ``heartbeatTimerFired(at:)``,
/// ``livenessTimerFired(at:)``. A timer that fires late finds a state in which it means nothing.
///
/// The inputs here begin and end the channel; those about tunnels, streams and liveness are extensions.
///
/// A message of the engine succeeds, is ignored, fails one tunnel or stream, or ends the channel; nothing else can
/// happen to it. The end is one action, ``End``, that lists everything that ends with the channel; it is returned once.
package enum ControlChannelStateMachine: ~Copyable, Sendable {
    case connecting(Opening)
    case opening(Opening)
    case open(Established)
    case closing(Established)
    case ended(ChannelEnd)

    /// What a channel needs until the engine has answered the opening request.
    package struct Opening: Hashable, Sendable {
        let details: ClientDetails
        /// The heartbeat interval that is requested; nil for no heartbeats.
        let heartbeatMilliseconds: UInt32?
        var limits: ControlChannelLimits

        var request: OpenControlChannelRequest {
            OpenControlChannelRequest(
                details: details,
                liveness: heartbeatMilliseconds.map { WireLiveness(intervalMilliseconds: $0) }
            )
        }
    }

    /// A channel that requests heartbeats every `heartbeatMilliseconds`, or none.
    package init(details: ClientDetails, heartbeatMilliseconds: UInt32?, limits: ControlChannelLimits) {
        self = .connecting(
            Opening(details: details, heartbeatMilliseconds: heartbeatMilliseconds, limits: limits)
        )
    }

    // MARK: Open

    /// TLS is up.
    package mutating func connected() -> ConnectedAction {
        switch consume self {
        case .connecting(let opening):
            self = .opening(opening)
            return .sendRequest(opening.request)
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(let channel):
            self = .open(channel)
            return .doNothing
        case .closing(let channel):
            self = .closing(channel)
            return .doNothing
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    /// The opening request was not answered within `duration`.
    package mutating func openTimedOut(after duration: Duration) -> EndAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening:
            let cause = ChannelEnd.openTimeout(duration)
            self = .ended(cause)
            return .end(End(cause))
        case .open(let channel):
            self = .open(channel)
            return .doNothing
        case .closing(let channel):
            self = .closing(channel)
            return .doNothing
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    // MARK: Messages of the engine

    package mutating func received(_ message: Message, at now: ContinuousClock.Instant) -> ReceivedAction {
        switch consume self {
        case .connecting:
            // The engine speaks first only by breaking the protocol.
            let cause = ChannelEnd.violation(.unexpectedAnswer(awaited: "nothing", got: message.kind))
            self = .ended(cause)
            return .end(End(cause))
        case .opening(let opening):
            switch opening.answered(message) {
            case .success(let accepted):
                self = .open(Established(accepted.liveness, limits: opening.limits, at: now))
                return .opened(accepted)
            case .failure(let cause):
                self = .ended(cause)
                return .end(End(cause))
            }
        case .open(var channel):
            switch channel.received(message, at: now, isClosing: false) {
            case .goesOn(let action):
                self = .open(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .closing(var channel):
            switch channel.received(message, at: now, isClosing: true) {
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

    /// The connection delivered bytes that are not a frame.
    package mutating func malformed(_ error: FrameError) -> EndAction {
        end(.violation(.frame(error)))
    }

    // MARK: The end

    /// The program wants the channel to end in order.
    package mutating func closeRequested() -> CloseRequestedAction {
        switch consume self {
        case .connecting:
            let cause = ChannelEnd.closedByUs(answered: false)
            self = .ended(cause)
            return .end(End(cause))
        case .opening:
            let cause = ChannelEnd.closedByUs(answered: false)
            self = .ended(cause)
            return .end(End(cause))
        case .open(let channel):
            self = .closing(channel)
            return .sendRequest
        case .closing(let channel):
            self = .closing(channel)
            return .doNothing
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    /// The engine did not answer the closing request in time.
    package mutating func closeTimedOut() -> EndAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(let channel):
            self = .open(channel)
            return .doNothing
        case .closing(let channel):
            let cause = ChannelEnd.closedByUs(answered: false)
            self = .ended(cause)
            return .end(channel.end(cause))
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    /// The program wants the channel to end now, without telling the engine.
    package mutating func abortRequested() -> EndAction {
        end(.closedByUs(answered: false))
    }

    package mutating func connectionLost(_ error: RstreamError) -> EndAction {
        switch consume self {
        case .connecting:
            let cause = ChannelEnd.lost(error)
            self = .ended(cause)
            return .end(End(cause))
        case .opening:
            let cause = ChannelEnd.lost(error)
            self = .ended(cause)
            return .end(End(cause))
        case .open(let channel):
            let cause = ChannelEnd.lost(error)
            self = .ended(cause)
            return .end(channel.end(cause))
        case .closing(let channel):
            // An engine may close the connection instead of answering the closing request.
            let cause = ChannelEnd.closedByUs(answered: false)
            self = .ended(cause)
            return .end(channel.end(cause))
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    private mutating func end(_ cause: ChannelEnd) -> EndAction {
        switch consume self {
        case .connecting:
            self = .ended(cause)
            return .end(End(cause))
        case .opening:
            self = .ended(cause)
            return .end(End(cause))
        case .open(let channel):
            self = .ended(cause)
            return .end(channel.end(cause))
        case .closing(let channel):
            self = .ended(cause)
            return .end(channel.end(cause))
        case .ended(let first):
            self = .ended(first)
            return .doNothing
        }
    }
}
