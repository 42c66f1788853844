// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The tunnel that a user wants. ``TunnelSpec/validated()`` checks it.
///
/// Every optional that is nil is left to the engine's default and not sent (PROTOCOL.md §5.1).
public struct TunnelSpec: Hashable, Sendable {
    /// Target for private dials. The engine decides whether it must be unique.
    @Bytewise public var name: String?
    /// Bytes or packets; the engine derives it from ``protocol`` when absent.
    public var type: TunnelType?
    /// Whether visitors outside the project may reach the tunnel; engines assume true.
    public var publish: Bool?
    /// What visitors speak; absent on a private tunnel means plain bytes.
    public var `protocol`: TunnelProtocol?
    /// Free text pairs shown by the engine.
    @Bytewise public var labels: [String: String]
    /// Countries that visitors may come from, ISO 3166-1 alpha-2.
    @Bytewise public var geoip: [String]
    /// Addresses that visitors may come from, CIDR.
    @Bytewise public var trustedIPs: [String]
    /// The published name to request.
    @Bytewise public var hostname: String?
    /// The published port to request, 1 to 65535; `tcp` only.
    public var port: Int?
    /// TLS between visitor and engine.
    public var tls: TLS
    /// HTTP between visitor and engine; `http` only.
    public var http: HTTP
    /// Whether the engine speaks TLS to the upstream, through the agent.
    public var upstreamTLS: Bool?
    /// Deprecated name of ``upstreamTLS``; must agree with it when both are set.
    public var httpUseTLS: Bool?
    /// Datagrams over a reliable stream; datagram tunnels only.
    public var datagramGuaranteedDelivery: Bool?
    /// Whether another region may serve the tunnel.
    public var allowCrossRegionRouting: Bool?

    /// TLS between visitor and engine.
    public struct TLS: Hashable, Sendable {
        /// Where the visitor's TLS ends.
        public var mode: TLSMode?
        /// The oldest version visitors may use.
        public var minVersion: TLSVersion?
        /// Offered to visitors, in order.
        @Bytewise public var alpns: [String]
        /// Cipher suites, in order.
        @Bytewise public var ciphers: [String]
        /// Whether visitors must show a client certificate.
        public var mtls: Bool?

        /// Everything absent unless given.
        public init(
            mode: TLSMode? = nil,
            minVersion: TLSVersion? = nil,
            alpns: [String] = [],
            ciphers: [String] = [],
            mtls: Bool? = nil
        ) {
            self.mode = mode
            self.minVersion = minVersion
            self.alpns = alpns
            self.ciphers = ciphers
            self.mtls = mtls
        }
    }

    /// HTTP between visitor and engine.
    public struct HTTP: Hashable, Sendable {
        /// The version spoken to the upstream.
        public var version: HTTPVersion?
        /// Whether the edge checks a token.
        public var tokenAuth: Bool?
        /// Whether the edge asks for an rstream login.
        public var rstreamAuth: Bool?
        /// Whether the edge challenges browsers.
        public var challenge: Bool?

        /// Everything absent unless given.
        public init(
            version: HTTPVersion? = nil,
            tokenAuth: Bool? = nil,
            rstreamAuth: Bool? = nil,
            challenge: Bool? = nil
        ) {
            self.version = version
            self.tokenAuth = tokenAuth
            self.rstreamAuth = rstreamAuth
            self.challenge = challenge
        }
    }

    /// Everything absent unless given: a tunnel published under a name that the engine chooses.
    public init(
        name: String? = nil,
        type: TunnelType? = nil,
        publish: Bool? = nil,
        protocol: TunnelProtocol? = nil,
        labels: [String: String] = [:],
        geoip: [String] = [],
        trustedIPs: [String] = [],
        hostname: String? = nil,
        port: Int? = nil,
        tls: TLS = TLS(),
        http: HTTP = HTTP(),
        upstreamTLS: Bool? = nil,
        httpUseTLS: Bool? = nil,
        datagramGuaranteedDelivery: Bool? = nil,
        allowCrossRegionRouting: Bool? = nil
    ) {
        self.name = name
        self.type = type
        self.publish = publish
        self.protocol = `protocol`
        self.labels = labels
        self.geoip = geoip
        self.trustedIPs = trustedIPs
        self.hostname = hostname
        self.port = port
        self.tls = tls
        self.http = http
        self.upstreamTLS = upstreamTLS
        self.httpUseTLS = httpUseTLS
        self.datagramGuaranteedDelivery = datagramGuaranteedDelivery
        self.allowCrossRegionRouting = allowCrossRegionRouting
    }
}

/// What a tunnel carries.
public enum TunnelType: String, Hashable, Sendable, CaseIterable {
    case bytestream
    case datagram
}

/// What visitors of a published tunnel speak.
public enum TunnelProtocol: String, Hashable, Sendable, CaseIterable {
    case http
    case tls
    case tcp
    case dtls
    case quic
    case webtty
}

/// Where a visitor's TLS ends.
public enum TLSMode: String, Hashable, Sendable, CaseIterable {
    /// At the engine, which passes clear bytes on.
    case terminated
    /// At the upstream; the engine only reads the server name.
    case passthrough
}

/// The oldest TLS version that visitors may use.
public enum TLSVersion: String, Hashable, Sendable, CaseIterable {
    case tls12 = "tls1.2"
    case tls13 = "tls1.3"
}

/// The HTTP version that the engine speaks to the upstream.
public enum HTTPVersion: String, Hashable, Sendable, CaseIterable {
    case http11 = "http/1.1"
    case h2c
    case h3
}
