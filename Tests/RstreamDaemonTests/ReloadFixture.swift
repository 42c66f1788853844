// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

/// What tests of reloads have in common.
protocol ReloadFixture {}

extension ReloadFixture {
    /// An engine, an echo service, and a daemon with these tunnels to it.
    func withDaemon(
        _ specs: [TunnelSpec],
        drain: Duration = .seconds(600),
        _ body: (TestEngine, TestServer, RunningDaemon) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(.echo) { server in
                let configuration = engine.configuration(specs, to: server.port, drain: drain)
                try await RunningDaemon.with(configuration) { daemon in
                    try await daemon.waitForTunnels(specs.count)
                    try await body(engine, server, daemon)
                }
            }
        }
    }

    func openStream(_ daemon: RunningDaemon, _ tunnel: String = "web") async throws -> TestConnection {
        let visitor = try await TestConnection.connect(toPort: try daemon.port(of: tunnel))
        try await visitor.send("before")
        _ = try await visitor.receive(asLongAs: "before")
        return visitor
    }

    func expectAlive(_ visitor: TestConnection) async throws {
        try await visitor.send(" after")
        #expect(try await visitor.receive(asLongAs: "before after") == "before after")
        try await visitor.finish()
        #expect(try await visitor.receiveText() == "before after")
    }
}
