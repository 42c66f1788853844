// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The inputs about heartbeats and silence (PROTOCOL.md §4).
extension ControlChannelStateMachine {
    package mutating func heartbeatTimerFired(at now: ContinuousClock.Instant) -> HeartbeatTimerAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(var channel):
            switch channel.heartbeatTimerFired(at: now) {
            case .goesOn(let action):
                self = .open(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .closing(var channel):
            switch channel.heartbeatTimerFired(at: now) {
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

    /// A heartbeat was written to the network.
    package mutating func heartbeatWritten() {
        switch consume self {
        case .connecting(let opening): self = .connecting(opening)
        case .opening(let opening): self = .opening(opening)
        case .open(var channel):
            channel.heartbeats.written()
            self = .open(channel)
        case .closing(var channel):
            channel.heartbeats.written()
            self = .closing(channel)
        case .ended(let cause): self = .ended(cause)
        }
    }

    package mutating func livenessTimerFired(at now: ContinuousClock.Instant) -> LivenessTimerAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(let channel):
            switch channel.livenessTimerFired(at: now) {
            case .goesOn(let action):
                self = .open(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .closing(let channel):
            switch channel.livenessTimerFired(at: now) {
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

    /// The host's addresses or routes changed, or it was suspended. The silence is judged at once instead of when the
    /// timer fires, and a heartbeat provokes a reset from an engine or a router that no longer knows the connection.
    package mutating func networkChanged(at now: ContinuousClock.Instant) -> NetworkChangedAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(var channel):
            switch channel.networkChanged(at: now) {
            case .goesOn(let action):
                self = .open(channel)
                return action
            case .ends(let cause, let unanswered):
                self = .ended(cause)
                return .end(channel.end(cause, unanswered))
            }
        case .closing(var channel):
            switch channel.networkChanged(at: now) {
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
}
