// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamSocket
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A half-close", .timeLimit(.hang))
struct HalfCloseTests {
    @Test("reaches the engine as close_notify only: TCP stays open in both directions")
    func closeNotifyOnly() async throws {
        try await TemporaryFolder.with { folder in
            let issuer = try TestIssuer()
            let caFile = try folder.write(issuer.pem, to: "ca.pem")
            let (certificate, key) = try issuer.issue(.named(.ip([127, 0, 0, 1])))
            let settings = TLSConfiguration.makeServerConfiguration(
                certificateChain: [.certificate(try NIOSSLCertificate(bytes: certificate, format: .der))],
                privateKey: .privateKey(key)
            )
            let context = try NIOSSLContext(configuration: settings)
            let (ends, answers) = (Observed(0), Observed(""))
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handlers: [any ChannelHandler] = [
                            FINCounter(ends), NIOSSLServerHandler(context: context), LateAnswer(),
                        ]
                        try channel.pipeline.syncOperations.addHandlers(handlers)
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let engine = EngineAddress.literal("127.0.0.1:\(listener.localAddress?.port ?? 0)")
            let client = RstreamClient(
                RstreamClientOptions(
                    engine: engine,
                    credential: .none,
                    transport: TransportOptions(tls: .init(caFile: caFile))
                )
            )
            let connector = try client.makeConnector(to: engine)
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let connecting = connector.connect(to: engine, on: loop, within: testTimeout, autoRead: true) {
                Reader(answers)
            }
            let channel = try await connecting.get()
            try await channel.writeAndFlush(ByteBuffer(string: "request"))
            try await channel.close(mode: .output)
            try await answers.wait(for: "the answer after the half-close") { $0 == "answer" }
            #expect(ends.value == 0)
            channel.abort()
            try await listener.close()
        }
    }

    /// Counts half-closes of TCP, below TLS.
    private final class FINCounter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let ends: Observed<Int>

        init(_ ends: Observed<Int>) { self.ends = ends }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { ends.change { $0 += 1 } }
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// Answers one turn of the event loop after close_notify, when a FIN would have arrived.
    private final class LateAnswer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case ChannelEvent.inputClosed = event else { return }
            let channel = context.channel
            context.eventLoop.scheduleTask(in: .milliseconds(50)) {
                channel.writeAndFlush(ByteBuffer(string: "answer"), promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error _: any Error) { context.close(promise: nil) }
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let answers: Observed<String>

        init(_ answers: Observed<String>) { self.answers = answers }

        func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            answers.change { $0 += text }
        }
    }
}
