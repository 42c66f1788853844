// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Disabled certificate verification", .serialized, .timeLimit(.hang))
struct VerificationTests {
    private static let line = "engine certificate verification disabled"
    private static let metric = "rstreamd_session_verification_disabled"

    @Test("is logged at the start and when a reload disables it, and is in the status and the metrics")
    func reported() async throws {
        try await TestEngine.with { engine in
            var configuration = engine.configuration([.tcp("web")], to: 9)
            configuration.tunnels[0].context.transport.tls = TransportOptions.TLS(insecureSkipVerify: true)
            let context = configuration.tunnels[0].context.name
            try await RunningDaemon.withAdmin(configuration) { daemon in
                try await daemon.waitForTunnels(1)
                let line = try #require(daemon.log.lines(Self.line).first)
                #expect(line.metadata["context"] == context)
                #expect(line.metadata["fix"]?.contains("transport.tls.caFile") == true)
                func verification() async throws -> [SessionStatus.Verification] {
                    try await daemon.admin.get("/v1/sessions", as: [SessionStatus].self).map(\.verification)
                }
                #expect(try await verification() == [.none])
                let off = try await daemon.admin.call("GET", "/metrics").body
                #expect(off.contains("\(Self.metric){context=\"\(context)\"} 1\n"))
                // An unchanged context is not logged again.
                try await daemon.reload { $0.drain.timeout = .seconds(7) }
                #expect(daemon.log.lines(Self.line).count == 1)
                try await daemon.reload {
                    $0.tunnels[0].context.transport.tls = TransportOptions.TLS(caFile: engine.caFile)
                }
                try await daemon.waitForTunnels(2)
                #expect(try await verification() == [.full])
                let on = try await daemon.admin.call("GET", "/metrics").body
                #expect(on.contains("\(Self.metric){context=\"\(context)\"} 0\n"))
                #expect(daemon.log.lines(Self.line).count == 1)
                try await daemon.reload { $0.tunnels[0].context.transport.tls.insecureSkipVerify = true }
                #expect(daemon.log.lines(Self.line).count == 2)
            }
        }
    }

    @Test("is known of each context once, for its engine or its proxy")
    func contexts() throws {
        let engine = try EngineAddress("e.example")
        func context(_ name: String, _ transport: TransportOptions) -> ContextDefinition {
            ContextDefinition(name: name, engine: .address(engine), credential: .none, transport: transport)
        }
        let off = TransportOptions(tls: TransportOptions.TLS(insecureSkipVerify: true))
        let proxy = Proxy(route: .https(engine), tls: TransportOptions.TLS(insecureSkipVerify: true))
        var configuration = DaemonConfiguration()
        configuration.tunnels = [
            context("b", off), context("a", TransportOptions(proxy: proxy)), context("b", off),
            context("c", TransportOptions()),
        ].map { context in
            TunnelDefinition(
                name: "t",
                upstream: .tcp(host: "localhost", service: "1"),
                spec: TunnelSpec(name: "t"),
                context: context
            )
        }
        #expect(configuration.uncheckedContexts.map(\.context) == ["a", "b"])
        #expect(configuration.uncheckedContexts.map(\.verification) == [.engineOnly, .none])
    }
}
