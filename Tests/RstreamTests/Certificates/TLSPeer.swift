// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import RstreamTestSupport

/// A TLS server with a certificate of the test's choice. It closes each connection after the handshake.
final class TLSPeer: Sendable {
    /// How many clients accepted the certificate.
    let trusted = Observed(0)
    /// How many clients sent a certificate.
    let shown = Observed(0)

    private init() {}

    /// Serves on 127.0.0.1 while `body` runs, which gets the server and its port.
    static func with<Value>(
        _ chain: [NIOSSLCertificate],
        _ key: NIOSSLPrivateKey,
        asksForCertificate: Bool = false,
        settings: (inout TLSConfiguration) -> Void = { _ in },
        _ body: (TLSPeer, Int) async throws -> Value
    ) async throws -> Value {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        if asksForCertificate { configuration.certificateVerification = .noHostnameVerification }
        settings(&configuration)
        let context = try NIOSSLContext(configuration: configuration)
        let peer = TLSPeer()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = NIOSSLServerHandler(context: context) { _, promise in
                        peer.shown.change { $0 += 1 }
                        promise.succeed(.certificateVerified)
                    }
                    try channel.pipeline.syncOperations.addHandlers(tls, End(peer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(peer, listener.localAddress?.port ?? 0))
        } catch {
            result = .failure(error)
        }
        try await listener.close()
        return try result.get()
    }

    private final class End: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let peer: TLSPeer

        init(_ peer: TLSPeer) { self.peer = peer }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case TLSUserEvent.handshakeCompleted = event else { return }
            peer.trusted.change { $0 += 1 }
            context.close(promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error _: any Error) { context.close(promise: nil) }
    }
}
