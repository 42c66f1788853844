// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire

/// A control channel whose events the input chooses: what the engine says, in any order, and what the shell reports. Each
/// thing is answered, started and ended once, and nothing follows the end.
struct ControlChannelEvents: ~Copyable {
    private typealias Machine = ControlChannelStateMachine

    private var choices: Choices
    private var machine: Machine
    private var now = ContinuousClock.now
    private var isEnded = false
    /// Tunnel requests that a caller waits for.
    private var requests: Set<RequestID> = []
    private var tunnels: Set<String> = []
    private var running: Set<String> = []
    /// Streams that were started and not answered, and those whose answer is being written.
    private var started: Set<String> = []
    private var unwritten: Set<String> = []

    static func check(_ bytes: [UInt8]) throws(Finding) {
        var channel = ControlChannelEvents(Choices(bytes))
        while !channel.choices.isOver { try channel.step() }
    }

    private init(_ choices: Choices) {
        self.choices = choices
        let limits = ControlChannelLimits(
            openingStreams: 1 + self.choices.number(below: 3),
            pendingStreams: self.choices.number(below: 4),
            unwrittenAnswers: 4 + self.choices.number(below: 8),
            abandonedTunnels: self.choices.number(below: 3)
        )
        let heartbeat: UInt32? = self.choices.bool() ? 5_000 : nil
        machine = Machine(details: ClientDetails(agent: "a"), heartbeatMilliseconds: heartbeat, limits: limits)
    }

    private mutating func step() throws(Finding) {
        now = now.advanced(by: .milliseconds(Int(choices.byte()) * 16))
        switch choices.number(below: 16) {
        case 0...5: try engineSays()
        case 6: try requestTunnel()
        case 7: try tunnelEvent()
        case 8, 9: try finishStream()
        case 10: try writeAnswer()
        case 11: try changeLimits()
        case 12...14: try timer()
        default: try end()
        }
    }

    // MARK: The engine

    private mutating func engineSays() throws(Finding) {
        let message = message()
        switch machine.received(message, at: now) {
        case .doNothing: break
        case .opened: try demand(!isEnded, "a channel opened behind its end")
        case .openTunnel(let id, let properties):
            try demand(requests.remove(id) != nil, "no caller waits for \(id)")
            let tunnel = properties.id ?? ""
            try demand(!tunnel.isEmpty && tunnels.insert(tunnel).inserted, "tunnel \(tunnel) opened twice")
        case .failTunnel(let id, _, let unused):
            try demand(requests.remove(id) != nil, "no caller waits for \(id)")
            try demand(unused.map { !tunnels.contains($0) } ?? true, "an open tunnel is given back")
        case .giveBackTunnel(let tunnel): try demand(!tunnels.contains(tunnel), "an open tunnel is given back")
        case .endTunnel(let tunnel, _): try demand(tunnels.remove(tunnel) != nil, "\(tunnel) ended, and is not open")
        case .startStream(let request, _): try start(request)
        case .refuseStream(let request, _): try refuse(request)
        case .heartbeatAcknowledged(let after): try demand(after >= .zero, "a round trip took \(after)")
        case .logServerMessage: try demand(!isEnded, "a message behind the end")
        case .end(let end): try ended(end)
        }
    }

    /// Any message with small identifiers, so that they meet again, or one of the input's own bytes.
    private mutating func message() -> Message {
        let tunnel = "t\(choices.number(below: 4))"
        switch choices.number(below: 10) {
        case 0:
            let liveness = WireLiveness(
                intervalMilliseconds: 5_000,
                timeoutMilliseconds: UInt32(choices.byte()) * 4_000
            )
            let answered: WireLiveness? = choices.bool() ? liveness : nil
            return .openControlChannelResponse(.ok(clientID: "c", serverDetails: nil, liveness: answered))
        case 1: return .openControlChannelResponse(choices.bool() ? .empty : .error(EngineError(code: .unauthorized)))
        case 2, 3:
            var properties = TunnelProperties()
            properties.id = choices.number(below: 8) == 0 ? nil : tunnel
            let outcomes: [OpenTunnelResponse.Outcome] = [
                .granted(properties), .granted(properties), .error(EngineError(code: .capacityExhausted)), .empty,
            ]
            let id = choices.one(of: requests.sorted()) ?? request(choices.byte())
            let outcome = choices.one(of: outcomes) ?? .empty
            return .openTunnelResponse(OpenTunnelResponse(requestID: "\(id)", outcome: outcome))
        case 4: return .closeTunnelResponse(tunnelID: tunnel)
        case 5, 6:
            return .proxyConnectionRequest(
                ProxyConnectionRequest(
                    tunnelID: tunnel,
                    streamID: choices.number(below: 32) == 0 ? "" : "s\(choices.number(below: 16))",
                    secret: choices.bool() ? Secret("k") : nil,
                    proxyEndpoint: choices.one(of: [nil, nil, "other.example", "not an address"]) ?? nil
                )
            )
        case 7:
            let (sequence, answer) = (choices.number(below: 8) / 7, choices.number(below: 6))
            return .heartbeat(Heartbeat(sequence: UInt64(sequence), acknowledgement: UInt64(answer)))
        case 8: return choices.number(below: 8) == 0 ? .closeControlChannelResponse : .serverMessage("m")
        default: return (try? Message(payload: choices.take(choices.number(below: 64)))) ?? .unknown
        }
    }

    private func request(_ number: UInt8) -> RequestID { RequestID(high: 0, low: UInt64(number % 8)) }

