// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Rstream
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("A session's warm connections", .serialized, .timeLimit(.hang))
struct PrewarmTests {
    @Test("are as configured, counted in status and metrics, and gone when a reload turns them off")
    func life() async throws {
        let prewarm = TransportOptions.Prewarm(mode: .fixed, maximum: 2, maxAge: .seconds(60))
        try await AdminCallTests.withDaemon {
            $0.tunnels[0].context.transport.prewarm = prewarm
        } _: { engine, daemon in
            // The control channel and both of them.
            try await engine.engine.wait { $0.connections == 3 }
            let visitor = try await AdminCallTests.openStream(daemon)
            await visitor.close()
            try await engine.engine.wait { $0.connections == 3 && $0.relays == 0 }
            let sessions = try await daemon.admin.get("/v1/sessions", as: [SessionStatus].self)
            let session = try #require(sessions.first)
            // The visitor may have come before their handshakes were over.
            #expect(session.prewarm.hit + session.prewarm.miss == 1)
            let page = try await daemon.admin.call("GET", "/metrics").body
            for (result, count) in [("hit", session.prewarm.hit), ("miss", session.prewarm.miss)] {
                let sample = #"rstreamd_prewarm_total{context="\#(session.context)",result="\#(result)"}"#
                #expect(page.contains("\(sample) \(count)\n"))
            }
            try await daemon.reload { $0.tunnels[0].context.transport.prewarm = .init(mode: .off) }
            try await daemon.waitForTunnels(2)
            try await engine.engine.wait { $0.connections == 1 }
        }
    }

    private func options(
        _ prewarm: TransportOptions.Prewarm?
    ) throws -> TransportOptions.Prewarm? {
        let context = ContextDefinition(
            name: "main",
            engine: .address(try EngineAddress("127.0.0.1:9")),
            credential: .none,
            transport: TransportOptions(prewarm: prewarm)
        )
        return RstreamClientOptions(context).transport.prewarm
    }

    @Test("are as many as streams come at once unless configured")
    func defaults() throws {
        #expect(try options(nil) == TransportOptions.Prewarm(mode: .auto, maximum: 16, maxAge: .seconds(5)))
        #expect(try options(.init(mode: .off))?.mode == .off)
    }
}
