// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel
package import RstreamWire

/// What each input of the machine can cause.
extension ControlChannelStateMachine {
    /// The channel ended, and this ends with it. The shell carries it out in the order of the properties.
    package struct End: Equatable, Sendable {
        package let cause: ChannelEnd
        /// Tunnel requests without an answer: they fail.
        package let requests: [RequestID]
        /// Handshakes to stop. A stream whose answer is being written was handed over and lives on (PROTOCOL.md §13), or
        /// has failed.
        package let handshakes: [String]
        /// Streams that neither start nor are answered.
        package let droppedStreams: [ProxyConnectionRequest]
        /// Tunnels that were open or closing: no stream arrives on them any more.
        package let tunnels: [String]

        package init(
            _ cause: ChannelEnd,
            requests: [RequestID] = [],
            handshakes: [String] = [],
            droppedStreams: [ProxyConnectionRequest] = [],
            tunnels: [String] = []
        ) {
            self.cause = cause
            self.requests = requests
            self.handshakes = handshakes
            self.droppedStreams = droppedStreams
            self.tunnels = tunnels
        }
    }

    /// Of the inputs that end the channel or mean nothing.
    package enum EndAction: Equatable, Sendable {
        case doNothing
        case end(End)
    }

    package enum ConnectedAction: Equatable, Sendable {
        case doNothing
        /// Send the opening request, and call ``openTimedOut(after:)`` when its answer takes too long.
        case sendRequest(OpenControlChannelRequest)
    }

    /// What an engine agreed to when it opened the channel.
    package struct Accepted: Equatable, Sendable {
        package let clientID: String
        package let serverDetails: ServerDetails?
        package let liveness: Liveness
        /// When ``heartbeatTimerFired(at:)`` is due; nil without heartbeats.
        package let heartbeatAfter: Duration?
        /// When ``livenessTimerFired(at:)`` is due; nil where silence means nothing.
        package let livenessAfter: Duration?

        package init(clientID: String, serverDetails: ServerDetails?, liveness: Liveness) {
            self.clientID = clientID
            self.serverDetails = serverDetails
            self.liveness = liveness
            switch liveness {
            case .disabled: (heartbeatAfter, livenessAfter) = (nil, nil)
            case .legacy: (heartbeatAfter, livenessAfter) = (.zero, nil)
            case .negotiated(_, let timeout): (heartbeatAfter, livenessAfter) = (.zero, timeout)
            }
        }
    }

    package enum ReceivedAction: Equatable, Sendable {
        case doNothing
        case opened(Accepted)
        case openTunnel(RequestID, TunnelProperties)
        /// Fail the request. The engine granted a tunnel that cannot be used: give `unused` back.
        case failTunnel(RequestID, RstreamError, unused: String?)
        /// Close a tunnel that the engine granted too late.
        case giveBackTunnel(tunnelID: String)
        /// No stream arrives on this tunnel any more; without an error, because we closed it.
        case endTunnel(tunnelID: String, RstreamError?)
        /// Start the handshake, and call ``streamFinished(_:failure:)`` when it has ended.
        case startStream(ProxyConnectionRequest, StreamRoute)
        /// Answer that the stream is refused, and call ``answerWritten(_:)`` when that is written.
        case refuseStream(ProxyConnectionRequest, StreamRefusal)
        /// The last heartbeat was acknowledged after this long.
        case heartbeatAcknowledged(after: Duration)
        /// The engine has a message for the operator.
        case logServerMessage(String)
        case end(End)
    }

    package enum TunnelRequestedAction: Equatable, Sendable {
        case sendRequest(OpenTunnelRequest)
        case fail(RstreamError)
    }

    package enum TunnelCloseRequestedAction: Equatable, Sendable {
        case doNothing
        /// Ask the engine, and call ``tunnelCloseTimedOut(_:)`` when its answer takes too long.
        case sendRequest(tunnelID: String)
    }

    package enum TunnelCloseTimedOutAction: Equatable, Sendable {
        case doNothing
        /// No stream arrives on this tunnel any more, as it was asked for.
        case endTunnel(tunnelID: String)
    }

    package enum StreamFinishedAction: Equatable, Sendable {
        case doNothing
        /// Tell the engine how the handshake ended, and call ``answerWritten(_:)`` when that is written.
        case answer(ProxyConnectionResponse)
        case end(End)
    }

    /// What becomes of the stream that has waited longest.
    package enum NextStreamAction: Equatable, Sendable {
        case doNothing
        /// Start the handshake, and call ``streamFinished(_:failure:)`` when it has ended.
        case start(ProxyConnectionRequest, StreamRoute)
        /// Answer that the stream is refused, and call ``answerWritten(_:)`` when that is written.
        case refuse(ProxyConnectionRequest, StreamRefusal)
        case end(End)
    }

    package enum HeartbeatTimerAction: Equatable, Sendable {
        case doNothing
        /// Send a heartbeat, call ``heartbeatWritten()`` when it is written, and start the timer again.
        case send(Heartbeat, nextAfter: Duration)
        /// The heartbeat before is still being written: only start the timer again.
        case skip(nextAfter: Duration)
        case end(End)
    }

    package enum LivenessTimerAction: Equatable, Sendable {
        case doNothing
        case checkAgain(after: Duration)
        case end(End)
    }

    package enum NetworkChangedAction: Equatable, Sendable {
        case doNothing
        /// Send a heartbeat unless one is still being written, and start both timers again.
        case probe(Heartbeat?, nextAfter: Duration, checkLivenessAfter: Duration?)
        case end(End)
    }

    package enum CloseRequestedAction: Equatable, Sendable {
        case doNothing
        /// Send the closing request, and call ``closeTimedOut()`` when its answer takes too long.
        case sendRequest
        case end(End)
    }

    /// Why a stream is refused.
    package enum StreamRefusal: Hashable, Sendable {
        /// The channel or the tunnel is closing.
        case closing(String)
        /// As many streams are in their handshake, and wait for it, as the limits allow.
        case full
        /// The request does not say where to connect, or to a place that is not trusted.
        case unusable(StreamRoute.Refusal)

        /// The text of the answer to the engine.
        package var what: String {
            switch self {
            case .closing(let what): what
            case .full: "too many streams are being opened on this agent"
            case .unusable(let refusal): refusal.what
            }
        }

        /// The error that the operator sees.
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
}

extension ControlChannelStateMachine.Opening {
    /// Judges the first message of the engine, which must be the answer to the opening request.
    func answered(_ message: Message) -> Result<ControlChannelStateMachine.Accepted, ChannelEnd> {
        guard case .openControlChannelResponse(let response) = message else {
            return .failure(.violation(.unexpectedAnswer(awaited: "OpenControlChannelRsp", got: message.kind)))
        }
        switch response {
        case .error(let error): return .failure(.refused(error))
        case .empty:
            return .failure(.violation(.unexpectedAnswer(awaited: "OpenControlChannelRsp", got: "an empty one")))
        case .ok(let clientID, let serverDetails, let answered):
            return Liveness.negotiate(requested: heartbeatMilliseconds, answered: answered)
                .map { .init(clientID: clientID, serverDetails: serverDetails, liveness: $0) }
                .mapError { .violation($0) }
        }
    }
}
