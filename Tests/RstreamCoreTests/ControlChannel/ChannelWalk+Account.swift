import RstreamCore
import RstreamModel
import RstreamWire

/// What must be true of everything that the machine decides.
extension ChannelWalk {
    mutating func apply(_ input: String, _ actions: [Action]) {
        story.append(input)
        if story.count > 12 { story.removeFirst() }
        if isEnded { return check(actions.isEmpty, "something follows the end: \(actions)") }
        for action in actions {
            check(!isEnded, "\(action) stands behind the end")
            account(for: action)
        }
        check(running.union(placed).count <= Self.limits.openingStreams, "too many handshakes: \(running), \(placed)")
        check(unwritten.count <= Self.limits.unwrittenAnswers, "too many unwritten answers")
        if isEnded { checkEnd() }
    }

    private mutating func account(for action: Action) {
        switch action {
        case .opened:
            check(!isOpen, "the channel opened twice")
            isOpen = true
        case .heartbeatAnswered(let after):
            check(after >= .zero, "an answer came before its heartbeat")
        case .tunnelOpened(let requestID, let properties):
            check(requests.remove(requestID) != nil, "\(requestID) was opened, and nobody waits for it")
            let id = properties.id ?? ""
            check(!id.isEmpty && !openTunnels.contains(id) && !closingTunnels.contains(id), "\(id) opened twice")
            answered.append(requestID)
            openTunnels.insert(id)
            note("tunnel opened")
        case .tunnelFailed(let requestID, _):
            check(requests.remove(requestID) != nil, "\(requestID) failed, and nobody waits for it")
            answered.append(requestID)
            note("tunnel failed")
        case .tunnelEnded(let tunnelID, let error):
            let wasOpen = openTunnels.remove(tunnelID) != nil
            let wasClosing = closingTunnels.remove(tunnelID) != nil
            check(wasOpen || wasClosing, "\(tunnelID) ended, and is not open")
            check(!wasOpen || error != nil, "\(tunnelID) ended without a reason")
            note(wasOpen ? "tunnel ended by engine" : "tunnel ended as asked")
        case .startStream(let request, let route):
            let id = request.streamID
            check(unanswered.contains(id), "\(id) was started without being asked for")
            check(running.insert(id).inserted && started.insert(id).inserted, "\(id) was started twice")
            check(openTunnels.contains(request.tunnelID), "\(id) was started on a tunnel that is not open")
            check(!isClosing, "\(id) was started while closing")
            note(route == .engine ? "stream started" : "stream redirected")
        case .refuseStream(let request, _):
            check(unanswered.remove(request.streamID) != nil, "\(request.streamID) was refused, not asked for")
            check(!started.contains(request.streamID), "\(request.streamID) was refused after it was started")
            unwritten.append(request.streamID)
            note("stream refused")
        case .dropStream(let request):
            check(unanswered.remove(request.streamID) != nil, "\(request.streamID) was dropped, not asked for")
            check(!started.contains(request.streamID), "\(request.streamID) was dropped after it was started")
            note("stream dropped")
        case .answerStream(let response):
            check(unanswered.remove(response.streamID) != nil, "\(response.streamID) was answered, not asked for")
            check(!running.contains(response.streamID), "\(response.streamID) was answered while it was opened")
            unwritten.append(response.streamID)
            if started.remove(response.streamID) != nil { placed.insert(response.streamID) }
            note(response.error == nil ? "stream answered" : "stream failed")
        case .abandonStream(let streamID):
            check(running.remove(streamID) != nil, "\(streamID) was abandoned, and its handshake does not run")
            note("stream abandoned")
        case .sendHeartbeat(let heartbeat):
            check(heartbeat.sequence == lastSequence + 1 && heartbeat.acknowledgement == 0, "\(heartbeat) was sent")
            check(!isWritingHeartbeat, "two heartbeats are being written")
            lastSequence = heartbeat.sequence
            isWritingHeartbeat = true
            note("heartbeat")
        case .scheduleHeartbeat(let after), .scheduleLiveness(let after):
            check(after >= .zero && after <= .seconds(60), "a timer of \(after)")
        case .send(.closeTunnelRequest(let tunnelID)):
            check(!openTunnels.contains(tunnelID) && !closingTunnels.contains(tunnelID), "\(tunnelID) given back")
            note("tunnel given back")
        case .send, .serverMessage: break
        case .end(let cause):
            isEnded = true
            note("end: \(Mirror(reflecting: cause).children.first?.label ?? "\(cause)")")
        }
    }

    private func checkEnd() {
        check(requests.isEmpty, "requests without an answer at the end: \(requests)")
        check(openTunnels.isEmpty && closingTunnels.isEmpty, "tunnels that did not end: \(openTunnels)")
        check(running.isEmpty, "handshakes that nobody stops: \(running)")
    }
}
