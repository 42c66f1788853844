// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Glibc
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Reloads that affect several tunnels or contexts", .serialized, .timeLimit(.hang))
struct ReloadSwapTests: ReloadFixture {
    @Test(
        "closes nothing for a file that is missing, empty, too open or of the wrong kind",
        arguments: 0..<8
    )
    func unreadable(kind: Int) async throws {
        try await TemporaryFolder.with { folder in
            try await withDaemon([.tcp("web")]) { engine, _, daemon in
                let visitor = try await openStream(daemon)
                let empty = try folder.write("\n", to: "empty")
                let open = try folder.write("text\n", to: "open")
                #expect(chmod(open, 0o644) == 0)
                let missing = folder.path(of: "missing")
                let garbage = try folder.write("garbage\n", to: "garbage")
                let own = try folder.write(ClientCertificate.certificate, to: "own.pem")
                let otherKey = try folder.write(ClientCertificate.endedKey, to: "other-key.pem")
                let line = try await daemon.reload { configuration in
                    var context = configuration.tunnels[0].context
                    switch kind {
                    case 0: context.credential = .tokenFile(path: missing)
                    case 1: context.transport.tls.caFile = missing
                    case 2: context.credential = .tokenFile(path: empty)
                    case 3: context.transport.tls.caFile = garbage
                    case 4: context.credential = .clientCertificate(certificateFile: garbage, keyFile: otherKey)
                    case 5: context.credential = .clientCertificate(certificateFile: own, keyFile: garbage)
                    case 6: context.credential = .clientCertificate(certificateFile: own, keyFile: otherKey)
                    default: context.credential = .clientCertificate(certificateFile: open, keyFile: open)
                    }
                    configuration.tunnels[0].context = context
                }
                #expect(line.message == "reload refused")
                #expect(line.metadata["error"]?.contains(folder.path) == true, "\(line)")
                try await expectAlive(visitor)
                try await expectEcho(atPort: try daemon.port(of: "web"))
                #expect(try await engine.engine.statistics().controlConnectsTotal == 1)
            }
        }
    }

    @Test("that is refused for a file answers 422 with the place of its key and the fix, and so does a dry run")
    func refusal() async throws {
        try await TemporaryFolder.with { folder in
            try await AdminCallTests.withDaemon { engine, daemon in
                let garbage = try folder.write("garbage\n", to: "ca.pem")
                daemon.files.change { files in
                    guard case .good(var configuration) = files else { return }
                    var context = configuration.tunnels[0].context
                    context.transport.tls.caFile = garbage
                    context.mark = SourceMark(file: "main.yaml", line: 3, column: 1)
                    let mark = SourceMark(file: "main.yaml", line: 9, column: 7)
                    context.fileMarks = [.transportTlsCaFile: mark]
                    configuration.tunnels[0].context = context
                    files = .good(configuration)
                }
                for body in [#"{"dryRun":true}"#, #"{"dryRun":false}"#] {
                    let answer = try await daemon.admin.call("POST", "/v1/reload", body)
                    #expect(answer.status == 422)
                    let reply = try answer.decode(ReloadReply.self)
                    #expect(reply.outcome == .refused && reply.changes.isEmpty)
                    let told = try #require(reply.diagnostics.first)
                    #expect("\(told.file):\(told.line):\(told.column)" == "main.yaml:9:7")
                    let what = "engine CA file \"\(garbage)\" does not contain a valid PEM certificate"
                    #expect(told.message == "context \"main\": \(what)")
                    #expect(told.hint == "write the certificates there in PEM")
                }
                #expect(try await engine.engine.statistics().controlConnectsTotal == 1)
            }
        }
    }

