// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel
internal import RstreamWire

extension ControlChannelStateMachine {
    /// What an input means for a channel that the engine has opened: the channel goes on, or it ends.
    enum Outcome<Action> {
        case goesOn(Action)
        /// `unanswered` is the stream request that brought the end about and gets no answer.
        case ends(ChannelEnd, unanswered: ProxyConnectionRequest? = nil)
    }

    /// What an open channel and one that is closing share. It never changes the state of the channel: it says which
    /// action follows, or why the channel ends.
    package struct Established: Equatable, Sendable {
        var heartbeats: HeartbeatStateMachine
        var tunnels: TunnelTable
        var streams: InboundStreamTable

        init(_ liveness: Liveness, limits: ControlChannelLimits, at now: ContinuousClock.Instant) {
            heartbeats = HeartbeatStateMachine(liveness: liveness, openedAt: now)
            tunnels = TunnelTable(abandonedLimit: limits.abandonedTunnels)
            streams = InboundStreamTable(limits)
        }

        /// Everything that ends with the channel.
        consuming func end(_ cause: ChannelEnd, _ unanswered: ProxyConnectionRequest? = nil) -> End {
            let (requests, openTunnels) = tunnels.ended()
            let (handshakes, waiting) = streams.ended()
            return End(
                cause,
                requests: requests,
                handshakes: handshakes,
                droppedStreams: (unanswered.map { [$0] } ?? []) + waiting,
                tunnels: openTunnels
            )
        }
    }
}

extension ControlChannelStateMachine.Established {
    typealias Machine = ControlChannelStateMachine
    typealias Outcome = ControlChannelStateMachine.Outcome

    // MARK: Messages of the engine

    mutating func received(
        _ message: Message,
        at now: ContinuousClock.Instant,
        isClosing: Bool
    ) -> Outcome<Machine.ReceivedAction> {
        heartbeats.frameReceived(at: now)
        switch message {
        case .openTunnelResponse(let response): return .goesOn(tunnelAnswered(response))
        case .closeTunnelResponse(let tunnelID):
            switch tunnels.closed(tunnelID) {
            case .asked: return .goesOn(.endTunnel(tunnelID: tunnelID, nil))
            case .unprompted: return .goesOn(.endTunnel(tunnelID: tunnelID, Self.tunnelEndedByEngine))
            case .unknown: return .goesOn(.doNothing)
            }
        case .proxyConnectionRequest(let request): return streamRequested(request, isClosing: isClosing)
        case .heartbeat(let heartbeat):
            if let violation = heartbeats.received(heartbeat) { return .ends(.violation(violation)) }
            return .goesOn(heartbeats.roundTrip.map { .heartbeatAcknowledged(after: $0) } ?? .doNothing)
        case .closeControlChannelResponse: return .ends(isClosing ? .closedByUs(answered: true) : .closedByEngine)
        case .serverMessage(let text): return .goesOn(.logServerMessage(text))
        case .openControlChannelRequest, .openControlChannelResponse, .closeControlChannelRequest,
            .openTunnelRequest, .closeTunnelRequest, .proxyConnectionResponse, .proxyRequest, .proxyResponse,
            .streamRequest, .streamResponse, .datagramChannelClose, .unknown:
            // A kind that is not expected here, or not known yet, is ignored (PROTOCOL.md §2).
            return .goesOn(.doNothing)
        }
    }

    private mutating func tunnelAnswered(_ response: OpenTunnelResponse) -> Machine.ReceivedAction {
        switch tunnels.answered(response) {
        case .opened(let requestID, let properties): .openTunnel(requestID, properties)
        case .failed(let requestID, let error, let unused): .failTunnel(requestID, error, unused: unused)
        case .giveBack(let tunnelID): .giveBackTunnel(tunnelID: tunnelID)
        case .ignored: .doNothing
        }
    }

    private mutating func streamRequested(
        _ request: ProxyConnectionRequest,
        isClosing: Bool
    ) -> Outcome<Machine.ReceivedAction> {
        // Without an id no answer can name it (PROTOCOL.md §6).
        guard !request.streamID.isEmpty else { return .ends(.violation(.missingStreamID)) }
        // Another answer under an id in use would end the stream that has it.
        guard !streams.contains(request.streamID) else { return .goesOn(.doNothing) }
        if let refusal = refusal(of: request, isClosing: isClosing, closed: "the tunnel is not open on this agent") {
            return answer(request, with: .refuseStream(request, refusal))
        }
        let route: StreamRoute
        switch StreamRoute.route(of: request) {
        case .success(let found): route = found
        case .failure(let refusal): return answer(request, with: .refuseStream(request, .unusable(refusal)))
        }
        switch streams.requested(request, route) {
        case .start: return .goesOn(.startStream(request, route))
        case .wait: return .goesOn(.doNothing)
        case .refuse: return answer(request, with: .refuseStream(request, .full))
        }
    }

