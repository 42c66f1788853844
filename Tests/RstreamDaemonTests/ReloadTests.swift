// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import NIOCore
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("A reload", .serialized, .timeLimit(.hang))
struct ReloadTests: ReloadFixture {
    @Test("of equal files does nothing: no message to the engine, no change of a stream")
    func unchanged() async throws {
        try await withDaemon([.tcp("web"), .tcp("other")]) { engine, _, daemon in
            let visitor = try await openStream(daemon)
            let before = try await engine.engine.statistics().messages.count { $0.kind != "Heartbeat" }
            let line = try await daemon.reload { $0.tunnels.reverse() }
            #expect(line.message == "configuration unchanged")
            try await expectAlive(visitor)
            let after = try await engine.engine.statistics()
            #expect(after.messages.count { $0.kind != "Heartbeat" } == before)
            #expect(after.controlConnectsTotal == 1)
        }
    }

    @Test("that changes the upstream is not noticed by the engine, and only new streams use the new one")
    func update() async throws {
        try await withDaemon([.tcp("web")]) { engine, _, daemon in
            try await TestServer.with(.manual) { successor in
                let visitor = try await openStream(daemon)
                let line = try await daemon.reload {
                    $0.tunnels[0].upstream = .tcp(host: "127.0.0.1", service: "\(successor.port)")
                }
                #expect(line.message == "configuration reloaded")
                #expect(daemon.changes == [["web", "update", "drain", "1"]])
                let port = try daemon.port(of: "web")
                let next = try await TestConnection.connect(toPort: port)
                _ = try await successor.connection()
                try await expectAlive(visitor)
                await next.close()
                let statistics = try await engine.engine.statistics()
                #expect(statistics.messages.count { $0.kind == "OpenTunnelReq" } == 1)
                #expect(statistics.messages.count { $0.kind == "CloseTunnelReq" } == 0)
            }
        }
    }

    @Test("that changes properties opens another tunnel at the same address and leaves others alone")
    func replace() async throws {
        let web = TunnelSpec(name: "web", protocol: .tls)
        try await withDaemon([web, .tcp("other")]) { engine, _, daemon in
            let hostname = try daemon.hostname(of: "web")
            let untouched = try await openStream(daemon, "other")
            // The service sends back what it gets.
            let visitor = try await engine.visit(hostname)
            try await visitor.send("before ")
            _ = try await visitor.receive(asLongAs: "before ")
            try await daemon.reload { $0.tunnels[0].spec.labels["color"] = "blue" }
            #expect(daemon.changes == [["web", "replace", "drain", "1"]])
            try await daemon.waitForTunnels(3)
            #expect(try daemon.hostname(of: "web") == hostname)
            try await visitor.send("after")
            #expect(try await visitor.receive(asLongAs: "before after") == "before after")
            await visitor.close()
            try await expectAlive(untouched)
            let statistics = try await engine.engine.wait { $0.tunnels == 2 }
            #expect(statistics.controlConnectsTotal == 1)
            #expect(statistics.messages.count { $0.kind == "OpenTunnelReq" } == 3)
            #expect(statistics.messages.count { $0.kind == "CloseTunnelReq" } == 1)
            #expect(daemon.warnings.isEmpty, "\(daemon.warnings)")
        }
    }

    @Test("opens a replacement before it closes the old tunnel where both can be open")
    func replaceWithoutGap() async throws {
        try await withDaemon([TunnelSpec(name: "db", publish: false)]) { engine, _, daemon in
            try await daemon.reload { $0.tunnels[0].spec.labels["color"] = "blue" }
            try await daemon.waitForTunnels(2)
            let statistics = try await engine.engine.wait { $0.tunnels == 1 }
            let kinds = statistics.messages.map(\.kind).filter {
                $0.hasPrefix("OpenTunnel") || $0.hasPrefix("CloseTunnel")
            }
            #expect(kinds == ["OpenTunnelReq", "OpenTunnelReq", "CloseTunnelReq"])
        }
    }