    @Test("that swaps the credentials of two contexts reconnects both, affects no stream, and logs each correctly")
    func swappedTokens() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                try await TestServer.with(.echo) { server in
                    let paths = try ["first", "second"].map {
                        try folder.write(TestEngine.token.reveal() + "\n", to: $0)
                    }
                    var configuration = engine.configuration([.tcp("web"), .tcp("other")], to: server.port)
                    for index in 0...1 {
                        configuration.tunnels[index].context.name = ["a", "b"][index]
                        configuration.tunnels[index].context.credential = .tokenFile(path: paths[index])
                        configuration.tunnels[index].disposition = .cut
                    }
                    try await RunningDaemon.with(configuration) { daemon in
                        try await daemon.waitForTunnels(2)
                        let visitors = [try await openStream(daemon), try await openStream(daemon, "other")]
                        try await daemon.reload { configuration in
                            for index in 0...1 {
                                configuration.tunnels[index].context.credential = .tokenFile(path: paths[1 - index])
                            }
                        }
                        #expect(daemon.changes.isEmpty)
                        try await daemon.waitForTunnels(4)
                        for visitor in visitors { try await expectAlive(visitor) }
                        for line in daemon.log.lines(RunningDaemon.tunnelOnline) {
                            #expect(line.metadata["context"] == (line.metadata["tunnel"] == "web" ? "a" : "b"))
                        }
                        let sessions = daemon.daemon.statusStore.read { $0.sessions.values.map(\.context).sorted() }
                        #expect(sessions == ["a", "b"])
                    }
                }
            }
        }
    }

    @Test(
        "may exchange the ports of two tunnels, of one session or of two, which are back at once and without an error",
        arguments: [["main", "main"], ["a", "b"]]
    )
    func exchangedPorts(contexts: [String]) async throws {
        try await withPorts(contexts) { ports, daemon in
            #expect(daemon.daemon.statusStore.read { $0.sessions.values.count } == Set(contexts).count)
            for round in 1...5 {
                try await daemon.reload { configuration in
                    for index in 0...1 { configuration.tunnels[index].spec.port = ports[(index + round) % 2] }
                }
                try await daemon.waitForTunnels(2 + 2 * round)
                for port in ports { try await expectEcho(atPort: port) }
            }
        }
    }

    @Test("may move a tunnel to another session, which opens it when the first one has closed it")
    func movedPort() async throws {
        try await withPorts(["a", "b"]) { ports, daemon in
            for round in 1...5 {
                // Each takes the other one's session, so that both go on, and both wait.
                try await daemon.reload { configuration in
                    let contexts = configuration.tunnels.map(\.context)
                    for index in 0...1 { configuration.tunnels[index].context = contexts[1 - index] }
                }
                try await daemon.waitForTunnels(2 + 2 * round)
                for port in ports { try await expectEcho(atPort: port) }
            }
        }
    }

    @Test("may give a port to a new tunnel of another session, when the old one is closed with its session")
    func inheritedPort() async throws {
        try await withPorts(["a", "b"]) { ports, daemon in
            try await daemon.reload { configuration in
                configuration.tunnels.removeFirst()
                configuration.tunnels[0].spec.port = ports[0]
            }
            try await daemon.waitForTunnels(3)
            try await expectEcho(atPort: ports[0])
        }
    }

    @Test("does not wait for a tunnel of a session that the engine rejects")
    func rejectedSession() async throws {
        try await withPorts(["a", "b"], wrongToken: "a") { ports, daemon in
            try await daemon.log.wait(for: RunningDaemon.outage)
            try await daemon.reload { configuration in
                for index in 0...1 { configuration.tunnels[index].spec.port = ports[1 - index] }
            }
            let lines = try await daemon.waitForTunnels(2)
            #expect(lines.last?.port == ports[0])
            try await expectEcho(atPort: ports[0])
        }
    }

    /// Two tunnels with ports of their own; contexts of two names are two sessions. Nothing may be complained of but the
    /// session whose token is wrong.
    private func withPorts(
        _ contexts: [String],
        wrongToken: String? = nil,
        _ body: ([Int], RunningDaemon) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let files = try contexts.map { context in
                try folder.write(context == wrongToken ? "wrong\n" : TestEngine.token.reveal() + "\n", to: context)
            }
            try await TestEngine.with { engine in
                try await TestServer.with(.echo) { server in
                    let ports = try await TestServer.withDeadPort { first in
                        try await TestServer.withDeadPort { second in [first, second] }
                    }
                    var configuration = engine.configuration([.tcp("web"), .tcp("other")], to: server.port)
                    for index in 0...1 {
                        configuration.tunnels[index].spec.port = ports[index]
                        configuration.tunnels[index].context.name = contexts[index]
                        configuration.tunnels[index].context.credential = .tokenFile(path: files[index])
                    }
                    try await RunningDaemon.with(configuration) { daemon in
                        try await daemon.waitForTunnels(wrongToken == nil ? 2 : 1)
                        try await body(ports, daemon)
                        let complaints = daemon.warnings.map(\.message)
                        #expect(Set(complaints) == (wrongToken == nil ? [] : [RunningDaemon.outage]), "\(complaints)")
                    }
                }
            }
        }
    }
}
