// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamModel

/// Tunnel properties as the HTTP API writes them: the protocol's names, except `geo_ip` (CONFIG.md §12).
struct PropertiesDocument: Encodable {
    let properties: TunnelProperties

    init(_ properties: TunnelProperties) { self.properties = properties }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ property: TunnelProperty) {
            stringValue = property == .geoip ? "geo_ip" : property.rawValue
        }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for property in TunnelProperty.allCases {
            let key = Key(property)
            switch properties[property] {
            // Left out: clients of the API have no use for the CA of mTLS.
            case _ where property == .mtlsCACertPEM: continue
            // Labels are there also when there are none.
            case nil: if property == .labels { try container.encode([String: String](), forKey: key) }
            case .text(let text): try container.encode(text, forKey: key)
            case .flag(let flag): try container.encode(flag, forKey: key)
            case .number(let number): try container.encode(number, forKey: key)
            case .list(let list): try container.encode(list, forKey: key)
            case .pairs(let pairs): try container.encode(pairs, forKey: key)
            case .time(let time):
                let date = Date(timeIntervalSince1970: Double(time.seconds))
                try container.encode(date.formatted(.iso8601), forKey: key)
            }
        }
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
