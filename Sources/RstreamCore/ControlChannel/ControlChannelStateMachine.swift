package import RstreamModel
package import RstreamWire

/// Decides what a control channel does, from its opening request to its end (PROTOCOL.md §3 to §6, §13).
///
/// Inputs are facts: a message came, a timer fired, a stream's handshake ended. Each returns what the shell has to
/// do, in order. The machine owns no connection and no timer; it composes the heartbeat counter, the tunnels and the
/// admission of streams, and is the only place that knows which of them may act in which phase. Messages of the
/// engine succeed, are ignored, fail one tunnel or stream, or end the channel; nothing else can happen to them.
package struct ControlChannelStateMachine: Sendable {
    private enum Phase: Hashable, Sendable {
        case opening
        case open
        /// The closing request was sent.
        case closing
        case ended(ChannelEnd)
    }

    package enum Action: Hashable, Sendable {
        case send(Message)
        /// The channel is open. The first heartbeat is due at once unless heartbeats are disabled.
        case opened(clientID: String, ServerDetails?, Liveness)
        case sendHeartbeat(Heartbeat)
        case scheduleHeartbeat(after: Duration)
        /// The last heartbeat was acknowledged after this long.
        case heartbeatAnswered(after: Duration)
        case scheduleLiveness(after: Duration)
        case tunnelOpened(requestID: RequestID, TunnelProperties)
        case tunnelFailed(requestID: RequestID, RstreamError)
        /// No stream arrives on this tunnel any more; nil means that it was asked for.
        case tunnelEnded(tunnelID: String, RstreamError?)
        /// Start the handshake; the answer is awaited.
        case startStream(ProxyConnectionRequest, StreamRoute)
        /// Stop a handshake that nobody will be told about.
        case abandonStream(streamID: String)
        /// Tell the engine that the stream is not even begun, and its tunnel why; report when that was written.
        case refuseStream(ProxyConnectionRequest, Refusal)
        /// The channel ended before the stream's turn came.
        case dropStream(ProxyConnectionRequest)
        /// Tell the engine how the stream's handshake ended, and report when that was written.
        case answerStream(ProxyConnectionResponse)
        case serverMessage(String)
        /// Close the connection. Nothing follows.
        case end(ChannelEnd)
    }

    /// Why a stream is not begun.
    package enum Refusal: Hashable, Sendable {
        /// The channel or the tunnel is going.
        case closing(String)
        /// As many streams are being opened as may be.
        case full
        /// Nothing can be dialed for it.
        case unusable(StreamRoute.Refusal)

        /// The text of the answer to the engine.
        package var what: String {
            switch self {
            case .closing(let what): what
            case .full: "too many streams are being opened on this agent"
            case .unusable(let refusal): refusal.what
            }
        }

        /// What an operator is told about it.
        package var error: RstreamError {
            switch self {
            case .closing: RstreamError(code: .tunnelClosed, origin: .host, retry: .never, what: what)
            case .full:
                RstreamError(
                    code: .overload,
                    origin: .host,
                    retry: .afterBackoff,
                    what: "too many streams are being opened at once",
                    fix: "raise limits.openingStreams or limits.pendingStreams"
                )
            case .unusable: RstreamError(code: .protocolViolation, origin: .engine, retry: .never, what: what)
            }
        }
    }

    private var phase: Phase = .opening
    private let details: ClientDetails
    private let requestedInterval: UInt32?
    private let limits: ControlChannelLimits
    private var heartbeats: HeartbeatStateMachine?
    private var tunnels: TunnelTable
    private var admission: AdmissionStateMachine<(ProxyConnectionRequest, StreamRoute)>
    /// Streams whose answer was handed over and not written yet. Their ids are still in use.
    private var answering: Set<String> = []

    /// A channel that asks for heartbeats every `heartbeatMilliseconds`, or for none.
    package init(details: ClientDetails, heartbeatMilliseconds: UInt32?, limits: ControlChannelLimits) {
        self.details = details
        self.limits = limits
        requestedInterval = heartbeatMilliseconds
        tunnels = TunnelTable(abandonedLimit: limits.abandonedTunnels)
        admission = AdmissionStateMachine(active: limits.openingStreams, pending: limits.pendingStreams)
    }

    /// The first frame of the connection.
    package var openingRequest: Message {
        .openControlChannelRequest(
            OpenControlChannelRequest(
                details: details,
                liveness: requestedInterval.map { WireLiveness(intervalMilliseconds: $0) }
            )
        )
    }

    // MARK: What the engine says

    package mutating func received(_ message: Message, at now: ContinuousClock.Instant) -> [Action] {
        switch phase {
        case .opening: return receivedWhileOpening(message, at: now)
        case .open, .closing:
            heartbeats?.frameReceived(at: now)
            return receivedWhileOpen(message)
        case .ended: return []
        }
    }

    /// Bytes came that are no frame.
    package mutating func malformed(_ error: FrameError) -> [Action] {
        end(.violation(.frame(error)))
    }

    private mutating func receivedWhileOpening(_ message: Message, at now: ContinuousClock.Instant) -> [Action] {
        guard case .openControlChannelResponse(let response) = message else {
            return end(.violation(.unexpectedAnswer(awaited: "OpenControlChannelRsp", got: message.kind)))
        }
        switch response {
        case .error(let error): return end(.refused(error))
        case .empty:
            return end(.violation(.unexpectedAnswer(awaited: "OpenControlChannelRsp", got: "an empty one")))
        case .ok(let clientID, let serverDetails, let answered):
            switch Liveness.negotiate(requested: requestedInterval, answered: answered) {
            case .failure(let violation): return end(.violation(violation))
            case .success(let liveness):
                phase = .open
                heartbeats = HeartbeatStateMachine(liveness: liveness, openedAt: now)
                return [.opened(clientID: clientID, serverDetails, liveness)] + timers(for: liveness)
            }
        }
    }

    private func timers(for liveness: Liveness) -> [Action] {
        switch liveness {
        case .disabled: []
        case .legacy: [.scheduleHeartbeat(after: .zero)]
        case .negotiated(_, let timeout): [.scheduleHeartbeat(after: .zero), .scheduleLiveness(after: timeout)]
        }
    }

    private mutating func receivedWhileOpen(_ message: Message) -> [Action] {
        switch message {
        case .openTunnelResponse(let response): return tunnelAnswered(response)
        case .closeTunnelResponse(let tunnelID):
            switch tunnels.closed(tunnelID) {
            case .asked: return [.tunnelEnded(tunnelID: tunnelID, nil)]
            case .unprompted: return [.tunnelEnded(tunnelID: tunnelID, Self.tunnelEndedByEngine)]
            case .unknown: return []
            }
        case .proxyConnectionRequest(let request): return streamRequested(request)
        case .heartbeat(let heartbeat):
            guard let violation = heartbeats?.received(heartbeat) else {
                return heartbeats?.roundTrip.map { [.heartbeatAnswered(after: $0)] } ?? []
            }
            return end(.violation(violation))
        case .closeControlChannelResponse:
            return end(phase == .closing ? .closedByUs(answered: true) : .closedByEngine)
        case .serverMessage(let text): return [.serverMessage(text)]
        case .openControlChannelRequest, .openControlChannelResponse, .closeControlChannelRequest,
            .openTunnelRequest, .closeTunnelRequest, .proxyConnectionResponse, .proxyRequest, .proxyResponse,
            .streamRequest, .streamResponse, .datagramChannelClose, .unknown:
            // A kind that is not expected here, or not known yet, is ignored (PROTOCOL.md §2).
            return []
        }
    }

    private mutating func tunnelAnswered(_ response: OpenTunnelResponse) -> [Action] {
        switch tunnels.answered(response) {
        case .opened(let requestID, let properties):
            return [.tunnelOpened(requestID: requestID, properties)]
        case .failed(let requestID, let error, let unused):
            return [.tunnelFailed(requestID: requestID, error)]
                + (unused.map { [.send(.closeTunnelRequest(tunnelID: $0))] } ?? [])
        case .giveBack(let tunnelID): return [.send(.closeTunnelRequest(tunnelID: tunnelID))]
        case .ignored: return []
        }
    }

    private mutating func streamRequested(_ request: ProxyConnectionRequest) -> [Action] {
        // Without an id no answer can name it (PROTOCOL.md §6).
        guard !request.streamID.isEmpty else { return end(.violation(.missingStreamID)) }
        // Another answer under an id in use would end the stream that has it.
        guard !answering.contains(request.streamID), !admission.contains(request.streamID) else { return [] }
        guard phase == .open else { return refuse(request, .closing("the control channel is closing")) }
        guard tunnels.accepts(request.tunnelID) else {
            return refuse(request, .closing("the tunnel is not open on this agent"))
        }
        let route: StreamRoute
        switch StreamRoute.route(of: request) {
        case .success(let found): route = found
        case .failure(let refusal): return refuse(request, .unusable(refusal))
        }
        switch admission.requested(request.streamID, (request, route)) {
        case .start: return [.startStream(request, route)]
        case .wait, .ignore: return []
        case .refuse: return refuse(request, .full)
        }
    }

    private mutating func refuse(_ request: ProxyConnectionRequest, _ refusal: Refusal) -> [Action] {
        answering.insert(request.streamID)
        let stalled = stall()
        return stalled.isEmpty ? [.refuseStream(request, refusal)] : [.dropStream(request)] + stalled
    }

    private mutating func answer(_ response: ProxyConnectionResponse) -> [Action] {
        answering.insert(response.streamID)
        let stalled = stall()
        return stalled.isEmpty ? [.answerStream(response)] : stalled
    }

    /// Ends the channel of an engine that takes no answers.
    private mutating func stall() -> [Action] {
        answering.count <= limits.unwrittenAnswers ? [] : end(.stalled)
    }

    /// Whether a stream waits for its start, perhaps for longer than its tunnel lives.
    package var hasWaitingStreams: Bool { admission.hasWaiting }

    // MARK: What the program above wants

    package mutating func tunnelRequested(_ requestID: RequestID, _ properties: TunnelProperties) -> [Action] {
        switch phase {
        case .open:
            tunnels.openRequested(requestID)
            return [.send(.openTunnelRequest(OpenTunnelRequest(requestID: "\(requestID)", properties: properties)))]
        case .opening, .closing:
            return [.tunnelFailed(requestID: requestID, ChannelEnd.closedByUs(answered: true).error)]
        case .ended(let cause):
            return [.tunnelFailed(requestID: requestID, cause.error)]
        }
    }

    package mutating func tunnelAbandoned(_ requestID: RequestID) {
        tunnels.openAbandoned(requestID)
    }

    package mutating func tunnelCloseRequested(_ tunnelID: String) -> [Action] {
        guard phase == .open || phase == .closing, tunnels.closeRequested(tunnelID) else { return [] }
        return [.send(.closeTunnelRequest(tunnelID: tunnelID))]
    }

    /// The engine did not say in time that it has closed the tunnel. Whether it has or not, nothing of it is taken.
    package mutating func tunnelCloseTimedOut(_ tunnelID: String) -> [Action] {
        tunnels.closeTimedOut(tunnelID) ? [.tunnelEnded(tunnelID: tunnelID, nil)] : []
    }

    package mutating func closeRequested() -> [Action] {
        switch phase {
        case .opening: return end(.closedByUs(answered: false))
        case .open:
            phase = .closing
            return [.send(.closeControlChannelRequest)]
        case .closing, .ended: return []
        }
    }

    /// Ends now, without a word to the engine.
    package mutating func abortRequested() -> [Action] {
        end(.closedByUs(answered: false))
    }

    /// The engine did not answer the closing request in time.
    package mutating func closeTimedOut() -> [Action] {
        phase == .closing ? end(.closedByUs(answered: false)) : []
    }

    // MARK: How streams went

    /// A handshake ended: the stream was handed over, or failed with this text.
    package mutating func streamFinished(_ streamID: String, failure: String?) -> [Action] {
        guard phase == .open || phase == .closing, admission.isRunning(streamID), !answering.contains(streamID) else {
            return []
        }
        return answer(
            ProxyConnectionResponse(
                streamID: streamID,
                error: failure.map { EngineError(code: .serviceUnavailable, message: $0) }
            )
        )
    }

    /// The answer left for the network, which frees the stream's place.
    package mutating func answerWritten(_ streamID: String) -> [Action] {
        guard phase == .open || phase == .closing, answering.remove(streamID) != nil else { return [] }
        guard let (request, route) = admission.finished(streamID) else { return [] }
        return start(request, route)
    }

    private mutating func start(_ request: ProxyConnectionRequest, _ route: StreamRoute) -> [Action] {
        guard phase == .open else { return refuse(request, .closing("the control channel is closing")) }
        // It may have waited for longer than its tunnel lived.
        guard tunnels.accepts(request.tunnelID) else { return refuse(request, .closing("the tunnel was closed")) }
        return [.startStream(request, route)]
    }

    /// As many streams may be in their handshakes, and wait for that, from now on.
    package mutating func limitsChanged(openingStreams: Int, pendingStreams: Int) -> [Action] {
        admission.limitsChanged(active: openingStreams, pending: pendingStreams).flatMap { start($0.0, $0.1) }
    }

    // MARK: Time and the connection

    package mutating func heartbeatTimerFired(at now: ContinuousClock.Instant) -> [Action] {
        guard phase == .open || phase == .closing, let liveness = heartbeats?.liveness else { return [] }
        let interval: Duration
        switch liveness {
        case .disabled: return []
        case .legacy(let every), .negotiated(let every, _): interval = every
        }
        switch heartbeats?.due(at: now) {
        case .send(let heartbeat): return [.sendHeartbeat(heartbeat), .scheduleHeartbeat(after: interval)]
        case .skip: return [.scheduleHeartbeat(after: interval)]
        case .stalled: return end(.stalled)
        case nil: return []
        }
    }

    package mutating func heartbeatWritten() {
        heartbeats?.written()
    }

    package mutating func livenessTimerFired(at now: ContinuousClock.Instant) -> [Action] {
        guard phase == .open || phase == .closing else { return [] }
        switch heartbeats?.judge(at: now) {
        case .alive(let again): return [.scheduleLiveness(after: again)]
        case .dead(let silence): return end(.silent(silence))
        case nil: return []
        }
    }

    /// The host has other addresses or routes now, or has slept. What the timers would find out later is found out now,
    /// and a heartbeat makes an engine, or a router, that knows nothing of this connection any more say so.
    package mutating func networkChanged(at now: ContinuousClock.Instant) -> [Action] {
        let judged = livenessTimerFired(at: now)
        return judged + heartbeatTimerFired(at: now)
    }

    /// The opening request was not answered within `duration`.
    package mutating func openTimedOut(after duration: Duration) -> [Action] {
        phase == .opening ? end(.openTimeout(duration)) : []
    }

    package mutating func connectionLost(_ error: RstreamError) -> [Action] {
        // An engine may close instead of answering the closing request.
        end(phase == .closing ? .closedByUs(answered: false) : .lost(error))
    }

    private mutating func end(_ cause: ChannelEnd) -> [Action] {
        if case .ended = phase { return [] }
        phase = .ended(cause)
        let error = cause.error
        let (requests, open) = tunnels.ended()
        // A stream whose answer is on its way was handed over and lives on (PROTOCOL.md §13), or has failed.
        let waiting = admission.waiting
        let handshakes = admission.ended().filter { !answering.contains($0) }
        return requests.map { .tunnelFailed(requestID: $0, error) }
            + handshakes.map { .abandonStream(streamID: $0) }
            + waiting.map { .dropStream($0.0) }
            + open.map { .tunnelEnded(tunnelID: $0, error) }
            + [.end(cause)]
    }

    private static let tunnelEndedByEngine = RstreamError(
        code: .tunnelClosed,
        origin: .engine,
        retry: .afterBackoff,
        what: "the engine ended the tunnel"
    )
}
