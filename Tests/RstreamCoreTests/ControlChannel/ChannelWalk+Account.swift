// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire

/// What must be true of everything that the machine decides.
extension ChannelWalk {
    mutating func apply(_ input: String, _ action: Machine.ReceivedAction) {
        apply(input, isNothing: action == .doNothing) { $0.account(for: action) }
    }

    mutating func apply(_ input: String, _ action: Machine.StreamFinishedAction) {
        apply(input, isNothing: action == .doNothing) { walk in
            switch action {
            case .doNothing: break
            case .answer(let response): walk.answerGiven(response)
            case .end(let end): walk.account(for: end)
            }
        }
    }

    mutating func apply(_ input: String, _ action: Machine.NextStreamAction) {
        apply(input, isNothing: action == .doNothing) { $0.account(for: action) }
    }

    mutating func apply(_ input: String, _ actions: [Machine.NextStreamAction]) {
        apply(input, isNothing: actions.isEmpty) { walk in
            for action in actions {
                walk.check(!walk.isEnded, "\(action) stands behind the end")
                walk.check(action != .doNothing, "a list has nothing in it")
                walk.account(for: action)
            }
        }
    }

    mutating func apply(_ input: String, _ action: Machine.HeartbeatTimerAction) {
        apply(input, isNothing: action == .doNothing) { walk in
            switch action {
            case .doNothing: break
            case .send(let heartbeat, let nextAfter):
                walk.heartbeatSent(heartbeat)
                walk.checkTimer(nextAfter)
            case .skip(let nextAfter):
                walk.check(walk.isWritingHeartbeat, "a heartbeat was skipped while none is being written")
                walk.checkTimer(nextAfter)
            case .end(let end): walk.account(for: end)
            }
        }
    }

    mutating func apply(_ input: String, _ action: Machine.LivenessTimerAction) {
        apply(input, isNothing: action == .doNothing) { walk in
            switch action {
            case .doNothing: break
            case .checkAgain(let after): walk.checkTimer(after)
            case .end(let end): walk.account(for: end)
            }
        }
    }

    mutating func apply(_ input: String, _ action: Machine.NetworkChangedAction) {
        apply(input, isNothing: action == .doNothing) { walk in
            switch action {
            case .doNothing: break
            case .probe(let heartbeat, let nextAfter, let checkLivenessAfter):
                if let heartbeat { walk.heartbeatSent(heartbeat) }
                walk.checkTimer(nextAfter)
                if let checkLivenessAfter { walk.checkTimer(checkLivenessAfter) }
                walk.note("probe")
            case .end(let end): walk.account(for: end)
            }
        }
    }

    mutating func apply(_ input: String, _ action: Machine.TunnelCloseTimedOutAction) {
        apply(input, isNothing: action == .doNothing) { walk in
            switch action {
            case .doNothing: break
            case .endTunnel(let tunnelID):
                walk.check(walk.closingTunnels.contains(tunnelID), "\(tunnelID) timed out, and is not closing")
                walk.tunnelEnded(tunnelID, nil)
            }
        }
    }

    mutating func apply(_ input: String, _ action: Machine.CloseRequestedAction) {
        apply(input, isNothing: action == .doNothing) { walk in
            switch action {
            case .doNothing: break
            case .sendRequest: walk.check(!walk.isClosing, "the channel was asked to close twice")
            case .end(let end): walk.account(for: end)
            }
        }
    }

    mutating func apply(_ input: String, _ action: Machine.EndAction) {
        apply(input, isNothing: action == .doNothing) { walk in
            switch action {
            case .doNothing: break
            case .end(let end): walk.account(for: end)
            }
        }
    }

    /// Records the input, accounts for its action, and checks what must be true after each.
    private mutating func apply(_ input: String, isNothing: Bool, _ account: (inout Self) -> Void) {
        history.append(input)
        if history.count > 12 { history.removeFirst() }
        if isEnded { return check(isNothing, "something follows the end: \(input)") }
        account(&self)
        check(running.union(placed).count <= placeLimit, "too many handshakes: \(running), \(placed)")
        check(unwritten.count <= Self.limits.unwrittenAnswers, "too many unwritten answers")
        if isEnded { checkEnd() }
    }