    @Test("during the previous one leaves one tunnel, at the same address")
    func replaceInARow() async throws {
        try await withDaemon([.tcp("web"), TunnelSpec(name: "db", publish: false)]) { engine, _, daemon in
            let port = try daemon.port(of: "web")
            for round in 1...20 {
                try await daemon.reload { configuration in
                    for index in 0...1 { configuration.tunnels[index].spec.labels["round"] = "\(round)" }
                }
            }
            // What is opened and closed at the end is for a reload that came after all the others.
            try await daemon.reload { configuration in
                configuration.tunnels.removeLast()
                configuration.tunnels[0].spec.labels = ["round": "last"]
            }
            try await engine.engine.wait { statistics in
                statistics.messages.last { $0.kind == "OpenTunnelReq" }?.properties?.labels == ["round": "last"]
            }
            try await engine.engine.wait { $0.tunnels == 1 }
            // For a moment the one may still be the other tunnel.
            let seen = daemon.log.lines(RunningDaemon.tunnelOnline).count
            if (try? await expectEcho(atPort: port)) == nil {
                try await daemon.waitForTunnels(seen + 1)
                try await expectEcho(atPort: port)
            }
            #expect(daemon.warnings.isEmpty, "\(daemon.warnings)")
        }
    }

    @Test("adds and removes tunnels on the existing session")
    func addAndRemove() async throws {
        try await withDaemon([.tcp("web")]) { engine, server, daemon in
            let visitor = try await openStream(daemon)
            try await daemon.reload { configuration in
                configuration.tunnels = engine.configuration([.tcp("new")], to: server.port).tunnels
            }
            #expect(daemon.changes == [["new", "add", "", "0"], ["web", "remove", "drain", "1"]])
            try await daemon.waitForTunnels(2)
            try await expectEcho(atPort: try daemon.port(of: "new"))
            try await expectAlive(visitor)
            let statistics = try await engine.engine.wait { $0.tunnels == 1 }
            #expect(statistics.controlConnectsTotal == 1)
        }
    }

    @Test("ends the last tunnel's session with it, and starts one again for the next")
    func lastTunnel() async throws {
        try await withDaemon([.tcp("web")]) { engine, server, daemon in
            try await daemon.reload { $0.tunnels = [] }
            let statistics = try await engine.engine.wait { $0.clients == 0 }
            #expect(statistics.messages.last?.kind == "CloseControlChannelReq")
            try await daemon.reload { $0.tunnels = engine.configuration([.tcp("web")], to: server.port).tunnels }
            try await daemon.waitForTunnels(2)
            try await expectEcho(atPort: try daemon.port(of: "web"))
        }
    }

    @Test("cuts, drains or keeps open streams, as configured", arguments: StreamDisposition.allCases)
    func disposition(disposition: StreamDisposition) async throws {
        // Keeping is seen by a stream that outlives a drain of another tunnel.
        try await withDaemon([.tcp("web"), .tcp("drained")], drain: .milliseconds(100)) { _, server, daemon in
            let visitor = try await openStream(daemon)
            let drained = try await openStream(daemon, "drained")
            try await daemon.reload { configuration in
                configuration.tunnels[0].disposition = disposition
                for index in 0...1 { configuration.tunnels[index].options.connectTimeout = .seconds(7) }
            }
            try await drained.waitForReset()
            switch disposition {
            case .cut, .drain: try await visitor.waitForReset()
            case .keep: try await expectAlive(visitor)
            }
            // New streams are served all the same.
            try await expectEcho(atPort: try daemon.port(of: "web"))
            await visitor.close()
            await drained.close()
        }
    }

