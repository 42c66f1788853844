// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The properties of a tunnel as they stand on the wire (PROTOCOL.md §5.1).
///
/// Nothing is checked here: texts are kept as the peer wrote them, and nil means "not sent", which differs from a zero
/// value. ``TunnelSpec`` is what a user writes; an engine's answer arrives as this and is never edited.
public struct TunnelProperties: Hashable, Sendable {
    /// Assigned by the engine; never empty in a granted tunnel.
    @Bytewise public var id: String?
    /// When the engine made the tunnel.
    public var creationDate: Timestamp?
    /// What private dialers may call the tunnel.
    @Bytewise public var name: String?
    /// `bytestream` or `datagram`.
    @Bytewise public var type: String?
    /// Whether visitors outside the project can reach it.
    public var publish: Bool?
    /// `http`, `tls`, `tcp`, `dtls`, `quic` or `webtty`.
    @Bytewise public var `protocol`: String?
    /// Free text pairs; `rstream.` ones are written by official tools.
    @Bytewise public var labels: [String: String] = [:]
    /// Allow list of the visitor's country, ISO 3166-1 alpha-2.
    @Bytewise public var geoip: [String] = []
    /// Allow list of the visitor's address, CIDR.
    @Bytewise public var trustedIPs: [String] = []
    /// Deprecated `hostname[:port]`, set by engines for old clients.
    @Bytewise public var host: String?
    /// `terminated` or `passthrough`.
    @Bytewise public var tlsMode: String?
    /// Offered to visitors, in order.
    @Bytewise public var tlsALPNs: [String] = []
    /// `tls1.2` or `tls1.3`.
    @Bytewise public var tlsMinVersion: String?
    /// Cipher suites, in order.
    @Bytewise public var tlsCiphers: [String] = []
    /// Whether visitors must show a client certificate.
    public var mtlsAuth: Bool?
    /// Deprecated; decoded and encoded, never set by us.
    @Bytewise public var mtlsCACertPEM: String?
    /// `http/1.1`, `h2c` or `h3`: what is spoken to the agent.
    @Bytewise public var httpVersion: String?
    /// Deprecated name of ``upstreamTLS``.
    public var httpUseTLS: Bool?
    /// Whether the edge checks a token.
    public var tokenAuth: Bool?
    /// Whether the edge asks for an rstream login.
    public var rstreamAuth: Bool?
    /// Whether the edge challenges browsers.
    public var challengeMode: Bool?
    /// The published name.
    @Bytewise public var hostname: String?
    /// The published port.
    public var port: UInt32?
    /// Whether the engine speaks TLS to the upstream, through the agent.
    public var upstreamTLS: Bool?
    /// Datagrams over a reliable stream.
    public var datagramGuaranteedDelivery: Bool?
    /// Whether another region may serve the tunnel.
    public var allowCrossRegionRouting: Bool?

    /// Nothing set.
    public init() {}
}

/// A point in time as the wire states it: seconds and nanoseconds since 1970 in UTC.
public struct Timestamp: Hashable, Sendable {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    public let seconds: Int64
    /// 0 to 999,999,999.
    public let nanoseconds: Int32

    /// Keeps both numbers as they are.
    public init(seconds: Int64, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
}

extension TunnelProperties {
    /// The port of a published name that states none.
    private static let defaultPublishedPort: UInt32 = 443

    /// The tunnel's address for people, in the form that all official tools use (PROTOCOL.md §5.3).
    public var forwardingAddress: String {
        guard let published = publishedAddress else {
            let name = name.flatMap { $0.isEmpty ? nil : $0 }
            return "rstrm://\(name ?? id ?? "") (unpublished)"
        }
        switch `protocol` {
        case "http": return "https://\(published)"
        case "webtty": return "https://\(published) (webtty)"
        case "tls", "tcp", "dtls", "quic": return "\(published) (\(`protocol` ?? ""))"
        default: return published
        }
    }

    private var publishedAddress: String? {
        if let hostname, !hostname.trimmed.isEmpty {
            let port = port ?? Self.defaultPublishedPort
            let showsPort = `protocol` == "tls" || `protocol` == "tcp" || port != Self.defaultPublishedPort
            return showsPort ? "\(hostname):\(port)" : hostname
        }
        if let host, !host.trimmed.isEmpty { return host }
        return nil
    }
}
