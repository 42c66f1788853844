// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The reason why TLS fails", .serialized, .timeLimit(.hang))
struct TLSFailureTests {
    private static let user = TLSUser.engine

    @Test("names an engine that speaks TLS 1.2 only, or requires a client certificate")
    func settings() async throws {
        try await TemporaryFolder.with { folder in
            let issuer = try TestIssuer()
            let caFile = try folder.write(issuer.pem, to: "ca.pem")
            let (certificate, key) = try issuer.issue(.named(.dns(Self.user.host)))
            let chain = [try NIOSSLCertificate(bytes: certificate, format: .der)]
            let old = try await TLSPeer.with(chain, key, settings: { $0.maximumTLSVersion = .tlsv12 }) { _, port in
                try await Self.user.talk(to: port, caFile: caFile)
            }
            #expect(old.contains("the engine does not speak TLS 1.3 or newer"))
            let asking = try await TLSPeer.with(chain, key, asksForCertificate: true) { _, port in
                try await Self.user.talk(to: port, caFile: caFile)
            }
            #expect(asking.contains("the engine requires a client certificate, and none was sent"))
            let strange = try await TLSPeer.with(chain, key, settings: { $0.applicationProtocols = ["h2"] }) {
                _,
                port in
                try await Self.user.talk(to: port, caFile: caFile)
            }
            #expect(!strange.contains("_"), "\(strange)")
        }
    }

    @Test(
        "names plain text, and a connection that is closed during the handshake",
        arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", ""]
    )
    func plain(text: String) async throws {
        try await TemporaryFolder.with { folder in
            let caFile = try folder.write(try TestIssuer().pem, to: "ca.pem")
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Answer(text))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let words = try await Self.user.talk(to: listener.localAddress?.port ?? 0, caFile: caFile)
            try await listener.close()
            let expected = text.isEmpty ? "was closed during the TLS handshake" : "the server does not speak TLS"
            #expect(words.contains(expected), "\(words)")
        }
    }

    /// Answers the first bytes, and closes.
    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let text: String

        init(_ text: String) { self.text = text }

        func channelRead(context: ChannelHandlerContext, data _: NIOAny) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            context.close(promise: nil)
        }
    }

    @Test("has its own text for every alert, and a fix")
    func alerts() {
        let words: [(String, String)] = [
            ("TLSV1_ALERT_CERTIFICATE_REQUIRED", "requires a client certificate, and none was sent"),
            ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "rejected the client certificate: it has expired"),
            ("SSLV3_ALERT_CERTIFICATE_REVOKED", "rejected the client certificate: it was revoked"),
            ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "rejected the client certificate without saying why"),
            ("TLSV1_ALERT_UNKNOWN_CA", "rejected the client certificate: its authority is unknown to the engine"),
            ("SSLV3_ALERT_BAD_CERTIFICATE", "rejected the client certificate, or did not receive one"),
            ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "its kind is not accepted"),
            ("TLSV1_ALERT_ACCESS_DENIED", "denies access"),
            ("TLSV1_ALERT_PROTOCOL_VERSION", "does not speak TLS 1.3 or newer"),
            ("UNSUPPORTED_PROTOCOL", "does not speak TLS 1.3 or newer"),
            ("SSLV3_ALERT_HANDSHAKE_FAILURE", "no cipher, group or signature scheme that both sides support"),
            ("TLSV1_ALERT_INSUFFICIENT_SECURITY", "no cipher, group or signature scheme that both sides support"),
            ("TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "speaks TLS, but not the protocol of the engine"),
            ("TLSV1_ALERT_UNRECOGNIZED_NAME", "does not know the requested server name"),
            ("TLSV1_ALERT_INTERNAL_ERROR", "has an internal error"),
            ("WRONG_VERSION_NUMBER", "does not speak TLS"),
            ("TLSV1_ALERT_EXPORT_RESTRICTION", "with an unknown alert"),
            ("SOMETHING_NEW", "TLS failed"),
        ]
        for (word, expected) in words {
            let text =
                "sslError([Error: 268436502 error:10000416:SSL routines:OPENSSL_internal:\(word) at /build/x.cc:1])"
            let (what, fix) = ConnectionPeer.engine.explainTLS(text)
            #expect(what.contains(expected), "\(word): \(what)")
            #expect(fix != nil, "\(word)")
            #expect(!"\(what) \(fix ?? "")".contains("_"), "\(word): \(what)")
        }
    }

    @Test("never contains the text of a library")
    func others() {
        struct Unknown: Error { let text = "/build/checkouts/x.swift:17" }
        let errors: [any Error] = [
            Unknown(), NIOSSLError.failedToLoadCertificate, NIOSSLError.writeDuringTLSShutdown,
            NIOSSLExtraError.invalidSNIHostname, BoringSSLError.syscallError, BoringSSLError.unknownError([]),
            ChannelError.inappropriateOperationForState, ChannelError.outputClosed, CancellationError(),
            NIOTLSUnwrappingError.alreadyClosed,
        ]
        for error in errors {
            let (what, fix) = ConnectionPeer.engine.explain(error)
            for mark in ["(", "_", "/build", "Error", "NIO", "SSLError"] {
                #expect(!"\(what) \(fix ?? "")".contains(mark), "\(error): \(what)")
            }
        }
    }
}
