// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOTLS
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The handler behind TLS that lets no connection pass whose certificates were not judged")
struct HandshakeVerificationHandlerTests {
    private struct Failed: Error {}
    private struct Other {}

    private let network = NetworkEnd()
    private let seen = Observed<[String]>([])

    private func channel() throws -> EmbeddedChannel {
        let verification = HandshakeVerification(CertificateVerifier(name: "a.example"), now: 0)
        let handler = HandshakeVerificationHandler(verification)
        let channel = EmbeddedChannel(handlers: [network, handler, EventRecorder(seen, isDetailed: true)])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    @Test("closes one whose handshake ends without a certificate that was seen")
    func unseen() throws {
        let channel = try channel()
        channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
        #expect(!channel.isActive)
        #expect(!seen.value.contains("event TLSUserEvent"))
        #expect(seen.value.count { $0.hasPrefix("error") } == 1)
    }

    @Test("passes on errors, other events and bytes")
    func passes() throws {
        let channel = try channel()
        defer { _ = try? channel.finish() }
        channel.pipeline.fireUserInboundEventTriggered(Other())
        network.fails(Failed())
        network.says("x")
        network.endsInput()
        #expect(seen.value == ["active", "event Other", "error Failed()", "read x", "end"])
        #expect(channel.isActive)
    }
}
