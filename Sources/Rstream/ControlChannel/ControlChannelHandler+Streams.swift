// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamWire

/// The inbound streams of a control channel: starts their handshakes, refuses them, and logs why one failed.
extension ControlChannelHandler {
    func startStream(_ request: ProxyConnectionRequest, _ route: StreamRoute) {
        guard let context, let tunnel = tunnels[request.tunnelID] else { return }
        let half = engineHalves.engineHalf(
            for: EngineHalfRequest(request: request, route: route, controlAddress: address)
        )
        let stream = InboundStream(route, on: half.eventLoop)
        handshakes[request.streamID] = (request.tunnelID, stream)
        stream.answered.hop(to: context.eventLoop).assumeIsolated().whenSuccess { failure in
            if let failure { self.log(failure, of: request, route) } else { self.connectionFailures.succeeded() }
            self.handshakes.removeValue(forKey: request.streamID)
            self.run(self.machine.streamFinished(request.streamID, failure: failure?.answer))
        }
        stream.start(offer(request, of: tunnel), acceptor: tunnel.acceptor, engine: half.make)
    }

    func refuseStream(_ request: ProxyConnectionRequest, _ refusal: ControlChannelStateMachine.StreamRefusal) {
        streamRefused(request, refusal.error)
        let error = EngineError(code: .serviceUnavailable, message: refusal.what)
        write(.proxyConnectionResponse(ProxyConnectionResponse(streamID: request.streamID, error: error))) {
            self.answerWritten(request.streamID)
        }
    }

    /// Counts a stream that is not begun on its tunnel, if this channel has had that tunnel.
    func streamRefused(_ request: ProxyConnectionRequest, _ error: RstreamError) {
        if let tunnel = tunnels[request.tunnelID] ?? leaving[request.tunnelID] {
            tunnel.acceptor.streamRefused(offer(request, of: tunnel), error)
        }
        logger.debug(
            "stream not opened",
            metadata: [
                "stream_id": "\(request.streamID)", "tunnel_id": "\(request.tunnelID)", "error": "\(error)",
                "error_code": "\(error.code)",
            ]
        )
    }

    func answerWritten(_ streamID: String) {
        run(machine.answerWritten(streamID))
        if !machine.hasWaitingStreams { leaving = [:] }
    }

    func cancelHandshakes(of tunnelID: String, _ error: RstreamError) {
        for (_, handshake) in handshakes where handshake.tunnelID == tunnelID { handshake.stream.cancel(error) }
    }

    private func offer(_ request: ProxyConnectionRequest, of tunnel: OpenTunnel) -> StreamOffer {
        StreamOffer(
            streamID: request.streamID,
            tunnelID: request.tunnelID,
            source: request.source,
            port: tunnel.port
        )
    }

    /// Logs why a stream failed. Most failures are debug lines. The answer to the engine does not say where a redirect
    /// failed, so the first of a channel is a warning; and so is the first stream of a series that cannot connect to the
    /// engine while its control channel is open.
    private func log(_ failure: InboundStream.Failure, of request: ProxyConnectionRequest, _ route: StreamRoute) {
        var metadata: Logger.Metadata = [
            "stream_id": "\(request.streamID)", "tunnel_id": "\(request.tunnelID)", "error": "\(failure.error)",
            "error_code": "\(failure.error.code)",
        ]
        if let fix = failure.error.fix { metadata["fix"] = "\(fix)" }
        switch route {
        case .redirect(let address) where failure.stage == .connection:
            metadata["address"] = "\(address)"
            guard !hasLoggedRedirect else { return logger.debug("stream redirect failed", metadata: metadata) }
            logger.warning("stream redirect failed", metadata: metadata)
            hasLoggedRedirect = true
        case .engine where failure.stage == .connection && failure.error.code == .engineUnreachable:
            guard !hasEnded, connectionFailures.failed(at: .now) else {
                return logger.debug("stream not opened", metadata: metadata)
            }
            pendingFailure = metadata
        case .engine, .redirect: logger.debug("stream not opened", metadata: metadata)
        }
    }

    /// Called when the engine is heard from.
    func logPendingFailure() {
        guard let facts = pendingFailure else { return }
        pendingFailure = nil
        logger.warning("streams cannot reach the engine", metadata: facts)
    }
}
