// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// All granted tunnels, by id, name and hostname.
struct TunnelRegistry {
    /// In the order in which they were granted.
    private(set) var all: [AgentTunnel] = []
    private var byHostname: [String: AgentTunnel] = [:]

    var count: Int { all.count }

    func published(_ hostname: String) -> AgentTunnel? { byHostname[hostname] }

    /// The target of a private dial: an id, else a name, and of several with that name the newest.
    func dialed(_ target: String) -> AgentTunnel? {
        all.last { $0.id == target } ?? all.last { $0.properties.name == target }
    }

    mutating func insert(_ tunnel: AgentTunnel) {
        all.append(tunnel)
        guard tunnel.kind != .tcp, tunnel.kind != .unpublished, let hostname = tunnel.properties.hostname else {
            return
        }
        byHostname[hostname] = tunnel
    }

    mutating func remove(_ tunnel: AgentTunnel) {
        all.removeAll { $0 === tunnel }
        if let hostname = tunnel.properties.hostname, byHostname[hostname] === tunnel { byHostname[hostname] = nil }
    }
}