    @Test("of another credential reconnects with it, keeps addresses, and streams go on")
    func credential() async throws {
        try await TemporaryFolder.with { folder in
            try await withDaemon([.tcp("web")]) { engine, _, daemon in
                let port = try daemon.port(of: "web")
                let visitor = try await openStream(daemon)
                let path = try folder.write(TestEngine.token.reveal() + "\n", to: "token")
                try await daemon.reload { $0.tunnels[0].context.credential = .tokenFile(path: path) }
                #expect(daemon.changes.isEmpty)
                try await daemon.waitForTunnels(2)
                #expect(try daemon.port(of: "web") == port)
                try await expectAlive(visitor)
                let statistics = try await engine.engine.wait { $0.clients == 1 }
                #expect(statistics.controlConnectsTotal == 2)
                #expect(daemon.warnings.isEmpty, "\(daemon.warnings)")
            }
        }
    }

    @Test("that is refused changes nothing and names the place, and the next valid one succeeds")
    func refused() async throws {
        try await withDaemon([.tcp("web")]) { engine, _, daemon in
            let visitor = try await openStream(daemon)
            let good = daemon.files.value
            let mistake = Diagnostic(
                file: "web.yaml",
                line: 7,
                column: 3,
                message: "unknown key \"protcol\"",
                hint: "no"
            )
            daemon.files.change { $0 = .bad(ConfigurationError(kind: .invalid, diagnostics: [mistake])) }
            let line = try await daemon.reloadOnce()
            #expect(line.message == "reload refused")
            #expect(line.level == .error)
            #expect(line.metadata["error"] == "web.yaml:7: unknown key \"protcol\"")
            let detail = try #require(daemon.log.lines("configuration diagnostic").first)
            #expect(detail.metadata["line"] == "7" && detail.metadata["column"] == "3")
            try await expectAlive(visitor)
            try await expectEcho(atPort: try daemon.port(of: "web"))

            daemon.files.change { $0 = good }
            #expect(try await daemon.reloadOnce().message == "configuration unchanged")
            #expect(try await engine.engine.statistics().controlConnectsTotal == 1)
        }
    }

    @Test("retries at once what waits for its next attempt")
    func impatience() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                try await TestServer.with(.echo) { server in
                    let path = try folder.write("wrong\n", to: "token")
                    let context = engine.context(credential: .tokenFile(path: path))
                    let configuration = engine.configuration(
                        [.tcp("web")],
                        to: server.port,
                        context: context,
                        rejected: .seconds(3_600)
                    )
                    try await RunningDaemon.with(configuration) { daemon in
                        try await daemon.log.wait(for: RunningDaemon.outage)
                        try folder.write(TestEngine.token.reveal() + "\n", to: "token")
                        try await daemon.reload()
                        try await daemon.waitForTunnels()
                    }
                }
            }
        }
    }

    @Test("that disables a tunnel closes it, and one that enables it reopens it")
    func disabled() async throws {
        try await withDaemon([.tcp("web"), .tcp("other")]) { engine, _, daemon in
            try await daemon.reload { $0.tunnels[0].isEnabled = false }
            try await engine.engine.wait { $0.tunnels == 1 }
            try await daemon.reload { $0.tunnels[0].isEnabled = true }
            try await daemon.waitForTunnels(3)
            try await expectEcho(atPort: try daemon.port(of: "web"))
        }
    }
}

extension RunningDaemon {
    /// The published port of a `tcp` tunnel, as it was logged last.
    func port(of tunnel: String) throws -> Int {
        let line = log.lines(Self.tunnelOnline).last { $0.metadata["tunnel"] == tunnel }
        return try #require(line?.port)
    }

    /// The published name of an `http` tunnel, as it was logged last.
    func hostname(of tunnel: String) throws -> String {
        let line = log.lines(Self.tunnelOnline).last { $0.metadata["tunnel"] == tunnel }
        let address = try #require(line?.metadata["address"])
        let place = address.split(separator: "//").last ?? ""
        return String(place.prefix { $0 != ":" })
    }

    /// What the log says about tunnels that reloads changed: name, action, disposition, streams.
    var changes: [[String]] {
        log.lines("tunnel changed").map { line in
            ["tunnel", "action", "disposition", "streams"].map { line.metadata[$0] ?? "" }
        }
    }
}
