// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

/// What one connection of HTTP/1.1 carries: requests that are judged one by one, in whatever order they are let in.
@Suite("Requests on one connection", .timeLimit(.hang))
struct RequestTests {
    private static let ours = TestEdge.hostname

    private static func get(_ path: String = "/", host: String = ours, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n"
    }

    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"

    /// A visitor's connection or a service's, and how much of what came on it is dealt with.
    private final class Talk {
        let connection: TestConnection
        private var seen = 0

        init(_ connection: TestConnection) { self.connection = connection }

        func say(_ text: String) async throws { try await connection.send(text) }

        /// Expects this text next.
        func hear(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let all = try await connection.receive(seen + text.utf8.count)
            #expect(rest(of: all) == text, sourceLocation: sourceLocation)
            seen += text.utf8.count
        }

        /// Expects a response with this status and body next, of the engine's own.
        func hear(status: Int, _ body: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let state = try await connection.state.wait(for: "an answer") { [seen] state in
                let new = state.received.readableBytesView.dropFirst(seen)
                return new.count >= body.utf8.count && new.suffix(body.utf8.count).elementsEqual(body.utf8)
                    || state.isOver
            }
            let text = rest(of: state.received)
            #expect(text.hasPrefix("HTTP/1.1 \(status) ") && text.hasSuffix(body), sourceLocation: sourceLocation)
            seen = state.received.readableBytes
        }

        private func rest(of bytes: ByteBuffer) -> String {
            String(decoding: bytes.readableBytesView.dropFirst(seen), as: UTF8.self)
        }

        func hearEnd() async throws {
            let all = try await connection.receiveAll()
            #expect(all.readableBytes == seen)
        }
    }

    private func withVisitor(
        _ tunnel: (inout TunnelProperties) -> Void = { _ in },
        _ body: (TestEdge, Talk) async throws -> Void
    ) async throws {
        try await TestEdge.with(tunnel) { edge in
            let visitor = Talk(try await edge.visit())
            try await body(edge, visitor)
            await visitor.connection.close()
        }
    }

    @Test("are each asked for a token, whatever the one before them had")
    func token() async throws {
        try await withVisitor {
            $0.tokenAuth = true
        } _: { edge, visitor in
            let authorization = "Authorization: Bearer token\r\n"
            try await visitor.say(Self.get())
            try await visitor.hear(status: 401, "A token is required.\n")
            try await visitor.say(Self.get("/", authorization))
            let service = Talk(try await edge.bring())
            try await service.hear(TestEdge.forwarded(Self.get()))
            try await service.say(Self.answer)
            try await visitor.hear(Self.answer)
            try await visitor.say(Self.get())
            try await visitor.hear(status: 401, "A token is required.\n")
            try await visitor.say(Self.get("/again", authorization))
            try await service.hear(TestEdge.forwarded(Self.get("/again")))
            await service.connection.close()
        }
    }

    private static func get(_ path: String, _ fields: String) -> String { get(path, host: ours, fields) }

    @Test("go each to the tunnel that they name")
    func hosts() async throws {
        try await withVisitor { edge, visitor in
            let other = "other.t.localhost"
            _ = try await edge.agent.openTunnel { ($0.protocol, $0.hostname) = ("http", other) }
            var services: [String: Talk] = [:]
            for host in [Self.ours, other, Self.ours, other] {
                try await visitor.say(Self.get(host: "nobody.t.localhost"))
                try await visitor.hear(status: 404, "No tunnel is published at nobody.t.localhost.\n")
                try await visitor.say(Self.get(host: host))
                // Each has a connection of its own, which is kept.
                let service = if let kept = services[host] { kept } else { Talk(try await edge.bring()) }
                services[host] = service
                try await service.hear(TestEdge.forwarded(Self.get(host: host), host: host))
                try await service.say(Self.answer)
                try await visitor.hear(Self.answer)
            }
        }
    }

    @Test("do not come in by the TLS of another name, where their tunnel has terms of its own")
    func misdirected() async throws {
        try await withVisitor { edge, visitor in
            let strict = "strict.t.localhost"
            _ = try await edge.agent.openTunnel {
                ($0.protocol, $0.hostname, $0.tlsMinVersion) = ("http", strict, "tls1.3")
            }
            try await visitor.say(Self.get(host: strict))
            try await visitor.hear(
                status: 421,
                "This host has other TLS settings than the one in the TLS handshake; use a new connection.\n"
            )
            let welcome = Talk(try await edge.visit(strict))
            try await welcome.say(Self.get(host: strict))
            let service = Talk(try await edge.bring())
            try await service.hear(TestEdge.forwarded(Self.get(host: strict), host: strict))
            await welcome.connection.close()
        }
    }

