// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import NIOPosix
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The daemon", .serialized, .timeLimit(.hang))
struct DaemonTests {
    /// An engine, an echo service, and a daemon with these tunnels to it.
    private func withDaemon(
        _ specs: [TunnelSpec],
        rejected: Duration = .milliseconds(50),
        faults: [Fault] = [],
        _ body: (TestEngine, RunningDaemon) async throws -> Void
    ) async throws {
        try await TestEngine.with(.with { $0.faults = faults }) { engine in
            try await TestServer.with(.echo) { server in
                let configuration = engine.configuration(specs, to: server.port, rejected: rejected)
                try await RunningDaemon.with(configuration) { try await body(engine, $0) }
            }
        }
    }

    @Test("brings all tunnels of an engine online over one control channel, and closes them when asked to stop")
    func online() async throws {
        try await withDaemon([.tcp("one"), .http("two"), TunnelSpec(name: "three", publish: false)]) { engine, daemon in
            let lines = try await daemon.waitForTunnels(3)
            #expect(Set(lines.compactMap { $0.metadata["tunnel"] }) == ["one", "two", "three"])
            #expect(try await engine.engine.statistics().controlConnectsTotal == 1)
            try await expectEcho(atPort: lines.first { $0.metadata["tunnel"] == "one" }?.port)
            try await daemon.stop()
            try await engine.waitUntilDeserted()
            let last = try await engine.engine.statistics().messages.suffix(4).map(\.kind)
            #expect(last == ["CloseTunnelReq", "CloseTunnelReq", "CloseTunnelReq", "CloseControlChannelReq"])
            #expect(daemon.warnings.isEmpty)
            #expect(daemon.log.lines("stopped").count == 1)
        }
    }