    // MARK: Streams

    mutating func streamFinished(_ streamID: String, failure: String?) -> Outcome<Machine.StreamFinishedAction> {
        guard streams.awaitsAnswer(streamID) else { return .goesOn(.doNothing) }
        guard streams.answered(streamID) else { return .ends(.stalled) }
        let error = failure.map { EngineError(code: .serviceUnavailable, message: $0) }
        return .goesOn(.answer(ProxyConnectionResponse(streamID: streamID, error: error)))
    }

    mutating func answerWritten(_ streamID: String, isClosing: Bool) -> Outcome<Machine.NextStreamAction> {
        guard let next = streams.answerWritten(streamID) else { return .goesOn(.doNothing) }
        return start(next.request, next.route, isClosing: isClosing)
    }

    /// Starts the stream that has waited longest, or refuses it, if there is room for it.
    mutating func startNextStream(isClosing: Bool) -> Outcome<Machine.NextStreamAction> {
        guard let next = streams.next() else { return .goesOn(.doNothing) }
        return start(next.request, next.route, isClosing: isClosing)
    }

    private mutating func start(
        _ request: ProxyConnectionRequest,
        _ route: StreamRoute,
        isClosing: Bool
    ) -> Outcome<Machine.NextStreamAction> {
        // It may have waited for longer than its tunnel lived.
        if let refusal = refusal(of: request, isClosing: isClosing, closed: "the tunnel was closed") {
            return answer(request, with: .refuse(request, refusal))
        }
        return .goesOn(.start(request, route))
    }

    private func refusal(
        of request: ProxyConnectionRequest,
        isClosing: Bool,
        closed what: String
    ) -> Machine.StreamRefusal? {
        if isClosing { return .closing("the control channel is closing") }
        return tunnels.accepts(request.tunnelID) ? nil : .closing(what)
    }

    /// Answers a request, unless the engine takes no answers.
    private mutating func answer<Action>(_ request: ProxyConnectionRequest, with action: Action) -> Outcome<Action> {
        streams.answered(request.streamID) ? .goesOn(action) : .ends(.stalled, unanswered: request)
    }

    // MARK: Liveness

    mutating func heartbeatTimerFired(at now: ContinuousClock.Instant) -> Outcome<Machine.HeartbeatTimerAction> {
        guard let interval = heartbeats.liveness.interval else { return .goesOn(.doNothing) }
        switch heartbeats.due(at: now) {
        case .send(let heartbeat): return .goesOn(.send(heartbeat, nextAfter: interval))
        case .skip: return .goesOn(.skip(nextAfter: interval))
        case .stalled: return .ends(.stalled)
        }
    }

    func livenessTimerFired(at now: ContinuousClock.Instant) -> Outcome<Machine.LivenessTimerAction> {
        switch heartbeats.judge(at: now) {
        case .alive(let again): .goesOn(.checkAgain(after: again))
        case .dead(let silence): .ends(.silent(silence))
        case nil: .goesOn(.doNothing)
        }
    }

    mutating func networkChanged(at now: ContinuousClock.Instant) -> Outcome<Machine.NetworkChangedAction> {
        guard let interval = heartbeats.liveness.interval else { return .goesOn(.doNothing) }
        let checkAgain: Duration?
        switch heartbeats.judge(at: now) {
        case .alive(let again): checkAgain = again
        case .dead(let silence): return .ends(.silent(silence))
        case nil: checkAgain = nil
        }
        switch heartbeats.due(at: now) {
        case .send(let heartbeat):
            return .goesOn(.probe(heartbeat, nextAfter: interval, checkLivenessAfter: checkAgain))
        case .skip: return .goesOn(.probe(nil, nextAfter: interval, checkLivenessAfter: checkAgain))
        case .stalled: return .ends(.stalled)
        }
    }

    private static let tunnelEndedByEngine = RstreamError(
        code: .tunnelClosed,
        origin: .engine,
        retry: .afterBackoff,
        what: "the engine ended the tunnel"
    )
}
