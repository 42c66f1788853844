// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOTLS
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A connection that is not wanted, or not used, any more", .timeLimit(.hang))
struct UnusedConnectionTests {
    /// Keeps what is asked of the connection.
    private final class Recorder: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        var asked: [String] = []

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            asked.append("close")
            context.close(mode: mode, promise: promise)
        }

        func triggerUserOutboundEvent(
            context: ChannelHandlerContext,
            event: Any,
            promise: EventLoopPromise<Void>?
        ) {
            asked.append("\(type(of: event))")
            context.close(mode: .all, promise: promise)
        }
    }

    /// What a control channel asks of its connection when `end` has happened to it.
    private func asked(when end: (EmbeddedChannel) -> Void) throws -> [String] {
        let loop = EmbeddedEventLoop()
        let opened = loop.makePromise(of: ControlChannelHandler.Opened.self)
        let handler = try ControlChannelHandler.sample(opened, on: loop)
        let recorder = Recorder()
        let channel = EmbeddedChannel(handlers: [recorder, handler], loop: loop)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
        end(channel)
        loop.run()
        opened.futureResult.whenFailure { _ in }
        _ = try? channel.finish()
        return recorder.asked
    }

    @Test("answers the engine's end of the control channel, and resets one that failed")
    func control() throws {
        let parted = try asked { $0.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        #expect(parted == ["close"])
        let broken = try asked { $0.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read")) }
        #expect(broken.first == "AbortEvent")
    }

    @Test("is closed when TLS cannot be set up on it")
    func unusable() async throws {
        try await TestServer.with(.manual) { server in
            let options = RstreamClientOptions(
                engine: try EngineAddress("127.0.0.1:\(server.port)"),
                credential: .token(TestEngine.token),
                // Longer than any name that TLS can send.
                transport: TransportOptions(
                    tls: TransportOptions.TLS(serverName: String(repeating: "a", count: 300))
                )
            )
            let client = RstreamClient(options)
            await #expect(throws: RstreamError.self) { _ = try await client.connect() }
            let connection = try await server.connection()
            try await connection.state.wait(for: "the end") { $0.isOver }
        }
    }
}
