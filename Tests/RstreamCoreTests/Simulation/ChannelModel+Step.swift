// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import RstreamWire

extension ChannelModel {
    /// One event: what the machine makes of it, what the account makes of that, and what must hold then.
    func step(from node: Node, _ event: ChannelEvent) throws(Complaint) -> Node {
        var machine = node.machine.restored()
        var account = node.account
        if account.phase == .ended {
            try nothing(of: event, &machine)
        } else {
            try take(event, &machine, &account)
            try account.checked(hasWaiting: machine.hasWaitingStreams)
            try demand((account.phase == .ended) == machine.hasEnded, "machine and actions do not agree on the end")
        }
        return Node(machine: ChannelSnapshot(machine), account: account)
    }

    // MARK: While it lives

    private func take(
        _ event: ChannelEvent,
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        switch event {
        case .connected:
            guard case .sendRequest = machine.connected() else { throw Complaint("no opening request was sent") }
            account.phase = .opening
        case .accepted: try receive(world.acceptance, &machine, &account)
        case .rejected: try receive(Self.rejection, &machine, &account)
        case .openTimedOut: try end(machine.openTimedOut(after: .seconds(1)), &account)
        case .requestTunnel(let tunnel): try request(tunnel, &machine, &account)
        case .abandonTunnel(let tunnel):
            machine.tunnelAbandoned(ChannelNames.request(tunnel))
            account.tunnels[tunnel] = .abandoned
        case .closeTunnel(let tunnel): try close(tunnel, &machine, &account)
        case .tunnelCloseTimedOut(let tunnel): try timeOut(tunnel, &machine, &account)
        case .grant(let tunnel): try answer(tunnel, .granted(granted(ChannelNames.tunnel(tunnel))), &machine, &account)
        case .grantAs(let tunnel, let other):
            try answer(tunnel, .granted(granted(ChannelNames.tunnel(other))), &machine, &account)
        case .refuse(let tunnel): try answer(tunnel, .error(Self.refusal), &machine, &account)
        case .endTunnel(let tunnel): try endTunnel(tunnel, &machine, &account)
        case .offer(let stream, let tunnel): try offer(stream, tunnel, &machine, &account)
        case .finish(let stream, let fails):
            account.streams[stream] = .finishing
            let action = machine.streamFinished(ChannelNames.stream(stream), failure: fails ? "no" : nil)
            try account.finished(altered(action), stream: stream, fails: fails)
        case .answerWritten(let stream):
            account.streams[stream] = .over
            try account.next(altered(machine.answerWritten(ChannelNames.stream(stream))))
        case .raiseLimit:
            account.places += 1
            let actions = machine.limitsChanged(openingStreams: account.places, pendingStreams: account.queue)
            for action in actions { try account.next(altered(action)) }
        case .beat, .beatWritten, .beatAcknowledged, .beatStuck, .silence: try beat(event, &machine, &account)
        case .close: try close(&machine, &account)
        case .closed: try receive(.closeControlChannelResponse, &machine, &account)
        case .closeTimedOut:
            let isClosing = account.phase == .closing
            try end(machine.closeTimedOut(), &account)
            try demand(isClosing == (account.phase == .ended), "a channel that takes too long to close did not end")
        case .abort: try end(machine.abortRequested(), &account)
        case .lose: try end(machine.connectionLost(reset), &account)
        case .malformed: try end(machine.malformed(.malformed), &account)
        }
    }

    private func receive(
        _ message: Message,
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        try account.received(altered(machine.received(message, at: start), account))
    }

    private func end(
        _ action: ControlChannelStateMachine.EndAction,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        guard case .end(let end) = action else { return }
        try account.ended(altered(end))
    }

    private func request(
        _ tunnel: Int,
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        let action = machine.tunnelRequested(ChannelNames.request(tunnel), TunnelProperties())
        switch action {
        case .sendRequest: try demand(account.phase == .open, "a tunnel was asked for on a closing channel")
        case .fail: try demand(account.phase == .closing, "a tunnel was not asked for on an open channel")
        }
        if account.phase == .open { account.tunnels[tunnel] = .requested }
    }

    private func answer(
        _ tunnel: Int,
        _ outcome: OpenTunnelResponse.Outcome,
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        let before = account.tunnels[tunnel]
        try receive(.tunnel(ChannelNames.request(tunnel), outcome), &machine, &account)
        guard account.isLive else { return }
        let after = account.tunnels[tunnel]
        var isNew = false
        if case .granted(let properties) = outcome { isNew = properties.id == ChannelNames.tunnel(tunnel) }
        switch before {
        case .requested:
            try demand(after == (isNew ? .open : .over), "a caller waits although the engine has answered: \(after)")
        case .abandoned:
            try demand(!isNew || after == .givenBack, "the engine keeps a tunnel that was granted too late")
            if !isNew { account.tunnels[tunnel] = .over }
        case .idle, .open, .closing, .forgotten, .givenBack, .over:
            try demand(after == before, "a second answer made \(after) of a tunnel that was \(before)")
        }
    }

