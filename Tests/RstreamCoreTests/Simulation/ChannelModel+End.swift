// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import RstreamWire

extension ChannelModel {
    // MARK: After the end

    /// Nothing that comes late may do anything.
    func nothing(of event: ChannelEvent, _ machine: inout ControlChannelStateMachine) throws(Complaint) {
        let isNothing: Bool
        switch event {
        case .connected: isNothing = machine.connected() == .doNothing
        case .accepted: isNothing = ignores(world.acceptance, &machine)
        case .rejected: isNothing = ignores(.serverMessage("no"), &machine)
        case .openTimedOut: isNothing = machine.openTimedOut(after: .seconds(1)) == .doNothing
        case .requestTunnel(let tunnel):
            let action = machine.tunnelRequested(ChannelNames.request(tunnel), TunnelProperties())
            isNothing = if case .fail = action { true } else { false }
        case .abandonTunnel(let tunnel):
            machine.tunnelAbandoned(ChannelNames.request(tunnel))
            isNothing = true
        case .closeTunnel(let tunnel):
            isNothing = machine.tunnelCloseRequested(ChannelNames.tunnel(tunnel)) == .doNothing
        case .tunnelCloseTimedOut(let tunnel):
            isNothing = machine.tunnelCloseTimedOut(ChannelNames.tunnel(tunnel)) == .doNothing
        case .grant(let tunnel), .grantAs(let tunnel, _):
            let outcome = OpenTunnelResponse.Outcome.granted(granted(ChannelNames.tunnel(tunnel)))
            isNothing = ignores(.tunnel(ChannelNames.request(tunnel), outcome), &machine)
        case .refuse(let tunnel): isNothing = ignores(.tunnel(ChannelNames.request(tunnel), .empty), &machine)
        case .endTunnel(let tunnel):
            isNothing = ignores(.closeTunnelResponse(tunnelID: ChannelNames.tunnel(tunnel)), &machine)
        case .offer(let stream, let tunnel):
            isNothing = ignores(.stream(ChannelNames.stream(stream), of: ChannelNames.tunnel(tunnel)), &machine)
        case .finish(let stream, let fails):
            let action = machine.streamFinished(ChannelNames.stream(stream), failure: fails ? "no" : nil)
            isNothing = alteredAfterEnd(action) == .doNothing
        case .answerWritten(let stream):
            isNothing = machine.answerWritten(ChannelNames.stream(stream)) == .doNothing
        case .raiseLimit: isNothing = machine.limitsChanged(openingStreams: 9, pendingStreams: 9).isEmpty
        case .beat, .beatStuck: isNothing = machine.heartbeatTimerFired(at: start) == .doNothing
        case .beatWritten:
            machine.heartbeatWritten()
            isNothing = true
        case .beatAcknowledged: isNothing = ignores(.heartbeat(Heartbeat(acknowledgement: 1)), &machine)
        case .silence: isNothing = machine.livenessTimerFired(at: start + ChannelWorld.timeout) == .doNothing
        case .close: isNothing = machine.closeRequested() == .doNothing
        case .closed: isNothing = ignores(.closeControlChannelResponse, &machine)
        case .closeTimedOut: isNothing = machine.closeTimedOut() == .doNothing
        case .abort: isNothing = machine.abortRequested() == .doNothing
        case .lose: isNothing = alteredAfterEnd(machine.connectionLost(reset)) == .doNothing
        case .malformed: isNothing = machine.malformed(.malformed) == .doNothing
        }
        try demand(isNothing, "\(event) did something after the end")
    }

    private func ignores(_ message: Message, _ machine: inout ControlChannelStateMachine) -> Bool {
        machine.received(message, at: start) == .doNothing
    }

    // MARK: Mistakes on purpose

    func altered(
        _ action: ControlChannelStateMachine.ReceivedAction,
        _ account: ChannelAccount
    ) -> ControlChannelStateMachine.ReceivedAction {
        switch (fault, action) {
        case (.startsWhileClosing, .refuseStream(let request, .closing)) where account.phase == .closing:
            .startStream(request, .engine)
        case (.ignoresClosedTunnel, .refuseStream(let request, .closing)) where account.phase == .open:
            .startStream(request, .engine)
        case (.refusesThoughThereIsRoom, .startStream(let request, _)): .refuseStream(request, .full)
        case (.keepsLateGrant, .giveBackTunnel): .doNothing
        case (.opensTwice, .failTunnel(let requestID, _, _)) where account.tunnels.contains(.open):
            .openTunnel(requestID, granted(ChannelNames.tunnel(account.tunnels.firstIndex(of: .open) ?? 0)))
        case (_, .end(let end)): .end(altered(end))
        default: action
        }
    }

    func altered(_ action: ControlChannelStateMachine.NextStreamAction) -> ControlChannelStateMachine.NextStreamAction {
        switch (fault, action) {
        case (.startsNoneThatWaits, .start): .doNothing
        case (_, .end(let end)): .end(altered(end))
        default: action
        }
    }

    func altered(
        _ action: ControlChannelStateMachine.StreamFinishedAction
    ) -> ControlChannelStateMachine.StreamFinishedAction {
        switch (fault, action) {
        case (.answersForAnother, .answer(let response)):
            .answer(ProxyConnectionResponse(streamID: response.streamID == "s0" ? "s1" : "s0"))
        case (_, .end(let end)): .end(altered(end))
        default: action
        }
    }

    func altered(_ end: ControlChannelStateMachine.End) -> ControlChannelStateMachine.End {
        ControlChannelStateMachine.End(
            end.cause,
            requests: fault == .forgetsRequestAtEnd ? [] : end.requests,
            handshakes: fault == .forgetsHandshakeAtEnd ? [] : end.handshakes,
            droppedStreams: fault == .dropsNoneAtEnd ? [] : end.droppedStreams,
            tunnels: end.tunnels
        )
    }

    private func alteredAfterEnd(
        _ action: ControlChannelStateMachine.StreamFinishedAction
    ) -> ControlChannelStateMachine.StreamFinishedAction {
        fault == .answersAfterEnd ? .answer(ProxyConnectionResponse(streamID: "s0")) : action
    }

    private func alteredAfterEnd(
        _ action: ControlChannelStateMachine.EndAction
    ) -> ControlChannelStateMachine.EndAction {
        fault == .endsTwice ? .end(ControlChannelStateMachine.End(.closedByEngine)) : action
    }
}
