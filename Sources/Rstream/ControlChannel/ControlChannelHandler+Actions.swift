// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import RstreamWire

/// Carries out what ``ControlChannelStateMachine`` decided: one `run` per type of action.
extension ControlChannelHandler {
    typealias Machine = ControlChannelStateMachine

    func run(_ action: Machine.ConnectedAction) {
        switch action {
        case .doNothing: break
        case .sendRequest(let request):
            startAnswerTimer(timeouts.answer) { self.run(self.machine.openTimedOut(after: self.timeouts.answer)) }
            send(.openControlChannelRequest(request))
        }
    }

    func run(_ action: Machine.ReceivedAction) {
        switch action {
        case .doNothing: break
        case .opened(let accepted): opened(accepted)
        case .openTunnel(let requestID, let properties): tunnelOpened(requestID, properties)
        case .failTunnel(let requestID, let error, let unused):
            failTunnel(requestID, error)
            if let unused { send(.closeTunnelRequest(tunnelID: unused)) }
        case .giveBackTunnel(let tunnelID): send(.closeTunnelRequest(tunnelID: tunnelID))
        case .endTunnel(let tunnelID, let error): endTunnel(tunnelID, error)
        case .startStream(let request, let route): startStream(request, route)
        case .refuseStream(let request, let refusal): refuseStream(request, refusal)
        case .heartbeatAcknowledged(let after):
            roundTrip = after
            onRoundTrip?(after)
        case .logServerMessage(let text): logServerMessage(text)
        case .end(let end): run(end)
        }
    }

    func run(_ action: Machine.TunnelRequestedAction, _ requestID: RequestID) {
        switch action {
        case .sendRequest(let request): send(.openTunnelRequest(request))
        case .fail(let error): failTunnel(requestID, error)
        }
    }

    func run(_ action: Machine.TunnelCloseRequestedAction) {
        switch action {
        case .doNothing: break
        case .sendRequest(let tunnelID):
            tunnels[tunnelID]?.closeTimer = schedule(timeouts.close) {
                self.run(self.machine.tunnelCloseTimedOut(tunnelID))
            }
            send(.closeTunnelRequest(tunnelID: tunnelID))
        }
    }

    func run(_ action: Machine.TunnelCloseTimedOutAction) {
        switch action {
        case .doNothing: break
        case .endTunnel(let tunnelID): endTunnel(tunnelID, nil)
        }
    }

    func run(_ action: Machine.StreamFinishedAction) {
        switch action {
        case .doNothing: break
        case .answer(let response):
            write(.proxyConnectionResponse(response)) { self.answerWritten(response.streamID) }
        case .end(let end): run(end)
        }
    }

    func run(_ action: Machine.NextStreamAction) {
        switch action {
        case .doNothing: break
        case .start(let request, let route): startStream(request, route)
        case .refuse(let request, let refusal): refuseStream(request, refusal)
        case .end(let end): run(end)
        }
    }

    func run(_ action: Machine.HeartbeatTimerAction) {
        switch action {
        case .doNothing: break
        case .send(let heartbeat, let nextAfter):
            send(heartbeat)
            startHeartbeatTimer(nextAfter)
        case .skip(let nextAfter): startHeartbeatTimer(nextAfter)
        case .end(let end): run(end)
        }
    }

    func run(_ action: Machine.LivenessTimerAction) {
        switch action {
        case .doNothing: break
        case .checkAgain(let after): startLivenessTimer(after)
        case .end(let end): run(end)
        }
    }

    func run(_ action: Machine.NetworkChangedAction) {
        switch action {
        case .doNothing: break
        case .probe(let heartbeat, let nextAfter, let checkLivenessAfter):
            if let checkLivenessAfter { startLivenessTimer(checkLivenessAfter) }
            if let heartbeat { send(heartbeat) }
            startHeartbeatTimer(nextAfter)
        case .end(let end): run(end)
        }
    }

    func run(_ action: Machine.CloseRequestedAction) {
        switch action {
        case .doNothing: break
        case .sendRequest:
            startAnswerTimer(timeouts.close) { self.run(self.machine.closeTimedOut()) }
            send(.closeControlChannelRequest)
        case .end(let end): run(end)
        }
    }

    func run(_ action: Machine.EndAction) {
        switch action {
        case .doNothing: break
        case .end(let end): run(end)
        }
    }

