// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("State kept over a reload", .serialized, .timeLimit(.hang))
struct ReloadStateTests: ReloadFixture {
    @Test("a renamed context keeps the address that the engine chose, also at the next enable")
    func renamedContext() async throws {
        try await withDaemon([.tcp("web"), .tcp("other")]) { engine, _, daemon in
            let port = try daemon.port(of: "web")
            try await daemon.reload { configuration in
                for index in 0...1 { configuration.tunnels[index].context.name = "renamed" }
            }
            #expect(daemon.changes == [["other", "update", "keep", "0"], ["web", "update", "keep", "0"]])
            #expect(daemon.log.lines("tunnel changed").allSatisfy { $0.metadata["keys"] == "tunnels.context" })
            #expect(daemon.daemon.statusStore.tunnelStatuses.map(\.context) == ["renamed", "renamed"])
            #expect(try await engine.engine.statistics().controlConnectsTotal == 1)
            try await daemon.reload { $0.tunnels[0].isEnabled = false }
            try await engine.engine.wait { $0.tunnels == 1 }
            try await daemon.reload { $0.tunnels[0].isEnabled = true }
            let lines = try await daemon.waitForTunnels(3)
            #expect(try daemon.port(of: "web") == port)
            #expect(lines.last?.metadata["context"] == "renamed")
            #expect(daemon.log.lines("tunnel online at another address").isEmpty)
        }
    }

    @Test("a replaced tunnel does not log again that its upstream is unreachable")
    func sameOutage() async throws {
        try await TestEngine.with { engine in
            try await TestServer.withDeadPort { dead in
                try await RunningDaemon.with(engine.configuration([.tcp("web")], to: dead)) { daemon in
                    try await daemon.waitForTunnels()
                    for round in 1...3 {
                        let visitor = try await TestConnection.connect(toPort: try daemon.port(of: "web"))
                        try await visitor.state.wait(for: "the end of a visit to nobody") { $0.isOver }
                        await visitor.close()
                        try await daemon.log.wait(for: "upstream unreachable")
                        try await daemon.reload { $0.tunnels[0].spec.labels["round"] = "\(round)" }
                        try await daemon.waitForTunnels(1 + round)
                    }
                    #expect(daemon.log.lines("upstream unreachable").count == 1)
                    #expect(daemon.log.lines("upstream reachable again").isEmpty)
                }
            }
        }
    }

    @Test("a rejected session retries at once when its token changes, whatever `watch` is")
    func replacedToken() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                try await TestServer.with(.echo) { server in
                    let path = try folder.write("wrong\n", to: "token")
                    let configuration = engine.configuration(
                        [.tcp("web")],
                        to: server.port,
                        context: engine.context(credential: .tokenFile(path: path)),
                        rejected: .seconds(3_600)
                    )
                    #expect(!configuration.watch)
                    try await RunningDaemon.with(configuration) { daemon in
                        try await daemon.log.wait(for: RunningDaemon.outage)
                        // Of another file nothing is wanted.
                        try folder.write("x", to: "unrelated")
                        try folder.write(TestEngine.token.reveal() + "\n", to: "token")
                        try await daemon.waitForTunnels()
                        #expect(try await engine.engine.statistics().controlConnectsTotal <= 2)
                    }
                }
            }
        }
    }
}