    private func close(
        _ tunnel: Int,
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        let isFirst = account.tunnels[tunnel] == .open
        let action = machine.tunnelCloseRequested(ChannelNames.tunnel(tunnel))
        let wanted: ControlChannelStateMachine.TunnelCloseRequestedAction =
            isFirst ? .sendRequest(tunnelID: ChannelNames.tunnel(tunnel)) : .doNothing
        try demand(action == wanted, "closing a tunnel that is \(account.tunnels[tunnel]) gave \(action)")
        account.tunnels[tunnel] = .closing
    }

    private func timeOut(
        _ tunnel: Int,
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        let isClosing = account.tunnels[tunnel] == .closing
        let action = machine.tunnelCloseTimedOut(ChannelNames.tunnel(tunnel))
        try demand((action != .doNothing) == isClosing, "a close that took too long gave \(action)")
        if isClosing { account.tunnels[tunnel] = .forgotten }
    }

    private func endTunnel(
        _ tunnel: Int,
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        let message = Message.closeTunnelResponse(tunnelID: ChannelNames.tunnel(tunnel))
        switch account.tunnels[tunnel] {
        case .open, .closing:
            try receive(message, &machine, &account)
            try demand(account.tunnels[tunnel] == .over, "a tunnel goes on that the engine has closed")
        case .forgotten, .givenBack:
            // The machine has forgotten it.
            account.tunnels[tunnel] = .over
            try receive(message, &machine, &account)
        case .idle, .requested, .abandoned, .over: try receive(message, &machine, &account)
        }
    }

    private func offer(
        _ stream: Int,
        _ tunnel: Int,
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        let isNew = account.streams[stream] == .unasked
        // Before the channel is open it is the wrong message, which is not about a stream.
        if isNew, account.isLive { account.streams[stream] = .waiting(of: tunnel) }
        let before = account
        try receive(.stream(ChannelNames.stream(stream), of: ChannelNames.tunnel(tunnel)), &machine, &account)
        guard account.isLive else { return }
        if !isNew { return try demand(account == before, "a second request under one id was taken for a stream") }
        guard case .waiting = account.streams[stream] else { return }
        try demand(
            account.phase == .open && account.tunnels[tunnel] == .open,
            "a stream waits for a tunnel or a channel that takes no streams"
        )
    }

    private func close(
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        switch machine.closeRequested() {
        case .doNothing: try demand(account.phase == .closing, "the channel was not closed")
        case .sendRequest:
            try demand(account.phase == .open, "the engine was asked to close a channel that is \(account.phase)")
            account.phase = .closing
        case .end(let end):
            try demand(!account.isLive, "an open channel was not closed in order")
            try account.ended(altered(end))
        }
    }

    private func beat(
        _ event: ChannelEvent,
        _ machine: inout ControlChannelStateMachine,
        _ account: inout ChannelAccount
    ) throws(Complaint) {
        switch event {
        case .beatWritten:
            machine.heartbeatWritten()
            account.isWritingBeat = false
        case .beatAcknowledged:
            account.acknowledged += 1
            try receive(.heartbeat(Heartbeat(acknowledgement: account.acknowledged)), &machine, &account)
            try demand(account.isLive, "an answer to a heartbeat ended the channel")
        case .silence:
            guard case .end(let end) = machine.livenessTimerFired(at: start + ChannelWorld.timeout) else {
                throw Complaint("an engine that is silent for too long is not given up")
            }
            try account.ended(altered(end))
        default:
            let isStuck = event == .beatStuck
            switch machine.heartbeatTimerFired(at: isStuck ? start + ChannelWorld.timeout : start) {
            case .doNothing: throw Complaint("no heartbeat was sent")
            case .send(let heartbeat, _):
                try demand(!account.isWritingBeat, "two heartbeats are being written")
                account.beats += 1
                try demand(heartbeat.sequence == account.beats, "heartbeat \(heartbeat.sequence) was sent")
                account.isWritingBeat = true
            case .skip: try demand(account.isWritingBeat && !isStuck, "a heartbeat was left out")
            case .end(let end):
                try demand(isStuck, "a heartbeat that is due ended the channel")
                try account.ended(altered(end))
            }
        }
    }

    private static let rejection = Message.openControlChannelResponse(
        .error(EngineError(code: .serviceUnavailable, message: "no"))
    )
    private static let refusal = EngineError(code: .capacityExhausted, message: "no")
}

extension ChannelWorld {
    static let timeout = Duration.seconds(15)

    /// The engine's answer to the opening request.
    var acceptance: Message {
        .accepted(beats > 0 ? WireLiveness(intervalMilliseconds: 5_000, timeoutMilliseconds: 15_000) : nil)
    }
}

extension ControlChannelStateMachine {
    var hasEnded: Bool {
        switch self {
        case .connecting: false
        case .opening: false
        case .open: false
        case .closing: false
        case .ended: true
        }
    }
}
