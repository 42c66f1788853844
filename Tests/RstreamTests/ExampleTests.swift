// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The examples", .serialized, .timeLimit(.hang))
struct ExampleTests {
    private static func hostname(of url: String) throws -> String {
        try #require(url.hasPrefix("https://") ? url.dropFirst(8).split(separator: ":").first.map(String.init) : nil)
    }

    @Test("a web server behind a tunnel answers its visitors")
    func http() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let address = Observed<String?>(nil)
            let serving = Task { try await serveGreetings(through: client) { text in address.change { $0 = text } } }
            let url = try await address.wait(for: "the address") { $0 != nil }
            let hostname = try Self.hostname(of: try #require(url))
            for path in ["/", "/second"] {
                let answer = try await engine.get(path, from: hostname)
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(answer.hasSuffix("\r\n\r\nHello, \(path)!\n"))
            }
            serving.cancel()
            let result = try await within("the server's end") { await serving.result }
            #expect(throws: CancellationError.self) { try result.get() }
            try await engine.waitUntilDeserted()
        }
    }

    @Test("channel handlers answer visitors too")
    func handlers() async throws {
        try await TestEngine.with { engine in
            try await engine.client().withControlChannel { control in
                try await control.withTunnel(TunnelSpec(protocol: .http)) { tunnel in
                    let serving = Task { try await serveGreetings(tunnel) }
                    let answer = try await engine.get("/path", from: try #require(tunnel.properties.hostname))
                    #expect(answer.hasSuffix("\r\n\r\nHello, /path!\n"))
                    serving.cancel()
                    _ = try await within("the server's end") { await serving.result }
                }
            }
            try await engine.waitUntilDeserted()
        }
    }

    @Test("a private dial asks and gets its answer, and its stream's id when it waits for the engine")
    func dial() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let error = try await failure { try await confirmDial(client) { _ in } }
            #expect(error.engineCode == .tunnelNotFound)
            let control = try await client.connect()
            let answering = Task { try await answerDialers(control) }
            try await engine.engine.wait { $0.tunnels == 1 }
            let answer = try await within("the answer") { try await ask(through: client) }
            #expect(answer == "How many?")
            let said = Observed<[String]>([])
            try await confirmDial(client) { line in said.change { $0.append(line) } }
            #expect(said.value.first?.hasPrefix("connected: stream ") == true)
            answering.cancel()
            _ = try await within("the service's end") { await answering.result }
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("an error is explained")
    func errors() async throws {
        try await TestEngine.with { engine in
            let said = Observed<[String]>([])
            await explainErrors(of: engine.client { $0.credential = .token(Secret("wrong")) }) { line in
                said.change { $0.append(line) }
            }
            #expect(said.value.first?.hasPrefix("ERR_RSTREAM_ENGINE: ") == true)
            #expect(said.value.last == "engine has to change first")
            try await engine.waitUntilDeserted()
        }
    }

    @Test("what runs for a while only is cancelled")
    func cancelled() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            try await within("the end") {
                try await serve(unpublished(), through: client, for: .milliseconds(200)) { _ in }
            }
            try await engine.waitUntilDeserted()
        }
    }

    @Test("a session's states are seen")
    func session() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            // The other example of a session is not run: it traps signals of the whole process.
            let session = try RstreamSession(client, tunnels: [])
            let said = Observed<[String]>([])
            let watching = Task { await watch(session) { line in said.change { $0.append(line) } } }
            let serving = Task { try await session.run() }
            try await said.wait(for: "the state") { $0.contains("online: []") }
            session.shutDown()
            try await within("the session's end") { try await serving.value }
            try await within("the last state") { await watching.value }
            try await engine.waitUntilDeserted()
        }
    }

    @Test("a client is made of file and variables")
    func configured() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with(in: folder) { engine in
                let path = try folder.write(
                    """
                    contexts:
                      - name: test
                        engine: \(engine.address)
                        auth: { token: { storage: { kind: inline, value: \(TestEngine.token.reveal()) } } }
                        transport: { tls: { caFile: engine/ca.pem } }
                    """,
                    to: "config.yaml"
                )
                let client = try RstreamClient.fromEnvironment(context: "test", environment: ["RSTREAM_CONFIG": path])
                #expect(await client.tokenExpiry() == .never)
                try await client.withControlChannel { control in
                    #expect(control.engine == engine.address)
                }
            }
        }
    }

    @Test("a WebSocket is upgraded through the tunnel")
    func webSocket() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let tunnel = try await control.createTunnel(TunnelSpec(protocol: .http))
            let serving = Task { try await serveWebSockets(tunnel) }
            let hostname = try #require(tunnel.properties.hostname)
            let visitor = try await engine.visit(hostname)
            try await visitor.send(
                """
                GET /chat HTTP/1.1\r
                Host: \(hostname)\r
                Connection: Upgrade\r
                Upgrade: websocket\r
                Sec-WebSocket-Version: 13\r
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                \r

                """
            )
            let answer = try await visitor.state.wait(for: "the upgrade") {
                String(buffer: $0.received).hasSuffix("\r\n\r\n")
            }
            let head = String(buffer: answer.received)
            #expect(head.hasPrefix("HTTP/1.1 101 "))
            // RFC 6455's own example.
            #expect(head.lowercased().contains("sec-websocket-accept: \("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".lowercased())"))
            // A text of two letters, masked with zeros, as clients must mask; then a close.
            try await visitor.send(ByteBuffer(bytes: [0x81, 0x82, 0, 0, 0, 0] + Array("hi".utf8)))
            try await visitor.send(ByteBuffer(bytes: [0x88, 0x80, 0, 0, 0, 0]))
            let frames = try await visitor.receiveAll().getBytes(at: head.utf8.count, length: 6)
            #expect(frames == [0x81, 0x02] + Array("hi".utf8) + [0x88, 0x00])
            await visitor.close()
            await tunnel.close()
            try await within("the server's end") { try await serving.value }
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }
}
