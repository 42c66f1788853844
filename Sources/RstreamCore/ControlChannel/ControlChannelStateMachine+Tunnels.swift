// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel
internal import RstreamWire

/// The inputs about tunnels. An open channel opens tunnels; one that closes still closes them.
extension ControlChannelStateMachine {
    package mutating func tunnelRequested(
        _ requestID: RequestID,
        _ properties: TunnelProperties
    ) -> TunnelRequestedAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .fail(Self.closed)
        case .opening(let opening):
            self = .opening(opening)
            return .fail(Self.closed)
        case .open(var channel):
            channel.tunnels.openRequested(requestID)
            self = .open(channel)
            return .sendRequest(OpenTunnelRequest(requestID: "\(requestID)", properties: properties))
        case .closing(let channel):
            self = .closing(channel)
            return .fail(Self.closed)
        case .ended(let cause):
            self = .ended(cause)
            return .fail(cause.error)
        }
    }

    /// The caller stopped waiting for the engine's answer. A grant that comes late is given back.
    package mutating func tunnelAbandoned(_ requestID: RequestID) {
        switch consume self {
        case .connecting(let opening): self = .connecting(opening)
        case .opening(let opening): self = .opening(opening)
        case .open(var channel):
            channel.tunnels.openAbandoned(requestID)
            self = .open(channel)
        case .closing(var channel):
            channel.tunnels.openAbandoned(requestID)
            self = .closing(channel)
        case .ended(let cause): self = .ended(cause)
        }
    }

    package mutating func tunnelCloseRequested(_ tunnelID: String) -> TunnelCloseRequestedAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(var channel):
            let isFirst = channel.tunnels.closeRequested(tunnelID)
            self = .open(channel)
            return isFirst ? .sendRequest(tunnelID: tunnelID) : .doNothing
        case .closing(var channel):
            let isFirst = channel.tunnels.closeRequested(tunnelID)
            self = .closing(channel)
            return isFirst ? .sendRequest(tunnelID: tunnelID) : .doNothing
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    /// The engine did not confirm in time that it closed the tunnel. Its streams are refused either way.
    package mutating func tunnelCloseTimedOut(_ tunnelID: String) -> TunnelCloseTimedOutAction {
        switch consume self {
        case .connecting(let opening):
            self = .connecting(opening)
            return .doNothing
        case .opening(let opening):
            self = .opening(opening)
            return .doNothing
        case .open(var channel):
            let wasClosing = channel.tunnels.closeTimedOut(tunnelID)
            self = .open(channel)
            return wasClosing ? .endTunnel(tunnelID: tunnelID) : .doNothing
        case .closing(var channel):
            let wasClosing = channel.tunnels.closeTimedOut(tunnelID)
            self = .closing(channel)
            return wasClosing ? .endTunnel(tunnelID: tunnelID) : .doNothing
        case .ended(let cause):
            self = .ended(cause)
            return .doNothing
        }
    }

    /// Why a tunnel cannot be opened on a channel that is not open.
    private static var closed: RstreamError { ChannelEnd.closedByUs(answered: false).error }
}
