// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamWire

/// Messages of every kind: with all fields set, with fields that are set to nothing, and with none.
enum Samples {
    static let error = EngineError(code: .capacityExhausted, message: "full")
    static let unnamedError = EngineError(code: EngineErrorCode(rawValue: 4_711), message: "new")
    static let bareError = EngineError(code: .unspecified)

    static let details = ClientDetails(
        agent: "agent",
        channel: "channel",
        version: "1.2.3",
        os: "linux",
        arch: "amd64",
        token: Secret("token"),
        protocolVersion: "1.4.5"
    )
    static let emptyDetails = ClientDetails(
        agent: "",
        channel: "",
        version: "",
        os: "",
        arch: "",
        token: Secret(""),
        protocolVersion: ""
    )
    static let server = ServerDetails(
        agent: "engine",
        channel: "stable",
        version: "9",
        plan: "pro",
        provider: "here",
        region: "eu",
        update: "soon"
    )
    static let emptyServer = ServerDetails(
        agent: "",
        channel: "",
        version: "",
        plan: "",
        provider: "",
        region: "",
        update: ""
    )

    /// Every property set to something that is not its zero value.
    static let full = properties {
        $0.id = "id"
        $0.creationDate = Timestamp(seconds: 1_700_000_000, nanoseconds: 123)
        $0.name = "name"
        $0.type = "bytestream"
        $0.publish = true
        $0.protocol = "http"
        $0.labels = ["a": "b", "ü": ""]
        $0.geoip = ["CH", "DE"]
        $0.trustedIPs = ["10.0.0.0/8"]
        $0.host = "host:1"
        $0.tlsMode = "terminated"
        $0.tlsALPNs = ["h2", "http/1.1"]
        $0.tlsMinVersion = "tls1.3"
        $0.tlsCiphers = ["c"]
        $0.mtlsAuth = true
        $0.mtlsCACertPEM = "pem"
        $0.httpVersion = "h2c"
        $0.httpUseTLS = true
        $0.tokenAuth = true
        $0.rstreamAuth = true
        $0.challengeMode = true
        $0.hostname = "h.example"
        $0.port = 65_535
        $0.upstreamTLS = true
        $0.datagramGuaranteedDelivery = true
        $0.allowCrossRegionRouting = true
    }

    /// Every property present, and set to its zero value.
    static let zero = properties {
        $0.id = ""
        $0.creationDate = Timestamp(seconds: 0)
        $0.name = ""
        $0.type = ""
        $0.publish = false
        $0.protocol = ""
        $0.host = ""
        $0.tlsMode = ""
        $0.tlsMinVersion = ""
        $0.mtlsAuth = false
        $0.mtlsCACertPEM = ""
        $0.httpVersion = ""
        $0.httpUseTLS = false
        $0.tokenAuth = false
        $0.rstreamAuth = false
        $0.challengeMode = false
        $0.hostname = ""
        $0.port = 0
        $0.upstreamTLS = false
        $0.datagramGuaranteedDelivery = false
        $0.allowCrossRegionRouting = false
    }

    static let messages: [Message] =
        openings + tunnels + streams
        + [
            .closeControlChannelRequest, .closeControlChannelResponse, .heartbeat(Heartbeat()),
            .heartbeat(Heartbeat(sequence: .max)), .heartbeat(Heartbeat(acknowledgement: .max)),
            .heartbeat(Heartbeat(sequence: 1, acknowledgement: 2)), .serverMessage(""), .serverMessage("hello ü"),
            .unknown,
        ]

    private static let openings: [Message] = [
        .openControlChannelRequest(
            OpenControlChannelRequest(
                details: details,
                liveness: WireLiveness(intervalMilliseconds: .max, timeoutMilliseconds: .max)
            )
        ),
        .openControlChannelRequest(
            OpenControlChannelRequest(details: emptyDetails, liveness: WireLiveness(intervalMilliseconds: 0))
        ),
        .openControlChannelRequest(OpenControlChannelRequest(details: ClientDetails(), liveness: nil)),
        .openControlChannelResponse(
            .ok(clientID: "c", serverDetails: server, liveness: WireLiveness(intervalMilliseconds: 1))
        ),
        .openControlChannelResponse(
            .ok(clientID: "", serverDetails: emptyServer, liveness: WireLiveness(intervalMilliseconds: 0))
        ),
        .openControlChannelResponse(.ok(clientID: "", serverDetails: ServerDetails(), liveness: nil)),
        .openControlChannelResponse(.ok(clientID: "", serverDetails: nil, liveness: nil)),
        .openControlChannelResponse(.error(error)),
        .openControlChannelResponse(.error(unnamedError)),
        .openControlChannelResponse(.error(bareError)),
        .openControlChannelResponse(.empty),
    ]