    private mutating func account(for action: Machine.ReceivedAction) {
        switch action {
        case .doNothing: break
        case .opened:
            check(!isOpen, "the channel opened twice")
            isOpen = true
        case .heartbeatAcknowledged(let after): check(after >= .zero, "an answer came before its heartbeat")
        case .openTunnel(let requestID, let properties):
            check(requests.remove(requestID) != nil, "\(requestID) was opened, and no caller waits for it")
            let id = properties.id ?? ""
            check(!id.isEmpty && !openTunnels.contains(id) && !closingTunnels.contains(id), "\(id) opened twice")
            answered.append(requestID)
            openTunnels.insert(id)
            note("tunnel opened")
        case .failTunnel(let requestID, _, let unused):
            tunnelFailed(requestID)
            if let unused { tunnelGivenBack(unused) }
        case .giveBackTunnel(let tunnelID): tunnelGivenBack(tunnelID)
        case .endTunnel(let tunnelID, let error): tunnelEnded(tunnelID, error)
        case .startStream(let request, let route): streamStarted(request, route)
        case .refuseStream(let request, _): streamRefused(request)
        case .logServerMessage: break
        case .end(let end): account(for: end)
        }
    }

    private mutating func account(for action: Machine.NextStreamAction) {
        switch action {
        case .doNothing: break
        case .start(let request, let route): streamStarted(request, route)
        case .refuse(let request, _): streamRefused(request)
        case .end(let end): account(for: end)
        }
    }

    private mutating func account(for end: Machine.End) {
        for requestID in end.requests { tunnelFailed(requestID) }
        for streamID in end.handshakes {
            check(running.remove(streamID) != nil, "\(streamID) was abandoned, and its handshake does not run")
            note("stream abandoned")
        }
        for request in end.droppedStreams {
            check(unanswered.remove(request.streamID) != nil, "\(request.streamID) was dropped, not asked for")
            check(!started.contains(request.streamID), "\(request.streamID) was dropped after it was started")
            note("stream dropped")
        }
        for tunnelID in end.tunnels { tunnelEnded(tunnelID, end.cause.error) }
        isEnded = true
        note("end: \(Mirror(reflecting: end.cause).children.first?.label ?? "\(end.cause)")")
    }

    private mutating func tunnelFailed(_ requestID: RequestID) {
        check(requests.remove(requestID) != nil, "\(requestID) failed, and no caller waits for it")
        answered.append(requestID)
        note("tunnel failed")
    }

    private mutating func tunnelEnded(_ tunnelID: String, _ error: RstreamError?) {
        let wasOpen = openTunnels.remove(tunnelID) != nil
        let wasClosing = closingTunnels.remove(tunnelID) != nil
        check(wasOpen || wasClosing, "\(tunnelID) ended, and is not open")
        check(!wasOpen || error != nil, "\(tunnelID) ended without a reason")
        note(wasOpen ? "tunnel ended by engine" : "tunnel ended as asked")
    }

    private mutating func tunnelGivenBack(_ tunnelID: String) {
        check(!openTunnels.contains(tunnelID) && !closingTunnels.contains(tunnelID), "\(tunnelID) given back")
        note("tunnel given back")
    }

    private mutating func streamStarted(_ request: ProxyConnectionRequest, _ route: StreamRoute) {
        let id = request.streamID
        check(unanswered.contains(id), "\(id) was started without being asked for")
        check(running.insert(id).inserted && started.insert(id).inserted, "\(id) was started twice")
        check(openTunnels.contains(request.tunnelID), "\(id) was started on a tunnel that is not open")
        check(!isClosing, "\(id) was started while closing")
        note(route == .engine ? "stream started" : "stream redirected")
    }

    private mutating func streamRefused(_ request: ProxyConnectionRequest) {
        check(unanswered.remove(request.streamID) != nil, "\(request.streamID) was refused, not asked for")
        check(!started.contains(request.streamID), "\(request.streamID) was refused after it was started")
        unwritten.append(request.streamID)
        note("stream refused")
    }

    private mutating func answerGiven(_ response: ProxyConnectionResponse) {
        check(unanswered.remove(response.streamID) != nil, "\(response.streamID) was answered, not asked for")
        check(!running.contains(response.streamID), "\(response.streamID) was answered while it was opened")
        unwritten.append(response.streamID)
        if started.remove(response.streamID) != nil { placed.insert(response.streamID) }
        note(response.error == nil ? "stream answered" : "stream failed")
    }

    private mutating func heartbeatSent(_ heartbeat: Heartbeat) {
        check(heartbeat.sequence == lastSequence + 1 && heartbeat.acknowledgement == 0, "\(heartbeat) was sent")
        check(!isWritingHeartbeat, "two heartbeats are being written")
        lastSequence = heartbeat.sequence
        isWritingHeartbeat = true
        note("heartbeat")
    }

    private func checkTimer(_ after: Duration) {
        check(after >= .zero && after <= .seconds(60), "a timer of \(after)")
    }

    private func checkEnd() {
        check(requests.isEmpty, "requests without an answer at the end: \(requests)")
        check(openTunnels.isEmpty && closingTunnels.isEmpty, "tunnels that did not end: \(openTunnels)")
        check(running.isEmpty, "handshakes that are not stopped: \(running)")
    }
}
