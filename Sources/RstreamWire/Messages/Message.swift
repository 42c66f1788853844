// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// The message of one frame (PROTOCOL.md §3 to §10).
///
/// The kinds are the schema's, the names of their fields this project's. Text fields that the schema always carries are
/// plain strings, because empty and absent are the same on the wire; wrapped ones are optionals.
package enum Message: Hashable, Sendable {
    case openControlChannelRequest(OpenControlChannelRequest)
    case openControlChannelResponse(OpenControlChannelResponse)
    case closeControlChannelRequest
    case closeControlChannelResponse
    case openTunnelRequest(OpenTunnelRequest)
    case openTunnelResponse(OpenTunnelResponse)
    case closeTunnelRequest(tunnelID: String)
    case closeTunnelResponse(tunnelID: String)
    case proxyConnectionRequest(ProxyConnectionRequest)
    case proxyConnectionResponse(ProxyConnectionResponse)
    case proxyRequest(ProxyRequest)
    case proxyResponse(error: EngineError?)
    case streamRequest(StreamRequest)
    case streamResponse(StreamResponse)
    case heartbeat(Heartbeat)
    case serverMessage(String)
    case datagramChannelClose(streamID: String, error: EngineError?)
    /// No payload, or a kind that this schema level does not know.
    case unknown
}

/// First frame of a control channel (PROTOCOL.md §3).
package struct OpenControlChannelRequest: Hashable, Sendable {
    package var details: ClientDetails
    /// Nil when the client wants no heartbeats.
    package var liveness: WireLiveness?

    package init(details: ClientDetails, liveness: WireLiveness?) {
        self.details = details
        self.liveness = liveness
    }
}

/// Liveness as it is on the wire, in milliseconds and not validated (PROTOCOL.md §3).
package struct WireLiveness: Hashable, Sendable {
    package var intervalMilliseconds: UInt32
    /// Zero in a request.
    package var timeoutMilliseconds: UInt32

    package init(intervalMilliseconds: UInt32, timeoutMilliseconds: UInt32 = 0) {
        self.intervalMilliseconds = intervalMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

package enum OpenControlChannelResponse: Hashable, Sendable {
    case ok(clientID: String, serverDetails: ServerDetails?, liveness: WireLiveness?)
    case error(EngineError)
    /// Neither: a protocol error that fails the request.
    case empty
}

package struct OpenTunnelRequest: Hashable, Sendable {
    package var requestID: String
    package var properties: TunnelProperties

    package init(requestID: String, properties: TunnelProperties) {
        self.requestID = requestID
        self.properties = properties
    }
}

package struct OpenTunnelResponse: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        case granted(TunnelProperties)
        case error(EngineError)
        /// Neither: a protocol error that fails this request only.
        case empty
        /// A grant with an invalid property: a protocol error that fails this request only. The id is nil when it is
        /// invalid too.
        case unusable(tunnelID: String?, FieldError)
    }

    package var requestID: String
    package var outcome: Outcome

    package init(requestID: String, outcome: Outcome) {
        self.requestID = requestID
        self.outcome = outcome
    }
}

/// The engine asks for a connection that serves one inbound stream (PROTOCOL.md §6).
package struct ProxyConnectionRequest: Hashable, Sendable {
    package var tunnelID: String
    package var streamID: String
    package var secret: Secret?
    package var source: IPAddress?
    package var proxyEndpoint: String?

    package init(
        tunnelID: String,
        streamID: String,
        secret: Secret? = nil,
        source: IPAddress? = nil,
        proxyEndpoint: String? = nil
    ) {
        self.tunnelID = tunnelID
        self.streamID = streamID
        self.secret = secret
        self.source = source
        self.proxyEndpoint = proxyEndpoint
    }
}

/// The only answer to a ``ProxyConnectionRequest``.
package struct ProxyConnectionResponse: Hashable, Sendable {
    package var streamID: String
    package var error: EngineError?

    package init(streamID: String, error: EngineError? = nil) {
        self.streamID = streamID
        self.error = error
    }
}

/// First frame of the connection that serves an inbound stream (PROTOCOL.md §6).
package struct ProxyRequest: Hashable, Sendable {
    /// `token` holds the stream's secret, never the agent's credential.
    package var details: ClientDetails
    package var streamID: String
    package var zeroRTT: Bool?

    package init(details: ClientDetails, streamID: String, zeroRTT: Bool?) {
        self.details = details
        self.streamID = streamID
        self.zeroRTT = zeroRTT
    }
}

/// First frame of a private dial (PROTOCOL.md §8).
package struct StreamRequest: Hashable, Sendable {
    package var details: ClientDetails
    package var tunnelIDOrName: String
    package var zeroRTT: Bool?
    package var datagramChannel: Bool?

    package init(details: ClientDetails, tunnelIDOrName: String, zeroRTT: Bool?, datagramChannel: Bool? = nil) {
        self.details = details
        self.tunnelIDOrName = tunnelIDOrName
        self.zeroRTT = zeroRTT
        self.datagramChannel = datagramChannel
    }
}

package enum StreamResponse: Hashable, Sendable {
    case connected(streamID: String)
    case error(EngineError)
    case empty
}

/// Sent in both directions; PROTOCOL.md §4 says which side may set which field.
package struct Heartbeat: Hashable, Sendable {
    package var sequence: UInt64
    package var acknowledgement: UInt64

    package init(sequence: UInt64 = 0, acknowledgement: UInt64 = 0) {
        self.sequence = sequence
        self.acknowledgement = acknowledgement
    }
}

extension Message {
    /// The schema's name of this kind, for logs and protocol errors.
    package var kind: String {
        switch self {
        case .openControlChannelRequest: "OpenControlChannelReq"
        case .openControlChannelResponse: "OpenControlChannelRsp"
        case .closeControlChannelRequest: "CloseControlChannelReq"
        case .closeControlChannelResponse: "CloseControlChannelRsp"
        case .openTunnelRequest: "OpenTunnelReq"
        case .openTunnelResponse: "OpenTunnelRsp"
        case .closeTunnelRequest: "CloseTunnelReq"
        case .closeTunnelResponse: "CloseTunnelRsp"
        case .proxyConnectionRequest: "ProxyConnReq"
        case .proxyConnectionResponse: "ProxyConnRsp"
        case .proxyRequest: "ProxyReq"
        case .proxyResponse: "ProxyRsp"
        case .streamRequest: "StreamReq"
        case .streamResponse: "StreamRsp"
        case .heartbeat: "Heartbeat"
        case .serverMessage: "ServerMessage"
        case .datagramChannelClose: "DatagramChannelClose"
        case .unknown: "unknown"
        }
    }
}