    @Test("reconnects after the loss of its control channel with the same names and ports, and streams go on")
    func controlDrop() async throws {
        try await withDaemon([.tcp("port"), .http("name")]) { engine, daemon in
            let before = try await daemon.waitForTunnels(2)
            let port = try #require(before.compactMap(\.port).first)
            let visitor = try await TestConnection.connect(toPort: port)
            try await visitor.send("before")
            _ = try await visitor.receive(asLongAs: "before")

            await engine.engine.dropControlChannels()
            let lines = try await daemon.waitForTunnels(4)
            #expect(
                Set(lines.prefix(2).map { $0.metadata["address"] })
                    == Set(lines.suffix(2).map { $0.metadata["address"] })
            )
            try await visitor.send(" after")
            #expect(try await visitor.receive(asLongAs: "before after") == "before after")
            try await visitor.finish()
            #expect(try await visitor.receiveText() == "before after")
            try await expectEcho(atPort: port)

            try await daemon.log.wait(for: RunningDaemon.recovery)
            #expect(daemon.warnings.map(\.message) == [RunningDaemon.outage])
            #expect(daemon.log.lines(RunningDaemon.recovery).count == 1)
            #expect(try await engine.engine.statistics().controlConnectsTotal == 2)
        }
    }

    @Test("retries a tunnel that was refused for now, and logs it once")
    func refusedForNow() async throws {
        let busy = Fault(.tunnelError, value: .error(EngineError(code: .serviceUnavailable, message: "busy")), count: 3)
        try await withDaemon([.tcp("web")], faults: [busy]) { engine, daemon in
            try await daemon.waitForTunnels()
            #expect(daemon.warnings.map(\.message) == [RunningDaemon.tunnelFailed])
            #expect(daemon.warnings.first?.metadata["error"]?.contains("6000") == true)
            #expect(daemon.warnings.first?.metadata["tunnel"] == "web")
            #expect(try await engine.engine.statistics().controlConnectsTotal == 1)
        }
    }

    @Test("does not retry a tunnel that was refused for good, logs it once, and serves the others")
    func refusedForGood() async throws {
        try await withDaemon([
            TunnelSpec(name: "bad", protocol: .http, hostname: "name.of.somebody.else"), .tcp("good"),
        ]) { engine, daemon in
            let line = try #require(try await daemon.waitForTunnels().first)
            #expect(line.metadata["tunnel"] == "good")
            try await daemon.log.wait(for: RunningDaemon.tunnelFailed)
            // It is tried again at every `rejected` interval, and not logged again.
            try await engine.engine.wait { statistics in
                statistics.messages.count { $0.kind == "OpenTunnelReq" && $0.properties?.name == "bad" } >= 4
            }
            #expect(daemon.warnings.map(\.message) == [RunningDaemon.tunnelFailed])
            #expect(daemon.warnings.first?.metadata["tunnel"] == "bad")
            #expect(daemon.warnings.first?.metadata["error"]?.contains("2000") == true)
            try await expectEcho(atPort: line.port)
        }
    }

    @Test("reopens a tunnel that the engine ended on the same channel and leaves the others alone")
    func unpromptedClose() async throws {
        try await withDaemon([.tcp("one"), .tcp("two")], faults: [Fault(.closeTunnel, value: .number(1), count: 1)]) {
            engine,
            daemon in
            let lines = try await daemon.waitForTunnels(3)
            #expect(Set(lines.map { $0.metadata["tunnel"] }).count == 2)
            #expect(daemon.warnings.map(\.message) == [RunningDaemon.tunnelFailed])
            let statistics = try await engine.engine.wait { $0.tunnels == 2 }
            #expect(statistics.controlConnectsTotal == 1)
            #expect(statistics.messages.count { $0.kind == "OpenTunnelReq" } == 3)
            for port in Set(lines.compactMap(\.port)) { try await expectEcho(atPort: port) }
        }
    }

    @Test("finds its engine again after that was down, at the same port")
    func engineRestart() async throws {
        try await TemporaryFolder.with { folder in
            try await TestServer.with(.echo) { server in
                // The first engine only lends its port; the daemon starts while it is gone. No other test uses this
                // loopback address, so no process takes the port meanwhile.
                let host = "127.7.7.7"
                let lent = try await TestEngine.with(.with { $0.listenHost = host }, in: folder) { $0 }
                let port = lent.address.port
                try await RunningDaemon.with(lent.configuration([.tcp("web")], to: server.port)) { daemon in
                    let line = try #require(try await daemon.log.wait(for: RunningDaemon.outage).first)
                    #expect(line.metadata["error"]?.contains("the connection was refused") == true)
                    for round in 1...2 {
                        try await TestEngine.with(.with { ($0.listenHost, $0.listenPort) = (host, port) }, in: folder) {
                            _ in
                            let lines = try await daemon.waitForTunnels(round)
                            try await expectEcho(atPort: lines.last?.port, of: host)
                            try await daemon.log.wait(for: RunningDaemon.recovery, count: round)
                        }
                        try await daemon.log.wait(for: RunningDaemon.outage, count: round + 1)
                    }
                    #expect(daemon.log.lines(RunningDaemon.outage).count == 3)
                }
            }
        }
    }

    @Test("starts with invalid certificates, logs it, and comes online when they are corrected")
    func uselessCertificates() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                let path = try folder.write("garbage\n", to: "ca.pem")
                var context = engine.context()
                context.transport.tls.caFile = path
                let configuration = engine.configuration([.tcp("web")], to: 9, context: context)
                try await RunningDaemon.with(configuration) { daemon in
                    let line = try #require(try await daemon.log.wait(for: RunningDaemon.outage).first)
                    let what = "engine CA file \"\(path)\" does not contain a valid PEM certificate"
                    #expect(line.metadata["error"] == "\(what)")
                    try folder.write(engine.caPEM, to: "ca.pem")
                    try await daemon.waitForTunnels()
                }
            }
        }
    }

    @Test("reads the token file again at every connect")
    func tokenFile() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                try await TestServer.with(.echo) { server in
                    let path = folder.path(of: "token")
                    let context = engine.context(credential: .tokenFile(path: path))
                    let configuration = engine.configuration([.tcp("web")], to: server.port, context: context)
                    try await RunningDaemon.with(configuration) { daemon in
                        let line = try #require(try await daemon.log.wait(for: RunningDaemon.outage).first)
                        #expect(
                            line.metadata["error"] == "token file \"\(path)\" cannot be read: there is no such file"
                        )
                        try folder.write("wrong\n", to: "token")
                        try await daemon.log.lines.wait(for: "the refusal") { lines in
                            lines.contains { $0.metadata["error"]?.contains("1000") == true }
                        }
                        try folder.write(TestEngine.token.reveal() + "\n", to: "token")
                        try await daemon.waitForTunnels()
                        #expect(daemon.log.lines(RunningDaemon.outage).count == 1)
                        for line in daemon.log.lines.value {
                            #expect(!"\(line)".contains(TestEngine.token.reveal()))
                        }
                    }
                }
            }
        }
    }

    @Test("serves nothing, and stops, when no tunnel is configured")
    func nothing() async throws {
        try await RunningDaemon.with(DaemonConfiguration()) { daemon in
            try await daemon.log.wait(for: "started")
            try await daemon.stop()
        }
    }
}
