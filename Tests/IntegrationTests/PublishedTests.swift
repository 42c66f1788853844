// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct PublishedTests {
        @Test("WebSocket messages of every size come back through a published http tunnel")
        func webSocket() async throws {
            try await Judge.server("websocket_server.py") { port in
                let tunnels = "  - { name: web, forward: 127.0.0.1:\(port), tunnel: { publish: true, protocol: http } }"
                try await Pair.with(tunnels: tunnels) { pair in
                    let hostname = try #require(try await pair.engine.tunnel("web").hostname)
                    let arguments = [hostname, "\(pair.engine.port)", pair.engine.caFile]
                    let client = try await Judge(engine: pair.engine).start("websocket_client.py", arguments)
                    let exit = try await client.end(within: .seconds(60))
                    #expect(exit == .status(0), "\(client.errors.all.suffix(5))")
                    #expect(client.output.all == ["ok"])
                }
            }
        }

        @Test("an upstream that ends its answer by closing is read to its last byte")
        func closeDelimited() async throws {
            let content = Content(seed: 30, count: 3_000_001)
            try await Upstream.serving {
                [OldHTTPServer(content)]
            } during: { upstream in
                let tunnels = """
                      - { name: old, forward: "\(upstream.forward)", tunnel: { publish: true, protocol: http } }
                    """
                try await Pair.with(tunnels: tunnels) { pair in
                    let hostname = try #require(try await pair.engine.tunnel("old").hostname)
                    for version in ["--http1.0", "--http1.1"] {
                        let file = pair.folder.path + "/answer"
                        try await Curl(engine: pair.engine).run(hostname, path: "/x", [version, "-o", file])
                        #expect(try Digest(ofFile: file) == content.digest)
                    }
                }
            }
        }

        @Test("chunked bodies and several requests on one connection pass unchanged")
        func chunkedAndKeepAlive() async throws {
            try await Judge.server("http_server.py") { port in
                let tunnels = "  - { name: web, forward: 127.0.0.1:\(port), tunnel: { publish: true, protocol: http } }"
                try await Pair.with(tunnels: tunnels) { pair in
                    let curl = Curl(engine: pair.engine)
                    let hostname = try #require(try await pair.engine.tunnel("web").hostname)
                    let url = "https://\(hostname):\(pair.engine.port)"

                    let counted = [
                        "-w", "\\n%{num_connects}\\n", "\(url)/1", "-w", "\\n%{num_connects}\\n", "\(url)/2",
                    ]
                    let lines = try await curl.run(hostname, path: "/3", counted).split(separator: "\n").map(
                        String.init
                    )
                    let host = "\(hostname):\(pair.engine.port)"
                    #expect(lines == ["1 \(host)", "1", "2 \(host)", "0", "3 \(host)", "0"])

                    let body = pair.folder.path + "/body"
                    let answer = pair.folder.path + "/answer"
                    let content = Content(seed: 31, count: 2_000_003)
                    try content.write(to: body)
                    for header in ["Transfer-Encoding: chunked", "Expect: 100-continue"] {
                        let arguments = ["-H", header, "--data-binary", "@\(body)", "-o", answer]
                        try await curl.run(hostname, arguments)
                        #expect(try Digest(ofFile: answer) == content.digest)
                    }
                }
            }
        }

        @Test("an upstream on a Unix socket, by path, serves like one on a port")
        func unixSocket() async throws {
            try await Pair.withFolder { folder in
                try await Upstream.exchanging(unixSocket: folder.path + "/app.sock") { upstream in
                    try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                        let plan = Exchange(seed: 32, upload: 1_000_000, download: 2_000_000)
                        try await Visitor.exchange(plan, port: try await pair.rawPort())
                    }
                }
            }
        }

        @Test("a tls tunnel that the engine terminates carries both directions and their ends")
        func terminated() async throws {
            try await Upstream.exchanging { upstream in
                let tunnels = """
                      - name: edge
                        forward: "\(upstream.forward)"
                        tunnel: { publish: true, protocol: tls, tls: { mode: terminated } }
                    """
                try await Pair.with(tunnels: tunnels) { pair in
                    let hostname = try #require(try await pair.engine.tunnel("edge").hostname)
                    let loop = MultiThreadedEventLoopGroup.singleton.next()
                    let done = loop.makePromise(of: Void.self)
                    let plan = Exchange(seed: 33, upload: 1_000_000, download: 2_000_000)
                    // The end of the upload waits for the download, and so for the handshake.
                    let mayEnd = loop.makePromise(of: Void.self)
                    let channel = try await pair.engine.https.connect(to: hostname) {
                        [ExchangeVisitor(plan, done: done, mayEnd: mayEnd.futureResult) { mayEnd.succeed() }]
                    }
                    let deadline = loop.scheduleTask(in: TimeAmount(testTimeout)) {
                        done.fail(Broken("not over in time"))
                    }
                    try await done.futureResult.get()
                    deadline.cancel()
                    try? await channel.close()
                }
            }
        }

        @Test("a tls tunnel in passthrough shows the visitor the upstream's own certificate")
        func passthrough() async throws {
            // The upstream is another engine: a TLS server with an authority of its own that answers HTTP.
            try await Pair.withFolder { folder in
                try await Pair.withEngine(in: folder) { upstream in
                    let tunnels = """
                          - name: through
                            forward: 127.0.0.1:\(upstream.port)
                            tunnel: { publish: true, protocol: tls, tls: { mode: passthrough }, host: through.t.localhost }
                        """
                    try await Pair.with(tunnels: tunnels) { pair in
                        _ = try await pair.engine.tunnel("through")
                        let visitor = try ProcessHTTPS(port: pair.engine.port, caFile: upstream.caFile)
                        let loop = MultiThreadedEventLoopGroup.singleton.next()
                        let answer = loop.makePromise(of: ByteBuffer.self)
                        let channel = try await visitor.connect(to: "through.t.localhost") { [Collector(answer)] }
                        let request = "GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        channel.writeAndFlush(ByteBuffer(string: request), promise: nil)
                        let deadline = loop.scheduleTask(in: TimeAmount(testTimeout)) { channel.close(promise: nil) }
                        let text = String(buffer: try await answer.futureResult.get())
                        deadline.cancel()
                        #expect(text.hasPrefix("HTTP/1.1 200"))
                        #expect(text.contains("live"))
                    }
                }
            }
        }
    }
}

/// Answers the first request head with an HTTP/1.0 response that has no length, and closes.
private final class OldHTTPServer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let content: Content
    private var head = ""

    init(_ content: Content) { self.content = content }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        head += String(buffer: unwrapInboundIn(data))
        guard head.hasSuffix("\r\n\r\n") else { return }
        head = ""
        var answer = ByteBuffer(string: "HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n")
        answer.writeImmutableBuffer(content.whole)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(answer)).whenComplete { _ in channel.close(promise: nil) }
    }
}

/// Everything until the connection ends.
final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<ByteBuffer>
    private var bytes = ByteBuffer()

    init(_ promise: EventLoopPromise<ByteBuffer>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        bytes.writeBuffer(&part)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.succeed(bytes)
        context.fireChannelInactive()
    }
}