    @Test("go on with another connection of the agent's where the last one has ended")
    func ended() async throws {
        try await withVisitor { edge, visitor in
            for method in ["GET", "POST"] {
                let request = "\(method) / HTTP/1.1\r\nHost: \(Self.ours)\r\nContent-Length: 0\r\n\r\n"
                try await visitor.say(request)
                let service = Talk(try await edge.bring())
                try await service.hear(TestEdge.forwarded(request))
                try await service.say(Self.answer)
                try await visitor.hear(Self.answer)
                try await service.connection.finish()
                try await edge.engine.wait { $0.relays == 0 }
            }
        }
    }

    @Test(
        "are sent again where the connection ended under them, if they mean the same twice",
        arguments: [true, false]
    )
    func stale(isIdempotent: Bool) async throws {
        try await withVisitor { edge, visitor in
            let method = isIdempotent ? "PUT" : "POST"
            let request = "\(method) / HTTP/1.1\r\nHost: \(Self.ours)\r\nContent-Length: 0\r\n\r\n"
            try await visitor.say(Self.get())
            let first = Talk(try await edge.bring())
            try await first.hear(TestEdge.forwarded(Self.get()))
            try await first.say(Self.answer)
            try await visitor.hear(Self.answer)
            try await visitor.say(request)
            try await first.hear(TestEdge.forwarded(request))
            try await first.connection.finish()
            if isIdempotent {
                let second = Talk(try await edge.bring())
                try await second.hear(TestEdge.forwarded(request))
                try await second.say(Self.answer)
                try await visitor.hear(Self.answer)
            } else {
                try await visitor.hear(status: 502, "The service closed the connection without a response.\n")
            }
        }
    }

    @Test("may be answered before they are whole, which ends the connection")
    func early() async throws {
        try await withVisitor { edge, visitor in
            let head = "POST / HTTP/1.1\r\nHost: \(Self.ours)\r\nContent-Length: 1000\r\n\r\n"
            try await visitor.say(head + "begun")
            let service = Talk(try await edge.bring())
            try await service.hear(TestEdge.forwarded(head) + "begun")
            try await service.say("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nNO")
            try await visitor.hear(
                "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nNO"
            )
            try await visitor.hearEnd()
        }
    }

