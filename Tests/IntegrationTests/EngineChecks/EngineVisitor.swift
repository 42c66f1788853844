// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import Rstream
import RstreamTestSupport
import Testing

/// A visitor who connects over TLS to the address of a published tunnel.
struct EngineVisitor: Sendable {
    /// What came of a request.
    enum Outcome: Hashable, Sendable {
        case answered(status: Int, body: String)
        /// The connection ended without an answer, in the handshake or after it.
        case cutOff(String)
    }

    /// The published name, and its port.
    private let address: EngineAddress
    /// Both as a URL shows them.
    private let authority: String
    private let engine: EngineAddress
    private let context: NIOSSLContext

    /// A visitor of `tunnel`, who may have a certificate to show.
    init(
        of tunnel: RstreamTunnel,
        at engine: EngineUnderTest,
        showing certificate: EngineUnderTest.Certificate? = nil
    ) throws {
        let scheme = "https://"
        try #require(tunnel.forwardingAddress.hasPrefix(scheme))
        authority = String(tunnel.forwardingAddress.dropFirst(scheme.count))
        address = try EngineAddress(authority)
        self.engine = engine.address
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        if engine.tls.insecureSkipVerify { configuration.certificateVerification = .none }
        if let caFile = engine.tls.caFile { configuration.additionalTrustRoots = [.file(caFile)] }
        if let certificate {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate.certificateFile)
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem))
        }
        context = try NIOSSLContext(configuration: configuration)
    }

    // MARK: What a visitor does

    /// Asks for a page.
    func get(_ path: String) async throws -> Outcome {
        try await within("the page") {
            let connection = try await connect { channel in
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                    wrappingChannelSynchronously: channel
                )
            }
            do {
                return try await connection.executeThenClose { inbound, outbound in
                    try await outbound.write(.head(request(path)))
                    try await outbound.write(.end(nil))
                    return try await outcome(of: inbound)
                }
            } catch {
                return .cutOff("\(error)")
            }
        }
    }

    /// Opens a WebSocket, sends messages one after the other, and returns what came back for them.
    func converse(_ messages: [ByteBuffer]) async throws -> [ByteBuffer] {
        try await within("the conversation") {
            let upgraded = try await connect { try upgrade($0) }
            let socket = try #require(try await upgraded.get(), "the upgrade was declined")
            return try await socket.executeThenClose { inbound, outbound in
                var frames = inbound.makeAsyncIterator()
                var answers: [ByteBuffer] = []
                for message in messages {
                    try await outbound.write(.masked(.binary, message))
                    // Intermediaries may ask whether we are still there.
                    while let frame = try await frames.next() {
                        guard frame.opcode == .binary else { continue }
                        answers.append(frame.unmaskedData)
                        break
                    }
                }
                try await outbound.write(.masked(.connectionClose, ByteBuffer()))
                while let frame = try await frames.next(), frame.opcode != .connectionClose {}
                return answers
            }
        }
    }

    private func request(_ path: String) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: ["Host": authority])
    }

    private func outcome(of answer: NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws -> Outcome {
        var status: Int?
        var body = ""
        for try await part in answer {
            switch part {
            case .head(let head): status = Int(head.status.code)
            case .body(let bytes): body += String(buffer: bytes)
            case .end: return .answered(status: status ?? 0, body: body)
            }
        }
        return .cutOff("no whole answer")
    }

    private func upgrade(
        _ channel: any Channel
    ) throws -> EventLoopFuture<NIOAsyncChannel<WebSocketFrame, WebSocketFrame>?> {
        let upgrader = NIOTypedWebSocketClientUpgrader<NIOAsyncChannel<WebSocketFrame, WebSocketFrame>?>(
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
            }
        )
        let configuration = NIOTypedHTTPClientUpgradeConfiguration(
            upgradeRequestHead: request("/echo"),
            upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                channel.close(promise: nil)
                return channel.eventLoop.makeSucceededFuture(nil)
            }
        )
        return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
            configuration: NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: configuration)
        )
    }

    // MARK: How a visitor gets there

    /// Connects to the published name. If it does not resolve, as with a dev engine, the engine itself is asked for
    /// it: engines take visitors on the port of the agents.
    private func connect<Value: Sendable>(
        _ configure: @escaping @Sendable (any Channel) throws -> Value
    ) async throws -> Value {
        // Names below localhost are not for name servers (RFC 6761).
        if address.host.hasSuffix(".localhost") { return try await connect(to: engine, configure) }
        do {
            return try await connect(to: address, configure)
        } catch let error as NIOConnectionError where error.connectionErrors.isEmpty {
            return try await connect(to: engine, configure)
        }
    }

    private func connect<Value: Sendable>(
        to address: EngineAddress,
        _ configure: @escaping @Sendable (any Channel) throws -> Value
    ) async throws -> Value {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: self.address.host)
                    try channel.pipeline.syncOperations.addHandler(tls)
                    return try configure(channel)
                }
            }
    }
}

extension WebSocketFrame {
    /// Visitors must mask what they send.
    fileprivate static func masked(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
        WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
    }
}
