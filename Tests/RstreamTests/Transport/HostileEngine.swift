// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import RstreamModel
import RstreamTestSupport
import RstreamWire

@testable import Rstream

/// An engine that accepts every agent and tunnel, and requests streams at endpoints of the test's choice.
final class HostileEngine: Sendable {
    /// The agent's answers to stream requests, in the order of arrival; nil for a stream that was established.
    let answers = Observed<[String?]>([])
    /// Whether it says something on each connection after that of the first agent.
    let speaksFirst = Observed(false)
    private let agents = Observed<[any Channel]>([])
    private let tunnels = Observed<[String]>([])
    let address: EngineAddress
    let caFile: String
    private let listener: any Channel

    private init(_ listener: any Channel, _ caFile: String) throws {
        self.listener = listener
        self.caFile = caFile
        address = try EngineAddress("engine.example.test:\(listener.localAddress?.port ?? 0)")
    }

    /// Serves while `body` runs.
    static func with(_ body: (HostileEngine) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let issuer = try TestIssuer()
            let caFile = try folder.write(issuer.pem, to: "ca.pem")
            let (certificate, key) = try issuer.issue(.named(.dns("engine.example.test")))
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: [.certificate(try NIOSSLCertificate(bytes: certificate, format: .der))],
                privateKey: .privateKey(key)
            )
            configuration.applicationProtocols = [wireALPN]
            let context = try NIOSSLContext(configuration: configuration)
            let made = Observed<HostileEngine?>(nil)
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard let engine = made.value else { throw ChannelError.ioOnClosedChannel }
                        try channel.pipeline.syncOperations.addHandlers(
                            NIOSSLServerHandler(context: context),
                            Agent(engine)
                        )
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let engine = try HostileEngine(listener, caFile)
            made.change { $0 = engine }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(engine))
            } catch {
                result = .failure(error)
            }
            try await listener.close()
            for agent in engine.agents.value { agent.close(promise: nil) }
            try result.get()
        }
    }

    /// The agent's answer to a request for a stream at `endpoint`; nil for a stream that was established.
    func answer(to endpoint: String?) async throws -> String? {
        try await tunnels.wait(for: "a tunnel") { !$0.isEmpty }
        let count = answers.value.count
        guard let agent = agents.value.first, let tunnel = tunnels.value.first else { return nil }
        var frame = ByteBuffer()
        try frame.writeFrame(
            .proxyConnectionRequest(
                ProxyConnectionRequest(
                    tunnelID: tunnel,
                    streamID: "stream-\(count)",
                    secret: Secret("secret"),
                    proxyEndpoint: endpoint
                )
            )
        )
        try await agent.writeAndFlush(frame)
        return try await answers.wait(for: "the answer about \(endpoint ?? "the engine")") { $0.count > count }[count]
    }

    private final class Agent: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let engine: HostileEngine
        private var reader = FrameReader()

        init(_ engine: HostileEngine) { self.engine = engine }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            reader.append(&bytes)
            while let message = try? reader.next() {
                switch message {
                case .openControlChannelRequest:
                    engine.agents.change { $0.append(context.channel) }
                    let answer = OpenControlChannelResponse.ok(clientID: "c", serverDetails: nil, liveness: nil)
                    send(.openControlChannelResponse(answer), context)
                case .openTunnelRequest(let request):
                    var properties = request.properties
                    properties.id = "tunnel-1"
                    let answer = OpenTunnelResponse(requestID: request.requestID, outcome: .granted(properties))
                    send(.openTunnelResponse(answer), context)
                    engine.tunnels.change { $0.append("tunnel-1") }
                case .proxyConnectionResponse(let response):
                    engine.answers.change { $0.append(response.error?.message) }
                case .closeControlChannelRequest: send(.closeControlChannelResponse, context)
                default: break
                }
            }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case TLSUserEvent.handshakeCompleted = event, engine.speaksFirst.value, !engine.agents.value.isEmpty {
                send(.heartbeat(Heartbeat()), context)
            }
            context.fireUserInboundEventTriggered(event)
        }

        func errorCaught(context: ChannelHandlerContext, error _: any Error) { context.close(promise: nil) }

        private func send(_ message: Message, _ context: ChannelHandlerContext) {
            var frame = ByteBuffer()
            guard (try? frame.writeFrame(message)) != nil else { return context.close(promise: nil) }
            context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        }
    }
}