    @Test("get their responses with an end that the visitor can see, whatever the service shows")
    func framing() async throws {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let cases: [(method: String, version: String, said: String, ends: Bool, heard: String)] = [
            ("GET", "1.1", chunked + "2\r\nOK\r\n0\r\nX: y\r\n\r\n", false, chunked + "2\r\nOK\r\n0\r\nX: y\r\n\r\n"),
            ("GET", "1.1", "HTTP/1.1 200 OK\r\n\r\nOK", true, chunked + "2\r\nOK\r\n0\r\n\r\n"),
            ("GET", "1.1", "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nOK", true, chunked + "2\r\nOK\r\n0\r\n\r\n"),
            (
                "HEAD", "1.1", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false,
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
            ),
            ("HEAD", "1.1", chunked, false, "HTTP/1.1 200 OK\r\n\r\n"),
            ("GET", "1.1", "HTTP/1.1 204 No Content\r\n\r\n", false, "HTTP/1.1 204 No Content\r\n\r\n"),
            (
                "GET", "1.1", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", false,
                "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
            ),
            (
                "GET", "1.1", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + Self.answer, false,
                "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + Self.answer
            ),
            ("GET", "1.0", chunked + "2\r\nOK\r\n0\r\n\r\n", false, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nOK"),
            (
                "GET", "1.0", Self.answer, false,
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
            ),
        ]
        for (method, version, said, ends, heard) in cases {
            try await withVisitor { edge, visitor in
                try await visitor.say("\(method) / HTTP/\(version)\r\nHost: \(Self.ours)\r\n\r\n")
                let service = Talk(try await edge.bring())
                try await service.hear(TestEdge.forwarded("\(method) / HTTP/1.1\r\nHost: \(Self.ours)\r\n\r\n"))
                try await service.say(said)
                if ends { try await service.connection.finish() }
                try await visitor.hear(heard)
                if version == "1.0" { return try await visitor.hearEnd() }
                try await visitor.say(Self.get(host: "nobody.t.localhost"))
                try await visitor.hear(status: 404, "No tunnel is published at nobody.t.localhost.\n")
            }
        }
    }

    @Test("may ask whether to go on, and hear what the service says to that")
    func goOn() async throws {
        try await withVisitor { edge, visitor in
            let head = "POST / HTTP/1.1\r\nHost: \(Self.ours)\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
            try await visitor.say(head)
            let service = Talk(try await edge.bring())
            try await service.hear(TestEdge.forwarded(head))
            try await service.say("HTTP/1.1 100 Continue\r\n\r\n")
            try await visitor.hear("HTTP/1.1 100 Continue\r\n\r\n")
            try await visitor.say("body")
            try await service.hear("body")
            try await service.say(Self.answer)
            try await visitor.hear(Self.answer)
        }
    }

    @Test("may turn the connection into one of another protocol, with every byte behind the heads")
    func upgrade() async throws {
        try await withVisitor { edge, visitor in
            let request = Self.get("/", "Connection: Upgrade\r\nUpgrade: echo\r\n")
            try await visitor.say(request + "early")
            let service = Talk(try await edge.bring())
            try await service.hear(TestEdge.forwarded(request))
            let agreed = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
            try await service.say(agreed + "welcome")
            try await visitor.hear(agreed + "welcome")
            try await service.hear("early")
            try await visitor.say("more")
            try await service.hear("more")
            // Each direction ends by itself, as on any connection.
            try await visitor.connection.finish()
            try await service.hearEnd()
            try await service.say("last words")
            try await service.connection.finish()
            try await visitor.hear("last words")
            try await visitor.hearEnd()
        }
    }

    @Test("that wanted another protocol and did not get it are answered, and are the last")
    func declined() async throws {
        try await withVisitor { edge, visitor in
            let request = Self.get("/", "Connection: Upgrade\r\nUpgrade: echo\r\n")
            try await visitor.say(request)
            let service = Talk(try await edge.bring())
            try await service.hear(TestEdge.forwarded(request))
            try await service.say(Self.answer)
            try await visitor.hear("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
            try await visitor.hearEnd()
        }
    }

    @Test("that wanted no other protocol get none")
    func switchesProtocols() async throws {
        try await withVisitor { edge, visitor in
            try await visitor.say(Self.get())
            let service = Talk(try await edge.bring())
            try await service.hear(TestEdge.forwarded(Self.get()))
            try await service.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            try await visitor.hear(status: 502, "it switched protocols without a request.\n")
        }
    }

    @Test("can come one behind the other in one read, and are answered in their order")
    func pipelined() async throws {
        try await withVisitor { edge, visitor in
            try await visitor.say(Self.get("/1") + Self.get(host: "nobody.t.localhost") + Self.get("/2"))
            let service = Talk(try await edge.bring())
            try await service.hear(TestEdge.forwarded(Self.get("/1")))
            try await service.say(Self.answer)
            try await visitor.hear(Self.answer)
            try await visitor.hear(status: 404, "No tunnel is published at nobody.t.localhost.\n")
            try await service.hear(TestEdge.forwarded(Self.get("/2")))
        }
    }

    @Test("whose methods no library knows are taken behind others too")
    func methods() async throws {
        try await withVisitor { edge, visitor in
            try await visitor.say(Self.get("/1"))
            let service = Talk(try await edge.bring())
            try await service.hear(TestEdge.forwarded(Self.get("/1")))
            try await service.say(Self.answer)
            try await visitor.hear(Self.answer)
            let request = "FOO /2 HTTP/1.1\r\nHost: \(Self.ours)\r\nContent-Length: 1\r\n\r\n"
            try await visitor.say(request + "x")
            try await service.hear(TestEdge.forwarded(request) + "x")
        }
    }

    @Test("need a protocol that both sides speak: TLS sends an alert without one")
    func protocols() async throws {
        try await withVisitor {
            $0.tlsALPNs = ["http/1.1"]
        } _: { edge, _ in
            for (name, offered, isRefused) in [
                (Self.ours, ["h2"], true), (Self.ours, ["h2", "http/1.1"], false), (Self.ours, [], false),
                ("localhost", ["foo"], true), ("localhost", ["foo", "h2"], false),
            ] {
                let tls = TestTLS(authority: edge.engine.caPEM, serverName: name, applicationProtocols: offered)
                let visitor = try await TestConnection.connect(toPort: edge.engine.address.port, tls: tls)
                try? await visitor.send("GET")
                if isRefused {
                    let state = try await visitor.state.wait(for: "the alert") { $0.isOver }
                    #expect(state.failure?.contains("NO_APPLICATION_PROTOCOL") == true, "\(state)")
                } else {
                    #expect(visitor.state.value.failure == nil)
                }
                await visitor.close()
            }
        }
    }

    @Test("are waited for, but not forever", arguments: ["h2", "http/1.1"])
    func idle(name: String) async throws {
        var configuration = DevEngineConfiguration.patient
        configuration.timeouts.nextRequest = .milliseconds(100)
        try await TestEngine.with(configuration) { engine in
            let tls = TestTLS(authority: engine.caPEM, serverName: "localhost", applicationProtocols: [name])
            let visitor = try await TestConnection.connect(toPort: engine.address.port, tls: tls)
            if name == "http/1.1" { try await visitor.send("GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n") }
            let state = try await visitor.state.wait(for: "the end") { $0.isOver }
            #expect(state.hasEnded && !state.isReset, "\(state)")
            #expect(state.received.readableBytes > 0)
            await visitor.close()
        }
    }
}
