// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamRelay

@testable import RstreamDaemon

extension ConfiguredTunnel {
    /// One that has served nobody yet.
    static func sample(
        _ name: String,
        isEnabled: Bool = true,
        upstreams: UpstreamPool = UpstreamPool()
    ) -> ConfiguredTunnel {
        ConfiguredTunnel(
            name: name,
            context: "main",
            forward: "127.0.0.1:8080",
            properties: TunnelProperties(),
            isEnabled: isEnabled,
            ledger: StreamLedger(),
            upstreams: upstreams
        )
    }
}

extension StatusStore {
    /// These tunnels of one context are configured, and nothing else.
    func configure(_ tunnels: ConfiguredTunnel...) {
        configure(files: [], tunnels: tunnels, contexts: ["main"], ledgers: tunnels.map(\.ledger))
    }
}
