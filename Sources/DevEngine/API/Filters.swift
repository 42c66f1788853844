// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamModel

/// The `params` of a list request: `{"limit":n,"filters":{...}}` (CONFIG.md §12).
struct ListParameters<Filters: Decodable>: Decodable {
    var limit: Int?
    var filters: Filters?
}

/// The `params` of a watch. Without any, every event is sent; otherwise only those of the kinds they name.
struct WatchParameters: Decodable {
    var tunnels: TunnelFilters?
    var clients: ClientFilters?
}

/// Selects tunnels; absent fields match all.
struct TunnelFilters: Decodable {
    var id: String?
    var name: String?
    var type: String?
    var status: String?
    var clientID: String?
    /// This engine has no users, so a user matches nothing.
    var userID: String?
    var `protocol`: String?
    var hostname: String?
    var publish: Bool?
    var httpVersion: String?
    /// A null value matches any value of the key.
    var labels: [String: String?]?

    private enum CodingKeys: String, CodingKey {
        case id, name, type, status, `protocol`, hostname, publish, labels
        case clientID = "client_id"
        case userID = "user_id"
        case httpVersion = "http_version"
    }

    func matches(_ tunnel: TunnelDocument) -> Bool {
        let properties = tunnel.properties
        let labelsMatch = (labels ?? [:]).allSatisfy { key, wanted in
            guard let value = properties.labels[key] else { return false }
            return fits(wanted, value)
        }
        return labelsMatch && fits(id, properties.id) && fits(name, properties.name) && fits(type, properties.type)
            && fits(status, tunnel.status) && fits(clientID, tunnel.clientID) && fits(userID, nil)
            && fits(`protocol`, properties.protocol) && fits(hostname, properties.hostname)
            && fits(publish, properties.publish) && fits(httpVersion, properties.httpVersion)
    }
}

/// Selects agents. Agents have no labels and no users here, so one of those matches none.
struct ClientFilters: Decodable {
    var id: String?
    var status: String?
    var userID: String?
    var agent: String?
    var channel: String?
    var version: String?
    var os: String?
    var arch: String?
    var protocolVersion: String?
    var labels: [String: String?]?

    private enum CodingKeys: String, CodingKey {
        case id, status, agent, channel, version, os, arch, labels
        case userID = "user_id"
        case protocolVersion = "protocol_version"
    }

    func matches(_ client: ClientDocument) -> Bool {
        (labels ?? [:]).isEmpty && fits(id, client.id) && fits(status, client.status) && fits(userID, nil)
            && fits(agent, client.agent)
            && fits(channel, client.channel) && fits(version, client.version) && fits(os, client.os)
            && fits(arch, client.arch) && fits(protocolVersion, client.protocolVersion)
    }
}

private func fits(_ wanted: String?, _ given: String?) -> Bool {
    guard let wanted else { return true }
    return given?.sameBytes(as: wanted) ?? false
}

private func fits(_ wanted: Bool?, _ given: Bool?) -> Bool { wanted == nil || wanted == given }
