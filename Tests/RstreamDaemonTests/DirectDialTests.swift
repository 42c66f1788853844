// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Connections to private tunnels over the admin API", .serialized, .timeLimit(.hang))
struct DirectDialTests {
    private static let upgrade = ["Connection": "Upgrade", "Upgrade": "rstream-stream"]

    /// A daemon with a private tunnel `db` to an echo service.
    private static func withDaemon(
        change: (inout DaemonConfiguration) -> Void = { _ in },
        _ body: (RunningDaemon) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(.echo) { server in
                var configuration = engine.configuration([TunnelSpec(name: "db", publish: false)], to: server.port)
                configuration.contexts = [engine.context()]
                configuration.fallback = engine.context()
                change(&configuration)
                try await RunningDaemon.withAdmin(configuration) { daemon in
                    try await daemon.waitForTunnels()
                    try await body(daemon)
                }
            }
        }
    }

    private static func dial(_ target: String, _ daemon: RunningDaemon) async throws -> TestConnection {
        let connection = try await daemon.admin.connect()
        let request = AdminSocket.request("POST", "/v1/dial/\(target)", headers: upgrade, close: false)
        try await connection.send(request)
        return connection
    }

    /// The answer's head, as soon as it is there.
    private static func head(_ connection: TestConnection) async throws -> String {
        let end = "\r\n\r\n"
        let state = try await connection.state.wait(for: "the answer") {
            $0.isOver || String(buffer: $0.received).contains(end)
        }
        let text = String(buffer: state.received)
        return text.firstRange(of: end).map { String(text[..<$0.upperBound]) } ?? text
    }

    @Test("carry bytes both ways, with half-close, and are counted", arguments: ["db", "db?context=main"])
    func stream(target: String) async throws {
        try await Self.withDaemon { daemon in
            let connection = try await Self.dial(target, daemon)
            let head = try await Self.head(connection)
            #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"), "\(head)")
            #expect(head.contains("Upgrade: rstream-stream\r\n"))
            try await connection.send("hello")
            #expect(try await connection.receive(asLongAs: head + "hello") == head + "hello")
            let metrics = try await daemon.admin.call("GET", "/metrics").body
            #expect(metrics.contains("rstreamd_dial_streams_active 1\n"))
            // What the service sends after this end's last byte still arrives.
            try await connection.send(" and goodbye")
            try await connection.finish()
            #expect(try await connection.receiveText() == head + "hello and goodbye")
            await connection.close()
            try await daemon.admin.wait(for: #"rstreamd_dial_streams_total{outcome="completed"} 1"#)
        }
    }

    @Test("are streams with a number, events and a line, which name what was dialed")
    func events() async throws {
        try await Self.withDaemon { daemon in
            let reader = try await daemon.admin.events(after: 0)
            let connection = try await Self.dial("db", daemon)
            let head = try await Self.head(connection)
            try await connection.send("hello")
            _ = try await connection.receive(asLongAs: head + "hello")
            let opened = try #require(try await reader.wait(for: "the dial") { $0.dial != nil }.last)
            #expect(opened.type == "stream.opened")
            #expect(opened.dial == "db" && opened.tunnel == nil && opened.listener == nil)
            let streams = try await daemon.admin.get("/v1/streams", as: [StreamStatus].self)
            let stream = try #require(streams.first { $0.dial == "db" })
            #expect(stream.id == opened.stream && stream.tunnel == nil && stream.listener == nil)
            #expect(try await daemon.admin.call("DELETE", "/v1/streams/\(stream.id)").status == 204)
            let ended = try #require(
                try await reader.wait(for: "its end") { $0.dial != nil && $0.outcome != nil }.last
            )
            #expect(ended.stream == stream.id && ended.outcome == "cut")
            #expect(ended.bytes?.sent == 5)
            let lines = try await daemon.log.wait(for: "stream closed", count: 2)
            let line = try #require(lines.first { $0.metadata["dial"] == "db" })
            #expect(line.metadata["stream_number"] == stream.id && line.metadata["outcome"] == "cut")
            await connection.close()
            await reader.connection.close()
        }
    }

    @Test("that are refused have an event without a number")
    func refused() async throws {
        try await Self.withDaemon { daemon in
            let reader = try await daemon.admin.events(after: 0)
            daemon.daemon.streams.limit(to: 0)
            let connection = try await Self.dial("db", daemon)
            _ = try await connection.receiveText()
            let event = try #require(try await reader.wait(for: "the refusal") { $0.outcome == "refused" }.last)
            #expect(event.type == "stream.failed" && event.dial == "db" && event.stream == nil)
            daemon.daemon.streams.limit(to: 100)
            await connection.close()
            await reader.connection.close()
        }
    }

    @Test("a connection that is a stream takes no place among the clients any more")
    func places() async throws {
        try await Self.withDaemon { daemon in
            var connections: [TestConnection] = []
            for _ in 0..<HTTPListener.defaultClientLimit + 4 {
                let connection = try await Self.dial("db", daemon)
                #expect(try await Self.head(connection).hasPrefix("HTTP/1.1 101 "))
                connections.append(connection)
            }
            #expect(try await daemon.admin.call("GET", "/v1/health/live").status == 200)
            for connection in connections { await connection.close() }
        }
    }

    @Test("much data is not lost, whichever side is slow")
    func pressure() async throws {
        try await Self.withDaemon { daemon in
            let connection = try await Self.dial("db", daemon)
            let head = try await Self.head(connection)
            let total = 4_000_000
            let accepted = connection.pump(total)
            let bytes = try await connection.receive(head.utf8.count + total)
            #expect(bytes.getSlice(at: bytes.readerIndex + head.utf8.count, length: total) == .pattern(total))
            #expect(accepted.value == total)
            await connection.close()
        }
    }

    @Test("a tunnel that is not there is answered with a problem")
    func missing() async throws {
        try await Self.withDaemon { daemon in
            let connection = try await Self.dial("none", daemon)
            let answer = try #require(AdminSocket.Answer.all(in: try await connection.receiveText()).first)
            #expect(answer.status == 502 && answer.problem?.code == .notReachable, "\(answer)")
            await connection.close()
        }
    }

    @Test("a limit of streams is answered with a problem")
    func limit() async throws {
        try await Self.withDaemon { daemon in
            daemon.daemon.streams.limit(to: 0)
            let connection = try await Self.dial("db", daemon)
            let answer = try #require(AdminSocket.Answer.all(in: try await connection.receiveText()).first)
            #expect(answer.status == 502, "\(answer)")
            daemon.daemon.streams.limit(to: 100)
            await connection.close()
        }
    }

    @Test("a call that asks for no stream, or by an unknown context, is refused")
    func refusals() async throws {
        try await Self.withDaemon { daemon in
            let plain = try await daemon.admin.call("POST", "/v1/dial/db")
            #expect(plain.problem?.code == .badRequest)
            let unknown = try await daemon.admin.call("POST", "/v1/dial/db?context=none", headers: Self.upgrade)
            #expect(unknown.problem?.code == .notFound)
            #expect(
                try await daemon.admin.call("POST", "/v1/dial/", headers: Self.upgrade).problem?.code == .badRequest
            )
            #expect(try await daemon.admin.call("GET", "/v1/dial/db").problem?.code == .methodNotAllowed)
        }
    }

    @Test("a stop drains them like other streams")
    func stop() async throws {
        try await Self.withDaemon { daemon in
            let connection = try await Self.dial("db", daemon)
            let head = try await Self.head(connection)
            await daemon.beginStop()
            try await daemon.log.wait(for: "stopping")
            try await connection.send("hello")
            #expect(try await connection.receive(asLongAs: head + "hello") == head + "hello")
            try await connection.finish()
            #expect(try await connection.receiveText() == head + "hello")
            try await daemon.waitForEnd()
            await connection.close()
        }
    }
}

extension AdminSocket {
    /// Waits until the metrics have a line.
    fileprivate func wait(for line: String) async throws {
        let deadline = ContinuousClock.now + testTimeout
        while true {
            let page = try await call("GET", "/metrics").body
            if page.split(separator: "\n").contains(line[...]) { return }
            guard ContinuousClock.now < deadline else { throw DeadlinePassed(what: line, state: page) }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
