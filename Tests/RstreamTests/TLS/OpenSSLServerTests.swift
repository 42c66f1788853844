// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

/// Another TLS library as the server, with settings of which some are rare. It sends lines back in reverse.
@Suite("TLS to an OpenSSL server", .serialized, .timeLimit(.hang))
struct OpenSSLServerTests {
    private static let all = TLSClient.Implementation.allCases
    private static let program = "/usr/bin/openssl"

    /// Settings of `openssl s_server`.
    private static let working: [[String]] = [
        [], ["-num_tickets", "0"], ["-num_tickets", "5"], ["-no_ticket"],
        // Each asks the client for another key share (HelloRetryRequest), or takes its second one.
        ["-groups", "P-256"], ["-groups", "P-384"], ["-groups", "P-521"], ["-groups", "X25519"],
        ["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], ["-ciphersuites", "TLS_AES_256_GCM_SHA384"],
        ["-max_send_frag", "512"], ["-record_padding", "512"], ["-no_middlebox"],
        ["-alpn", "rstrm/1"], ["-verify", "1"],
    ]

    private struct Server {
        let port: Int
        let caFile: String

        static func with<Value>(_ arguments: [String], _ body: (Server) async throws -> Value) async throws -> Value {
            try await TemporaryFolder.with { folder in
                let fixture = try TLSFixture()
                let caFile = try folder.write(fixture.issuer.pem, to: "ca.pem")
                let certificate = try folder.write(TestIssuer.pem(fixture.certificate), to: "c.pem")
                let key = try folder.write(fixture.key.pem, to: "k.pem")
                let fixed = ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-rev"]
                let process = try await ProcessHandle.start(OpenSSLServerTests.program, fixed + arguments)
                do {
                    let line = try await process.output.first { $0.startsWithBytes(of: "ACCEPT ") }.line
                    let port = line.split(byte: ":").last.flatMap { Int($0) } ?? 0
                    let value = try await body(Server(port: port, caFile: caFile))
                    await process.kill()
                    return value
                } catch {
                    await process.kill()
                    throw error
                }
            }
        }

        /// Sends lines on a connection, and returns what the server made of them.
        func talk(_ context: TLSClientContext, _ lines: [String]) async throws -> (text: String, events: [String]) {
            let (said, events) = (Observed(""), Observed<[String]>([]))
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let tls = try TLSClient.handlers(
                            context,
                            to: TLSFixture.name,
                            at: .literal("127.0.0.1:443")
                        )
                        let handlers: [any ChannelHandler] = [HalfCloseFilter()] + tls + [Listener(said, events)]
                        try channel.pipeline.syncOperations.addHandlers(handlers)
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
            for line in lines { channel.writeAndFlush(ByteBuffer(string: "\(line)\n"), promise: nil) }
            let expected = lines.map { "\(String($0.reversed()))\n" }.joined()
            try await events.wait(for: "the lines in reverse, or a failure") { events in
                said.value.utf8.count >= expected.utf8.count || events.contains { $0.hasPrefix("failed") }
            }
            try? await channel.close()
            return (said.value, events.value)
        }
    }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let said: Observed<String>
        private let events: Observed<[String]>

        init(_ said: Observed<String>, _ events: Observed<[String]>) { (self.said, self.events) = (said, events) }

        func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            said.change { $0 += text }
            events.change { $0.append("bytes") }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            let text = ConnectionPeer.engine.explain(error).what
            events.change { $0.append("failed: \(text)") }
            context.close(promise: nil)
        }
    }

    private static func context(_ implementation: TLSClient.Implementation, _ caFile: String) throws -> TLSClientContext
    {
        let own = CertificateBundle(pem: try CertificateFile.read(caFile)).certificates
        return try TLSClient.makeContext(
            ["rstrm/1"],
            minimumVersion: .tlsv13,
            trust: .anchors(.none, own: own),
            implementation: implementation
        )
    }

    @Test("carries lines, also on the connections after the first", arguments: all, working)
    func lines(implementation: TLSClient.Implementation, settings: [String]) async throws {
        try await Server.with(settings) { server in
            let context = try Self.context(implementation, server.caFile)
            let long = String(repeating: "0123456789", count: 1_000)
            for _ in 0..<3 {
                let (text, events) = try await server.talk(context, ["hello", long])
                #expect(text == "olleh\n\(String(long.reversed()))\n", "\(events)")
            }
        }
    }

    @Test(
        "names what does not fit",
        arguments: all,
        [
            (["-tls1_2"], "does not speak TLS 1.3"), (["-alpn", "h2"], "not the protocol of the engine"),
            (["-Verify", "1"], "requires a client certificate, and none was sent"),
            (["-groups", "X448"], "found no cipher, group or signature scheme"),
        ]
    )
    func failures(implementation: TLSClient.Implementation, odd: (settings: [String], text: String)) async throws {
        try await Server.with(odd.settings) { server in
            let context = try Self.context(implementation, server.caFile)
            let (text, events) = try await server.talk(context, ["hello"])
            #expect(text.isEmpty)
            #expect(events.contains { $0.contains(odd.text) }, "\(events)")
        }
    }
}