    private func run(_ end: Machine.End) {
        let error = end.cause.error
        for requestID in end.requests { failTunnel(requestID, error) }
        for streamID in end.handshakes {
            handshakes.removeValue(forKey: streamID)?.stream.cancel(ChannelEnd.closedByEngine.error)
        }
        for request in end.droppedStreams { streamRefused(request, ChannelEnd.closedByEngine.error) }
        for tunnelID in end.tunnels { endTunnel(tunnelID, error) }
        hasEnded = true
        engineHalves.channelEnded()
        for timer in [heartbeatTimer, livenessTimer, answerTimer] { timer?.cancel() }
        if let pendingFailure { logger.debug("stream not opened", metadata: pendingFailure) }
        openPromise.fail(error)
        ended.settle(end.cause)
        closeConnection(end.cause)
    }

    // MARK: Steps that actions share

    private func opened(_ accepted: Machine.Accepted) {
        answerTimer?.cancel()
        address = context?.channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
        engineHalves.channelOpened(at: address)
        openPromise.succeed(
            Opened(
                clientID: accepted.clientID,
                serverDetails: accepted.serverDetails,
                liveness: accepted.liveness
            )
        )
        if let after = accepted.heartbeatAfter { startHeartbeatTimer(after) }
        if let after = accepted.livenessAfter { startLivenessTimer(after) }
    }

    private func tunnelOpened(_ requestID: RequestID, _ properties: TunnelProperties) {
        guard let request = requests.removeValue(forKey: requestID), let id = properties.id else { return }
        let tunnel = OpenTunnel(acceptor: request.acceptor, port: properties.port.flatMap(UInt16.init(exactly:)))
        tunnels[id] = tunnel
        request.promise.succeed(TunnelGrant(properties: properties, ended: tunnel.ended))
    }

    private func failTunnel(_ requestID: RequestID, _ error: RstreamError) {
        requests.removeValue(forKey: requestID)?.promise.fail(error)
    }

    private func endTunnel(_ tunnelID: String, _ error: RstreamError?) {
        cancelHandshakes(of: tunnelID, error ?? Self.tunnelClosed)
        guard let tunnel = tunnels.removeValue(forKey: tunnelID) else { return }
        leaving = machine.hasWaitingStreams ? leaving.merging([tunnelID: tunnel]) { $1 } : [:]
        tunnel.acceptor.tunnelEnded(error)
        tunnel.closeTimer?.cancel()
        tunnel.ended.settle(error)
    }

    private func send(_ heartbeat: Heartbeat) {
        write(.heartbeat(heartbeat)) { self.machine.heartbeatWritten() }
    }

    private func startHeartbeatTimer(_ after: Duration) {
        heartbeatTimer?.cancel()
        heartbeatTimer = schedule(after) { self.run(self.machine.heartbeatTimerFired(at: .now)) }
    }

    private func startLivenessTimer(_ after: Duration) {
        livenessTimer?.cancel()
        livenessTimer = schedule(after) { self.run(self.machine.livenessTimerFired(at: .now)) }
    }

    /// The connection, the opening request and the closing request each have an answer that may take too long; never two
    /// at once.
    private func startAnswerTimer(_ timeout: Duration, _ timedOut: @escaping () -> Void) {
        answerTimer?.cancel()
        answerTimer = schedule(timeout, timedOut)
    }

    private func logServerMessage(_ text: String) {
        guard let suppressed = serverMessageRate.admits(at: .now) else { return }
        var metadata: Logger.Metadata = ["text": "\(text.prefix(1_000))"]
        if suppressed > 0 { metadata["unsaid"] = .stringConvertible(suppressed) }
        logger.notice("message from the engine", metadata: metadata)
    }

    // MARK: The end of the connection

    private func closeConnection(_ cause: ChannelEnd) {
        switch cause {
        case .closedByUs(answered: true), .closedByEngine, .refused: context?.close(promise: nil)
        case .lost where engineHasClosed: closeInOrder()
        case .closedByUs(answered: false), .lost, .silent, .stalled, .violation, .openTimeout:
            // An engine that does not read would keep an orderly close waiting for ever.
            context?.channel.abort()
        }
    }

    /// Answers the engine's close in order, for a limited time: an engine that does not read would delay it for ever.
    private func closeInOrder() {
        guard let context else { return }
        let channel = context.channel
        let timer = schedule(timeouts.close) { channel.abort() }
        channel.closeFuture.whenComplete { _ in timer?.cancel() }
        context.close(promise: nil)
    }
}