    // MARK: The shell

    private mutating func requestTunnel() throws(Finding) {
        let id = request(choices.byte())
        // A shell never asks twice under one id.
        guard !requests.contains(id) else { return machine.tunnelAbandoned(abandon(id)) }
        switch machine.tunnelRequested(id, TunnelProperties()) {
        case .sendRequest:
            try demand(!isEnded, "a tunnel is asked for behind the end")
            requests.insert(id)
        case .fail: break
        }
    }

    private mutating func abandon(_ id: RequestID) -> RequestID {
        requests.remove(id)
        return id
    }

    private mutating func tunnelEvent() throws(Finding) {
        let tunnel = "t\(choices.number(below: 4))"
        if choices.bool() {
            guard case .sendRequest(let id) = machine.tunnelCloseRequested(tunnel) else { return }
            try demand(!isEnded && tunnels.contains(id), "\(id) is closed, and is not open")
        } else {
            guard case .endTunnel(let id) = machine.tunnelCloseTimedOut(tunnel) else { return }
            try demand(tunnels.remove(id) != nil, "\(id) ended, and is not open")
        }
    }

    private mutating func finishStream() throws(Finding) {
        guard let id = choices.one(of: running.sorted()) else { return }
        running.remove(id)
        switch machine.streamFinished(id, failure: choices.bool() ? "no" : nil) {
        case .doNothing: try demand(isEnded, "the stream \(id) is not answered")
        case .answer(let response):
            try demand(response.streamID == id && started.remove(id) != nil, "\(response) answers \(id)")
            unwritten.insert(id)
        case .end(let end): try ended(end)
        }
    }

    private mutating func writeAnswer() throws(Finding) {
        guard let id = choices.one(of: unwritten.sorted()) else { return }
        unwritten.remove(id)
        try next(machine.answerWritten(id))
    }

    private mutating func changeLimits() throws(Finding) {
        let (opening, pending) = (1 + choices.number(below: 3), choices.number(below: 4))
        for action in machine.limitsChanged(openingStreams: opening, pendingStreams: pending) { try next(action) }
    }

    private mutating func next(_ action: Machine.NextStreamAction) throws(Finding) {
        switch action {
        case .doNothing: break
        case .start(let request, _): try start(request)
        case .refuse(let request, _): try refuse(request)
        case .end(let end): try ended(end)
        }
    }

    private mutating func timer() throws(Finding) {
        switch choices.number(below: 4) {
        case 0: machine.heartbeatWritten()
        case 1:
            switch machine.heartbeatTimerFired(at: now) {
            case .doNothing: break
            case .send(_, let after), .skip(let after): try demand(!isEnded && after > .zero, "a timer of \(after)")
            case .end(let end): try ended(end)
            }
        case 2:
            switch machine.livenessTimerFired(at: now) {
            case .doNothing: break
            case .checkAgain(let after): try demand(!isEnded && after > .zero, "a timer of \(after)")
            case .end(let end): try ended(end)
            }
        default:
            switch machine.networkChanged(at: now) {
            case .doNothing: break
            case .probe(_, let after, let check):
                try demand(!isEnded && after > .zero && check ?? .seconds(1) > .zero, "a timer of \(after)")
            case .end(let end): try ended(end)
            }
        }
    }

    private mutating func end() throws(Finding) {
        let lost = RstreamError(code: .engineUnreachable, origin: .engine, retry: .afterBackoff, what: "reset")
        let action: Machine.EndAction
        switch choices.number(below: 16) {
        case 0: action = machine.connectionLost(lost)
        case 1: action = machine.malformed(.malformed)
        case 2: action = machine.openTimedOut(after: .seconds(1))
        case 3: action = machine.closeTimedOut()
        case 4: action = machine.abortRequested()
        case 5:
            if case .end(let end) = machine.closeRequested() { try ended(end) }
            return
        default:
            if case .sendRequest = machine.connected() { try demand(!isEnded, "a channel begins behind its end") }
            return
        }
        if case .end(let end) = action { try ended(end) }
    }

    // MARK: The account

    private mutating func start(_ request: ProxyConnectionRequest) throws(Finding) {
        let id = request.streamID
        try demand(!isEnded && tunnels.contains(request.tunnelID), "\(id) started on \(request.tunnelID)")
        try demand(started.insert(id).inserted && running.insert(id).inserted, "\(id) started twice")
        try demand(!unwritten.contains(id), "\(id) started before its last answer was written")
    }

    private mutating func refuse(_ request: ProxyConnectionRequest) throws(Finding) {
        let id = request.streamID
        try demand(!isEnded && !started.contains(id), "\(id) was refused after it was started")
        try demand(unwritten.insert(id).inserted, "\(id) was answered twice")
    }

    private mutating func ended(_ end: Machine.End) throws(Finding) {
        try demand(!isEnded, "a channel ended twice: \(end)")
        isEnded = true
        try demand(Set(end.requests) == requests, "requests end as \(end.requests), not \(requests.sorted())")
        try demand(Set(end.tunnels) == tunnels, "tunnels end as \(end.tunnels), not \(tunnels.sorted())")
        try demand(running.isSubset(of: end.handshakes), "handshakes end as \(end.handshakes), not \(running.sorted())")
        try demand(
            end.droppedStreams.allSatisfy { !started.contains($0.streamID) },
            "streams that were started are dropped: \(end.droppedStreams)"
        )
        (requests, tunnels, running) = ([], [], [])
        try demand(!end.cause.error.what.isEmpty, "the end has no words")
    }
}
