import NIOCore
import NIOHTTP1
import NIOWebSocket
import RstreamTestSupport
import Testing

@testable import Rstream

// MARK: A web server behind a tunnel

/// Publishes a web server that greets everybody, and serves it until the tunnel ends.
private func serveHTTP(_ control: RstreamControlChannel, ready: @Sendable (RstreamTunnel) -> Void) async throws {
    let tunnel = try await control.createTunnel(TunnelSpec(protocol: .http))
    ready(tunnel)
    await withDiscardingTaskGroup { group in
        for await stream in tunnel.streams {
            group.addTask {
                // A visitor that goes away is its own business.
                try? await stream.serve { channel in
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Greeter())
                }
            }
        }
    }
}

/// Answers every request with the path that was asked for.
private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let request) = unwrapInboundIn(data) else { return }
        let body = ByteBuffer(string: "Hello, \(request.uri)!\n")
        let headers: HTTPHeaders = ["Content-Length": "\(body.readableBytes)", "Connection": "close"]
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))),
            promise: nil
        )
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}

// MARK: A private dial

/// Asks a service behind a private tunnel a question and reads its answer to the end.
private func ask(_ question: String, of tunnel: String, through client: RstreamClient) async throws -> String {
    let stream = try await client.dial(tunnel)
    let connection = try await stream.start { channel in
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: true)
        )
    }
    return try await connection.executeThenClose { answer, outbound in
        try await outbound.write(ByteBuffer(string: question))
        outbound.finish()
        var text = ""
        for try await bytes in answer { text += String(buffer: bytes) }
        return text
    }
}

// MARK: Whatever the official tools are configured with

/// Opens a control channel as the official tools would, from their file and variables, and says where to.
private func connectAsConfigured(
    context: String? = nil,
    environment: [String: String] = RstreamClient.processEnvironment
) async throws -> EngineAddress {
    let client = try RstreamClient.fromEnvironment(context: context, environment: environment)
    if case .withinADay = await client.tokenExpiry() { print("the token ends soon") }
    let control = try await client.connect()
    await control.close()
    return control.engine
}

// MARK: A WebSocket server

/// Takes WebSocket visitors of a published `http` tunnel and sends every text back.
private func serveWebSocket(_ stream: RstreamAcceptedStream) async throws {
    try await stream.serve { channel in
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(TextEcho()) }
            }
        )
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in })
        )
    }
}

private final class TextEcho: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text:
            let answer = WebSocketFrame(fin: true, opcode: .text, data: frame.unmaskedData)
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        case .connectionClose:
            let answer = WebSocketFrame(fin: true, opcode: .connectionClose, data: ByteBuffer())
            context.writeAndFlush(wrapOutboundOut(answer)).assumeIsolated().whenComplete { _ in
                context.close(promise: nil)
            }
        default: break
        }
    }
}

// MARK: The examples work

@Suite("The examples", .serialized, .timeLimit(.hang))
struct ExampleTests {
    @Test("a web server behind a tunnel answers its visitors")
    func http() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let published = Observed<RstreamTunnel?>(nil)
            let serving = Task { try await serveHTTP(control) { tunnel in published.change { $0 = tunnel } } }
            let tunnel = try await published.wait(for: "the tunnel") { $0 != nil }
            let hostname = try #require(tunnel?.properties.hostname)
            for path in ["/", "/second"] {
                let answer = try await engine.get(path, from: hostname)
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(answer.hasSuffix("\r\n\r\nHello, \(path)!\n"))
            }
            await control.close()
            try await within("the server's end") { try await serving.value }
            try await engine.waitUntilDeserted()
        }
    }

    @Test("the web server ends at once when its task is cancelled, while it waits for visitors")
    func cancelled() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let published = Observed<RstreamTunnel?>(nil)
            let serving = Task { try await serveHTTP(control) { tunnel in published.change { $0 = tunnel } } }
            _ = try await published.wait(for: "the tunnel") { $0 != nil }
            serving.cancel()
            try await within("the server's end") { try await serving.value }
            // Nothing else was ended.
            #expect(await !control.hasEnded())
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("a private dial asks and gets its answer")
    func dial() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let control = try await client.connect()
            let tunnel = try await control.createTunnel(TunnelSpec(name: "oracle", publish: false))
            let asking = Task { try await ask("How many?", of: "oracle", through: client) }
            let service = try await tunnel.next().take()
            #expect(try await service.receiveText() == "How many?")
            try await service.send("42")
            try await service.finish()
            let answer = try await within("the answer") { try await asking.value }
            #expect(answer == "42")
            await control.close()
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
                let address = try await connectAsConfigured(context: "test", environment: ["RSTREAM_CONFIG": path])
                #expect(address == engine.address)
            }
        }
    }

    @Test("a WebSocket is upgraded through the tunnel")
    func webSocket() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let tunnel = try await control.createTunnel(TunnelSpec(protocol: .http))
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
            let stream = try await tunnel.next()
            let serving = Task { try await serveWebSocket(stream) }
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
            try await within("the server's end") { try await serving.value }
            await visitor.close()
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }
}
