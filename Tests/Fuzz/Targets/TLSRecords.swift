// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if EngineTLS

import Crypto
import EngineTLS
import FoundationEssentials
import NIOCore
import NIOEmbedded
import NIOSSL
import NIOTLS
import SwiftASN1
import X509

/// The library's TLS against a server in the same thread, over a network whose damage the input chooses: what is passed on
/// is what was sent, from its beginning, and an error ends the connection.
enum TLSRecords {
    private struct Contexts: Sendable {
        let client: TLSContext
        let server: NIOSSLContext
    }

    /// Made once: nothing of a connection stays in them, because tickets have no key to be kept under.
    private static let contexts = Result { () throws -> Contexts in
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("engine.example") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 0),
            notValidAfter: Date(timeIntervalSince1970: 4_000_000_000),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions(),
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        let pem = Array(try certificate.serializeAsPEM().pemString.utf8)
        let server = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: pem, format: .pem))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der))
        )
        // ECDSA with P-256 and SHA-256, and X25519; no anchors: any certificate is good enough here.
        let client = TLSContext.Settings(signatureAlgorithms: [0x0403], groups: [29], anchors: nil, now: { 0 })
        return Contexts(client: try TLSContext(client), server: try NIOSSLContext(configuration: server))
    }

    static func check(_ bytes: [UInt8]) throws(Finding) {
        do {
            try run(Choices(bytes), contexts.get())
        } catch let error as Finding {
            throw error
        } catch {
            throw Finding("the test's own TLS failed: \(error)")
        }
    }

    private static func run(_ choices: Choices, _ contexts: Contexts) throws {
        var choices = choices
        let end = PlaintextEnd()
        let handler = try EngineTLSHandler(contexts.client, sentName: "engine.example", verification: .none)
        let client = EmbeddedChannel(handlers: [handler, end])
        let server = EmbeddedChannel(handler: NIOSSLServerHandler(context: contexts.server))
        defer {
            client.end()
            server.end()
        }
        client.allowRemoteHalfClosure = true
        for channel in [client, server] {
            channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 443), promise: nil)
        }
        // Mostly the handshake succeeds, and the rest of the input is about what follows.
        let isEarly = choices.number(below: 8) == 0
        if !isEarly { exchange(client, server) { $0 } }
        try demand(isEarly || end.isOpen, "the handshake fails without damage")
        var sent: [UInt8] = []
        while !choices.isOver {
            switch choices.number(below: 8) {
            case 0, 1:
                let said = choices.take(1 + choices.number(below: 32))
                sent += said
                server.writeAndFlush(ByteBuffer(bytes: said), promise: nil)
            case 2: client.writeAndFlush(ByteBuffer(bytes: choices.take(8)), promise: nil)
            case 3: deliver(choices.take(1 + choices.number(below: 64)), to: client)
            case 4:
                let (place, bits) = (Int(choices.byte()) << 8 | Int(choices.byte()), choices.byte())
                exchange(client, server) { bytes in
                    var bytes = bytes
                    if !bytes.isEmpty { bytes[place % bytes.count] ^= bits }
                    return bytes
                }
            case 5:
                let count = Int(choices.byte())
                exchange(client, server) { Array($0.dropLast(count)) }
            case 6:
                if choices.bool() {
                    server.close(mode: .all, promise: nil)
                } else {
                    client.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                }
            default: exchange(client, server) { $0 }
            }
            try demand(sent.starts(with: end.bytes), "\(end.bytes) arrived, and \(sent) was sent")
            try demand(!end.hasFailed || !client.isActive || end.isTruncated, "an error leaves the connection open")
        }
    }

    private static func exchange(
        _ client: EmbeddedChannel,
        _ server: EmbeddedChannel,
        _ damage: ([UInt8]) -> [UInt8]
    ) {
        // A handshake takes three rounds, and each of them moves all that there is.
        for _ in 0..<16 {
            let said = client.written()
            if !said.isEmpty { deliver(said, to: server) }
            let answer = server.written()
            if !answer.isEmpty { deliver(damage(answer), to: client) }
            if said.isEmpty, answer.isEmpty { return }
        }
    }

    private static func deliver(_ bytes: [UInt8], to channel: EmbeddedChannel) {
        if channel.isActive { _ = try? channel.writeInbound(ByteBuffer(bytes: bytes)) }
        channel.embeddedEventLoop.run()
    }
}

/// The last handler of the client's pipeline.
///
/// Confined to its channel's event loop.
private final class PlaintextEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private(set) var bytes: [UInt8] = []
    private(set) var isOpen = false
    private(set) var hasFailed = false
    /// Whether the connection's input ended in the middle, which leaves our own output open.
    private(set) var isTruncated = false

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytesView
    }

    func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { isOpen = true }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        hasFailed = true
        if case EngineTLSError.truncated = error { isTruncated = true }
        if case EngineTLSError.closedDuringHandshake = error { isTruncated = true }
    }
}

#endif
