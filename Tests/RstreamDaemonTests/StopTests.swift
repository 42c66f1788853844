// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import NIOCore
import RstreamAdmin
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The stop of the daemon", .serialized, .timeLimit(.hang))
struct StopTests {
    /// A daemon with one open stream.
    private func withStream(
        drain: Duration,
        _ body: (TestEngine, RunningDaemon, TestConnection) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(.echo) { server in
                let configuration = engine.configuration([.tcp("web")], to: server.port, drain: drain)
                try await RunningDaemon.with(configuration) { daemon in
                    let port = try #require(try await daemon.waitForTunnels().first?.port)
                    let visitor = try await TestConnection.connect(toPort: port)
                    try await visitor.send("before")
                    _ = try await visitor.receive(asLongAs: "before")
                    try await body(engine, daemon, visitor)
                    await visitor.close()
                    try await engine.waitUntilDeserted()
                }
            }
        }
    }

    @Test("a stop that is asked for before the daemon runs is carried out when it does")
    func early() async throws {
        try await TestEngine.with { engine in
            let configuration = engine.configuration([.tcp("web")], to: 9, drain: .seconds(600))
            try await RunningDaemon.with(configuration, isStoppedFirst: true) { daemon in
                try await daemon.waitForEnd()
                #expect(daemon.log.lines.value.first?.message == "started")
                #expect(daemon.log.lines.value.last?.message == "stopped")
                #expect(daemon.warnings.isEmpty)
            }
        }
    }

    @Test("waits for streams that are open and takes no new ones")
    func drain() async throws {
        try await withStream(drain: .seconds(600)) { engine, daemon, visitor in
            await daemon.beginStop()
            try await engine.engine.wait { $0.tunnels == 0 }
            try await visitor.send(" after")
            #expect(try await visitor.receive(asLongAs: "before after") == "before after")
            #expect(daemon.log.lines("stopped").isEmpty)
            // The control channel stays until the last stream has ended.
            #expect(try await engine.engine.statistics().clients == 1)
            try await visitor.finish()
            #expect(try await visitor.receiveText() == "before after")
            try await daemon.waitForEnd()
            #expect(daemon.log.lines("drain timed out, cutting streams").isEmpty)
        }
    }

    @Test("answers probes while streams drain, and refuses requests")
    func life() async throws {
        try await withStream(drain: .seconds(600)) { engine, daemon, visitor in
            await daemon.beginStop()
            try await engine.engine.wait { $0.tunnels == 0 }
            // Its turn comes after the question about life.
            daemon.daemon.stallDetector.probe()
            let problem = await #expect(throws: Problem.self) { try await daemon.daemon.reload(dryRun: true) }
            #expect(problem?.code == .stopping)
            // It is asked by others too, and may not have answered those.
            try await within("a sign of life") {
                while daemon.daemon.stallDetector.stalls(after: .zero).contains(where: { $0.contains("request loop") })
                {
                    try await Task.sleep(for: .milliseconds(1))
                }
            }
            try await visitor.finish()
            try await daemon.waitForEnd()
        }
    }

    @Test("cuts open streams at the drain's timeout")
    func timeout() async throws {
        try await withStream(drain: .milliseconds(50)) { _, daemon, visitor in
            try await daemon.stop()
            try await visitor.waitForReset()
            let line = try #require(daemon.log.lines("drain timed out, cutting streams").first)
            #expect(line.level == .warning)
            #expect(line.metadata["streams"] == "1")
        }
    }

    @Test("cuts streams at once at the second request")
    func stopNow() async throws {
        try await withStream(drain: .seconds(600)) { engine, daemon, visitor in
            await daemon.beginStop()
            try await engine.engine.wait { $0.tunnels == 0 }
            daemon.daemon.stopNow()
            try await daemon.waitForEnd()
            try await visitor.waitForReset()
        }
    }

    @Test("is immediate at the second request while the engine does not answer")
    func stopNowDeaf() async throws {
        try await TestEngine.with(.with { $0.faults = [Fault(.stallReads, count: 1)] }) { engine in
            let configuration = engine.configuration([.tcp("web")], to: 1, drain: .seconds(600))
            try await RunningDaemon.with(configuration) { daemon in
                try await daemon.log.wait(for: "engine connected")
                daemon.daemon.stopNow()
                try await daemon.stop()
            }
        }
    }

    @Test("happens when its task is cancelled, and leaves no connection")
    func cancelled() async throws {
        try await withStream(drain: .milliseconds(50)) { engine, daemon, visitor in
            daemon.cancel()
            try? await daemon.waitForEnd()
            #expect(daemon.log.lines("stopped").count == 1)
            try await engine.engine.wait { $0.clients == 0 }
        }
    }

    @Test("does not wait for an engine that cannot be reached")
    func whileWaiting() async throws {
        try await TestServer.withDeadPort { port in
            try await TestEngine.with { engine in
                var context = engine.context()
                context.engine = .address(try EngineAddress("127.0.0.1:\(port)"))
                var configuration = engine.configuration([.tcp("web")], to: 1, context: context)
                configuration.reconnect = ReconnectSettings(minimum: .seconds(600), maximum: .seconds(600))
                try await RunningDaemon.with(configuration) { daemon in
                    try await daemon.log.wait(for: RunningDaemon.outage)
                    try await daemon.stop()
                }
            }
        }
    }

    @Test("does not wait for a reload that is reading files", arguments: [true, false], [true, false])
    func whileLoading(bySignal: Bool, isStoppedBySignal: Bool) async throws {
        try await RunningDaemon.with(DaemonConfiguration()) { daemon in
            let gate = RunningDaemon.Gate()
            // Also when the test fails: the thread has to end.
            defer { gate.open() }
            daemon.files.change { $0 = .slow(gate) }
            let asker = Task { _ = try? await daemon.daemon.reload(dryRun: true) }
            if bySignal { daemon.daemon.reload(.signal) }
            try await gate.isReached.wait(for: "the reading of the files") { $0 }
            // The daemon itself is asked by a signal, and by others the group of services.
            if isStoppedBySignal { daemon.daemon.stop() } else { await daemon.beginStop() }
            try await daemon.waitForEnd()
            #expect(daemon.log.lines("stopped").count == 1)
            await asker.value
        }
    }

    @Test("does not wait for a connection that is being made")
    func whileConnecting() async throws {
        try await TestServer.with(.manual) { server in
            try await TestEngine.with { engine in
                var context = engine.context()
                context.engine = .address(try EngineAddress("127.0.0.1:\(server.port)"))
                let configuration = engine.configuration([.tcp("web")], to: 1, context: context)
                try await RunningDaemon.with(configuration) { daemon in
                    let connection = try await server.connection()
                    try await daemon.stop()
                    try await connection.waitForClose()
                }
            }
        }
    }
}
