// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport

extension Pair {
    var configurationFile: String { folder.path + "/rstreamd.yaml" }

    /// The whole `rstreamd.yaml` of this pair with these tunnels.
    func text(tunnels: String, settings: String = quick, token: String = ProcessEngine.token) -> String {
        Self.configuration(
            port: engine.port,
            caFile: engine.caFile,
            tunnels: tunnels,
            settings: settings,
            token: token
        )
    }

    /// Gives the running daemon another `rstreamd.yaml`, which it reads when it reloads.
    func write(tunnels: String, settings: String = quick) throws {
        try folder.replace("rstreamd.yaml", with: text(tunnels: tunnels, settings: settings))
    }

    /// The id of every open tunnel, by name.
    func tunnelIDs() async throws -> [String: String] {
        Dictionary(try await engine.tunnels().map { ($0.name ?? "", $0.id) }) { $1 }
    }

    /// The published ports of the tunnels whose names begin like this, in no order.
    func ports(_ prefix: String) async throws -> [Int] {
        try await engine.tunnels().filter { $0.name?.hasPrefix(prefix) == true }.compactMap(\.port)
    }
}
