// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamTestSupport
import Testing

extension Integration {
    /// Nothing that networks and engines do ends the daemon.
    @Suite struct NetworkTests {
        private static let outage = "session down, retrying"

        @Test("an engine that was not there at first is found later; killed and restarted it is found again")
        func absentEngine() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    // The first engine only finds out which port is free, and makes the certificates.
                    let (port, caFile) = try await Pair.withEngine(in: folder) { ($0.port, $0.caFile) }
                    let configuration = Pair.configuration(port: port, caFile: caFile, tunnels: Pair.raw(upstream))
                    try await Pair.withDaemon(in: folder, configuration: configuration) { daemon in
                        try await daemon.logged(Self.outage)
                        let published = try await Pair.withEngine(in: folder, port: port) { engine in
                            try await daemon.logged("session restored")
                            let published = try #require(try await engine.tunnel("raw").port)
                            #expect(await Visitor.isServed(port: published))
                            return published
                        }
                        // It was killed; here comes its successor.
                        let mark = daemon.mark
                        try await Pair.withEngine(in: folder, port: port) { engine in
                            try await daemon.logged("session restored", from: mark)
                            #expect(try await engine.tunnel("raw").port == published)
                            #expect(await Visitor.isServed(port: published))
                        }
                        #expect(daemon.process.isRunning)
                        let outages = daemon.complaints().filter { $0.message == Self.outage }
                        #expect(outages.count >= 2 && outages.count <= 3, "\(outages)")
                    }
                }
            }
        }

        @Test("an engine whose name does not resolve is one warning, and no end")
        func unresolvable() async throws {
            try await expectOneWarning(engine: "engine.invalid:443", says: "engine.invalid")
        }

        @Test("an engine that accepts and closes is one warning, and no end")
        func acceptsAndCloses() async throws {
            try await Upstream.serving {
                [AnsweringCloser(saying: nil)]
            } during: { peer in
                try await expectOneWarning(engine: "localhost:\(peer.port)", says: "engine localhost:\(peer.port)")
            }
        }

        @Test("an engine that is a web server without TLS is one warning, and no end")
        func webServer() async throws {
            try await Upstream.serving {
                [AnsweringCloser(saying: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")]
            } during: {
                try await expectOneWarning(engine: "localhost:\($0.port)", says: "engine localhost:\($0.port)")
            }
        }

        private func expectOneWarning(engine: String, says words: String) async throws {
            try await Pair.withFolder { folder in
                let configuration = """
                    version: 1
                    context: main
                    contexts: { main: { engine: "\(engine)", noToken: true } }
                    \(Pair.quick)
                    tunnels:
                      - { name: raw, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }

                    """
                try await Pair.withDaemon(in: folder, configuration: configuration, ["--log-level", "debug"]) {
                    daemon in
                    let line = try await daemon.logged(Self.outage, within: .seconds(90))
                    #expect(line.facts["error"]?.contains(words) == true, "\(line)")
                    // None of the next attempts says it again.
                    try await daemon.waitForAttempts(.connect)
                    #expect(daemon.process.isRunning)
                    #expect(daemon.complaints().count == 1, "\(daemon.complaints())")
                }
            }
        }
    }
}

/// Answers whatever comes first with a text and closes, or closes at once.
private final class AnsweringCloser: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let text: String?

    init(saying text: String?) { self.text = text }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if text == nil { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let text else { return }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)))
            .whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