    private static let tunnels: [Message] = [
        .openTunnelRequest(OpenTunnelRequest(requestID: "r", properties: full)),
        .openTunnelRequest(OpenTunnelRequest(requestID: "r", properties: zero)),
        .openTunnelRequest(OpenTunnelRequest(requestID: "", properties: TunnelProperties())),
        .openTunnelResponse(OpenTunnelResponse(requestID: "r", outcome: .granted(full))),
        .openTunnelResponse(OpenTunnelResponse(requestID: "r", outcome: .granted(zero))),
        .openTunnelResponse(OpenTunnelResponse(requestID: "", outcome: .granted(TunnelProperties()))),
        .openTunnelResponse(OpenTunnelResponse(requestID: "r", outcome: .error(error))),
        .openTunnelResponse(OpenTunnelResponse(requestID: "r", outcome: .error(unnamedError))),
        .openTunnelResponse(OpenTunnelResponse(requestID: "r", outcome: .error(bareError))),
        .openTunnelResponse(OpenTunnelResponse(requestID: "r", outcome: .empty)),
        .openTunnelResponse(OpenTunnelResponse(requestID: "", outcome: .empty)),
        .closeTunnelRequest(tunnelID: "t"), .closeTunnelRequest(tunnelID: ""),
        .closeTunnelResponse(tunnelID: "t"), .closeTunnelResponse(tunnelID: ""),
    ]

    private static let streams: [Message] = [
        .proxyConnectionRequest(
            ProxyConnectionRequest(
                tunnelID: "t",
                streamID: "s",
                secret: Secret("k"),
                source: IPAddress("2001:db8::1"),
                proxyEndpoint: "other.example:1"
            )
        ),
        .proxyConnectionRequest(
            ProxyConnectionRequest(tunnelID: "", streamID: "", secret: Secret(""), source: .v4(0), proxyEndpoint: "")
        ),
        .proxyConnectionRequest(ProxyConnectionRequest(tunnelID: "", streamID: "")),
        .proxyConnectionResponse(ProxyConnectionResponse(streamID: "s", error: error)),
        .proxyConnectionResponse(ProxyConnectionResponse(streamID: "s", error: unnamedError)),
        .proxyConnectionResponse(ProxyConnectionResponse(streamID: "", error: bareError)),
        .proxyConnectionResponse(ProxyConnectionResponse(streamID: "")),
        .proxyRequest(ProxyRequest(details: details, streamID: "s", zeroRTT: true)),
        .proxyRequest(ProxyRequest(details: emptyDetails, streamID: "", zeroRTT: false)),
        .proxyRequest(ProxyRequest(details: ClientDetails(), streamID: "", zeroRTT: nil)),
        .proxyResponse(error: error), .proxyResponse(error: unnamedError), .proxyResponse(error: bareError),
        .proxyResponse(error: nil),
        .streamRequest(StreamRequest(details: details, tunnelIDOrName: "t", zeroRTT: true, datagramChannel: true)),
        .streamRequest(
            StreamRequest(details: emptyDetails, tunnelIDOrName: "", zeroRTT: false, datagramChannel: false)
        ),
        .streamRequest(StreamRequest(details: ClientDetails(), tunnelIDOrName: "", zeroRTT: nil)),
        .streamResponse(.connected(streamID: "s")), .streamResponse(.connected(streamID: "")),
        .streamResponse(.error(error)), .streamResponse(.error(unnamedError)), .streamResponse(.error(bareError)),
        .streamResponse(.empty),
        .datagramChannelClose(streamID: "s", error: error), .datagramChannelClose(streamID: "", error: bareError),
        .datagramChannelClose(streamID: "", error: nil),
    ]
}
