import FoundationEssentials
import RstreamModel

/// Tunnel properties as the HTTP API writes them: the protocol's names, except `geo_ip` (CONFIG.md §12).
struct PropertiesDocument: Encodable {
    let properties: TunnelProperties

    init(_ properties: TunnelProperties) { self.properties = properties }

    enum CodingKeys: String, CodingKey {
        case id, name, type, publish, `protocol`, labels, host, hostname, port
        case creationDate = "creation_date"
        case geoip = "geo_ip"
        case trustedIPs = "trusted_ips"
        case tlsMode = "tls_mode"
        case tlsALPNs = "tls_alpns"
        case tlsMinVersion = "tls_min_version"
        case tlsCiphers = "tls_ciphers"
        case mtlsAuth = "mtls_auth"
        case httpVersion = "http_version"
        case httpUseTLS = "http_use_tls"
        case tokenAuth = "token_auth"
        case rstreamAuth = "rstream_auth"
        case challengeMode = "challenge_mode"
        case upstreamTLS = "upstream_tls"
        case datagramGuaranteedDelivery = "datagram_guaranteed_delivery"
        case allowCrossRegionRouting = "allow_cross_region_routing"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        let created = properties.creationDate.map { Date(timeIntervalSince1970: Double($0.seconds)) }
        try container.encodeIfPresent(properties.id, forKey: .id)
        try container.encodeIfPresent(created?.formatted(.iso8601), forKey: .creationDate)
        try container.encodeIfPresent(properties.name, forKey: .name)
        try container.encodeIfPresent(properties.type, forKey: .type)
        try container.encodeIfPresent(properties.publish, forKey: .publish)
        try container.encodeIfPresent(properties.protocol, forKey: .protocol)
        try container.encode(properties.labels, forKey: .labels)
        try container.encodeUnlessEmpty(properties.geoip, forKey: .geoip)
        try container.encodeUnlessEmpty(properties.trustedIPs, forKey: .trustedIPs)
        try container.encodeIfPresent(properties.host, forKey: .host)
        try container.encodeIfPresent(properties.tlsMode, forKey: .tlsMode)
        try container.encodeUnlessEmpty(properties.tlsALPNs, forKey: .tlsALPNs)
        try container.encodeIfPresent(properties.tlsMinVersion, forKey: .tlsMinVersion)
        try container.encodeUnlessEmpty(properties.tlsCiphers, forKey: .tlsCiphers)
        try container.encodeIfPresent(properties.mtlsAuth, forKey: .mtlsAuth)
        try container.encodeIfPresent(properties.httpVersion, forKey: .httpVersion)
        try container.encodeIfPresent(properties.httpUseTLS, forKey: .httpUseTLS)
        try container.encodeIfPresent(properties.tokenAuth, forKey: .tokenAuth)
        try container.encodeIfPresent(properties.rstreamAuth, forKey: .rstreamAuth)
        try container.encodeIfPresent(properties.challengeMode, forKey: .challengeMode)
        try container.encodeIfPresent(properties.hostname, forKey: .hostname)
        try container.encodeIfPresent(properties.port, forKey: .port)
        try container.encodeIfPresent(properties.upstreamTLS, forKey: .upstreamTLS)
        try container.encodeIfPresent(properties.datagramGuaranteedDelivery, forKey: .datagramGuaranteedDelivery)
        try container.encodeIfPresent(properties.allowCrossRegionRouting, forKey: .allowCrossRegionRouting)
    }
}

extension KeyedEncodingContainer {
    fileprivate mutating func encodeUnlessEmpty(_ values: [String], forKey key: Key) throws {
        if !values.isEmpty { try encode(values, forKey: key) }
    }
}

/// A tunnel as the API lists it.
struct TunnelDocument: Encodable {
    let properties: TunnelProperties
    let status: String
    let clientID: String?

    init(_ tunnel: AgentTunnel) {
        properties = tunnel.properties
        status = tunnel.isOpen ? "online" : "offline"
        clientID = tunnel.owner?.id
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case clientID = "client_id"
    }

    func encode(to encoder: any Encoder) throws {
        try PropertiesDocument(properties).encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(status, forKey: .status)
        try container.encodeIfPresent(clientID, forKey: .clientID)
    }
}

/// An agent as the API lists it.
struct ClientDocument: Encodable {
    let id: String
    let status: String
    let agent: String?
    let channel: String?
    let version: String?
    let os: String?
    let arch: String?
    let protocolVersion: String?
    let createdAt: String

    init(_ client: AgentSession) {
        id = client.id
        status = client.isOpen ? "online" : "offline"
        agent = client.details.agent
        channel = client.details.channel
        version = client.details.version
        os = client.details.os
        arch = client.details.arch
        protocolVersion = client.details.protocolVersion
        createdAt = client.created.formatted(.iso8601)
    }

    private enum CodingKeys: String, CodingKey {
        case id, status, agent, channel, version, os, arch
        case protocolVersion = "protocol_version"
        case createdAt = "created_at"
    }
}
