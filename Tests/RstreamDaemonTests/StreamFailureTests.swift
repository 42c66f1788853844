// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import NIOCore
import RstreamAdmin
import RstreamConfig
import RstreamCore
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Streams that are refused or fail", .serialized, .timeLimit(.hang))
struct StreamFailureTests {
    @Test("by a limit: once in the log, at the tunnel in the status, and as each stream's outcome")
    func limit() async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(.echo) { server in
                var configuration = engine.configuration([.tcp("web")], to: server.port)
                configuration.tunnels[0].streamLimit = 1
                try await RunningDaemon.withAdmin(configuration) { daemon in
                    try await daemon.waitForTunnels()
                    let first = try await AdminCallTests.openStream(daemon)
                    let port = try #require(daemon.log.lines(RunningDaemon.tunnelOnline).first?.port)
                    for _ in 0..<3 {
                        let visitor = try await TestConnection.connect(toPort: port)
                        try await visitor.state.wait(for: "the refusal") { $0.isOver }
                        await visitor.close()
                    }
                    let line = try #require(try await daemon.log.wait(for: "stream limit reached").first)
                    #expect(line.level == .warning)
                    #expect(line.metadata["tunnel"] == "web")
                    #expect(daemon.log.lines("stream limit reached").count == 1)
                    let tunnel = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
                    #expect(tunnel.lastError?.code == "ERR_RSTREAM_CONTROL_OVERLOAD")
                    #expect(tunnel.state.isAsWanted)
                    #expect(tunnel.streams == StreamCounts(active: 1, total: 4, failed: 3))
                    let metrics = try await daemon.admin.call("GET", "/metrics").body
                    let refused = metrics.split(separator: "\n").filter {
                        $0.hasPrefix("rstreamd_streams_refused_total{")
                    }
                    #expect(refused.count == RefusalReason.allCases.count)
                    let ofReason = #"rstreamd_streams_refused_total{tunnel="web",reason="own_limit"} 3"#
                    #expect(
                        refused.contains { $0 == ofReason } && refused.count { $0.hasSuffix(" 0") } == refused.count - 1
                    )
                    let ended: [Event] = try await daemon.admin.get("/v1/streams/recent?tunnel=web")
                    #expect(ended.map(\.outcome) == ["refused", "refused", "refused"])
                    #expect(ended.allSatisfy { $0.type == "stream.failed" && $0.error != nil })
                    #expect(try await daemon.admin.call("GET", "/v1/streams/recent?tunnel=nobody").status == 404)
                    await first.close()
                }
            }
        }
    }

    @Test("by a listener's tunnel that cannot be dialed: the status shows a problem until it can")
    func dial() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                let path = folder.path(of: "db.sock")
                var configuration = DaemonConfiguration()
                configuration.listeners = [
                    ListenerDefinition(
                        name: "db",
                        listen: .unix(path: path),
                        target: "nobody",
                        context: engine.context()
                    )
                ]
                try await RunningDaemon.withAdmin(configuration) { daemon in
                    try await daemon.log.wait(for: "listening")
                    let before = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
                    #expect(before.isAsWanted)
                    let program = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
                    try await program.state.wait(for: "the end") { $0.isOver }
                    await program.close()
                    try await daemon.log.wait(for: "tunnel unreachable")
                    let after = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
                    #expect(!after.isAsWanted)
                    #expect(after.listeners.first?.state == .listening)
                    #expect(after.streams.failed == 1)
                    let metrics = try await daemon.admin.call("GET", "/metrics").body
                    #expect(metrics.contains(#"rstreamd_listener_reachable{listener="db"} 0"#))
                    #expect(
                        metrics.contains(#"rstreamd_listener_streams_total{listener="db",outcome="upstream_failed"} 1"#)
                    )
                }
            }
        }
    }

    @Test("tunnels that are refused for the same reason are logged once")
    func oneCause() {
        var causes = OutageCauses()
        let refused = RstreamError(code: .engine, origin: .engine, retry: .afterReload, what: "no more tunnels")
        let taken = RstreamError(code: .engine, origin: .engine, retry: .afterBackoff, what: "the name is taken")
        func isNew(_ number: Int, _ error: RstreamError, followsLoss: Bool = false) -> Bool {
            causes.failed(TunnelKey(number: number), .init(error, followsLoss: followsLoss))
        }
        let firsts = [isNew(1, refused), isNew(2, refused), isNew(3, taken), isNew(1, refused)]
        #expect(firsts == [true, false, true, false])
        causes.recovered(TunnelKey(number: 1))
        let third = isNew(4, refused)
        #expect(!third)
        for number in [2, 4] { causes.recovered(TunnelKey(number: number)) }
        let again = isNew(5, refused)
        #expect(again)
        // One that fails for another reason is no longer among those of the first.
        let other = isNew(5, taken)
        #expect(!other)
        let anew = isNew(6, refused)
        #expect(anew)
        // A failure that followed the loss of the session is logged again when it outlasts that.
        for number in [3, 5] { causes.recovered(TunnelKey(number: number)) }
        let outlasting = [(7, true), (8, true), (7, false), (8, false)].map { isNew($0, taken, followsLoss: $1) }
        #expect(outlasting == [true, false, true, false])
    }
}
