// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel
import RstreamWire

/// Statistics of a running engine; also the response to `GET /api/dev/stats`.
package struct DevEngineStatistics: Encodable, Sendable {
    /// Agents with an open control channel.
    package var clients = 0
    /// Granted tunnels.
    package var tunnels = 0
    /// Visitors that wait for their agent.
    package var waitingStreams = 0
    /// Streams that are relayed now.
    package var relays = 0
    /// Sockets of every kind, listeners excepted.
    package var connections = 0
    /// Sockets that were accepted since the start.
    package var connectionsTotal = 0
    /// Streams that were relayed since the start.
    package var relaysTotal = 0
    /// Control channels that were opened since the start.
    package var controlConnectsTotal = 0
    /// Heartbeats that arrived since the start; ``messages`` does not contain them.
    package var heartbeatsTotal = 0
    /// The last hundred messages of agents and dialers, oldest first.
    package var messages: [AgentMessage] = []

    private enum CodingKeys: String, CodingKey {
        case clients, tunnels, relays, connections, messages
        case waitingStreams = "waiting_streams"
        case connectionsTotal = "connections_total"
        case relaysTotal = "relays_total"
        case controlConnectsTotal = "control_connects_total"
        case heartbeatsTotal = "heartbeats_total"
    }
}

/// One received message: its kind and the fields that tests need. Credentials are not kept, only whether one was sent.
package struct AgentMessage: Encodable, Sendable {
    package var kind: String
    package var clientID: String?
    package var requestID: String?
    package var tunnelID: String?
    package var streamID: String?
    package var target: String?
    package var zeroRTT: Bool?
    package var hasToken: Bool?
    package var agent: String?
    package var protocolVersion: String?
    package var heartbeatInterval: UInt32?
    package var errorCode: Int?
    package var errorMessage: String?
    package var properties: TunnelProperties?

    private enum CodingKeys: String, CodingKey {
        case kind, target, agent, properties
        case clientID = "client_id"
        case requestID = "request_id"
        case tunnelID = "tunnel_id"
        case streamID = "stream_id"
        case zeroRTT = "zero_rtt"
        case hasToken = "has_token"
        case protocolVersion = "protocol_version"
        case heartbeatInterval = "heartbeat_interval_ms"
        case errorCode = "error_code"
        case errorMessage = "error_message"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encodeIfPresent(clientID, forKey: .clientID)
        try container.encodeIfPresent(requestID, forKey: .requestID)
        try container.encodeIfPresent(tunnelID, forKey: .tunnelID)
        try container.encodeIfPresent(streamID, forKey: .streamID)
        try container.encodeIfPresent(target, forKey: .target)
        try container.encodeIfPresent(zeroRTT, forKey: .zeroRTT)
        try container.encodeIfPresent(hasToken, forKey: .hasToken)
        try container.encodeIfPresent(agent, forKey: .agent)
        try container.encodeIfPresent(protocolVersion, forKey: .protocolVersion)
        try container.encodeIfPresent(heartbeatInterval, forKey: .heartbeatInterval)
        try container.encodeIfPresent(errorCode, forKey: .errorCode)
        try container.encodeIfPresent(errorMessage, forKey: .errorMessage)
        try container.encodeIfPresent(properties.map(PropertiesDocument.init), forKey: .properties)
    }

    init(_ message: Message, from client: AgentSession?) {
        kind = message.kind
        clientID = client?.id
        switch message {
        case .openControlChannelRequest(let request):
            take(request.details)
            heartbeatInterval = request.liveness?.intervalMilliseconds
        case .openTunnelRequest(let request):
            requestID = request.requestID
            properties = request.properties
        case .closeTunnelRequest(let id): tunnelID = id
        case .proxyConnectionResponse(let response):
            streamID = response.streamID
            errorCode = response.error?.code.rawValue
            errorMessage = response.error?.message
        case .proxyRequest(let request):
            take(request.details)
            streamID = request.streamID
            zeroRTT = request.zeroRTT
        case .streamRequest(let request):
            take(request.details)
            target = request.tunnelIDOrName
            zeroRTT = request.zeroRTT
        default: break
        }
    }

    private mutating func take(_ details: ClientDetails) {
        hasToken = details.token != nil
        agent = details.agent
        protocolVersion = details.protocolVersion
    }
}

extension Engine {
    /// Monotonic counters, and the latest messages.
    struct Counters {
        var connections = 0
        var controlConnects = 0
        var relays = 0
        var heartbeats = 0
        var messages: [AgentMessage] = []
    }

    var statistics: DevEngineStatistics {
        var statistics = DevEngineStatistics()
        statistics.clients = clients.count
        statistics.tunnels = tunnels.count
        statistics.waitingStreams = offeredStreams.count
        statistics.relays = relayedStreams.count
        statistics.connections = connections.count
        statistics.connectionsTotal = counters.connections
        statistics.relaysTotal = counters.relays
        statistics.controlConnectsTotal = counters.controlConnects
        statistics.heartbeatsTotal = counters.heartbeats
        statistics.messages = counters.messages
        return statistics
    }

    /// Records a message of an agent or a dialer.
    func record(_ message: Message, from client: AgentSession? = nil) {
        if case .heartbeat = message {
            counters.heartbeats += 1
        } else {
            if counters.messages.count == EngineLimits.messageLog { counters.messages.removeFirst() }
            counters.messages.append(AgentMessage(message, from: client))
        }
        changed()
    }
}
