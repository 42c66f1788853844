// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOSSL
import NIOTLS
import RstreamModel
import Testing

@testable import Rstream

/// An authority, a server's certificate and key: what a test of TLS starts with.
struct TLSFixture {
    static let name = "peer.example.test"

    let issuer: TestIssuer
    let certificate: [UInt8]
    let key: TestKey

    init(_ subject: TestIssuer.Subject = .named(.dns(name), .ip([192, 0, 2, 1]))) throws {
        issuer = try TestIssuer()
        (certificate, key) = try issuer.issue(subject, key: .p256)
    }

    func server(_ change: (inout RawTLSServer.Settings) -> Void = { _ in }) throws -> RawTLSServer.Context {
        var settings = RawTLSServer.Settings()
        change(&settings)
        return try RawTLSServer.Context([certificate], key: key.pem, settings)
    }

    /// Trusts the authority, and nobody else.
    func client(
        _ implementation: TLSClient.Implementation,
        trusting other: TestIssuer? = nil,
        identity: TLSClient.Identity? = nil
    ) throws -> TLSClientContext {
        try TLSClient.makeContext(
            ["rstrm/1"],
            minimumVersion: .tlsv13,
            trust: .anchors(.none, own: [try (other ?? issuer).forTLS()]),
            identity: identity,
            implementation: implementation
        )
    }
}

/// A client of the library over an embedded channel, and a server. The test moves the bytes.
final class TLSPair {
    let channel: EmbeddedChannel
    let server: RawTLSServer
    let client = TLSClientEnd()
    let network = TLSNetworkEnd()

    /// Connects; nothing is exchanged yet.
    init(
        _ client: TLSClientContext,
        _ server: RawTLSServer.Context,
        to name: String = TLSFixture.name,
        at engine: EngineAddress? = nil,
        verification: TLSClient.Verification = .full,
        allowsHalfClose: Bool = true
    ) throws {
        let handlers = try TLSClient.handlers(client, to: name, at: engine, verification: verification)
        self.server = try RawTLSServer(server)
        channel = EmbeddedChannel(handlers: [network, HalfCloseFilter()] + handlers + [self.client])
        channel.allowRemoteHalfClosure = allowsHalfClose
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 443)).wait()
    }

    init(_ handler: any ChannelHandler, _ server: RawTLSServer.Context) throws {
        self.server = try RawTLSServer(server)
        channel = EmbeddedChannel(handlers: [network, handler, client])
        channel.allowRemoteHalfClosure = true
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 443)).wait()
    }

    // A closed channel drops its handlers, and timers with them.
    deinit {
        client.stop()
        network.cutOff()
        channel.embeddedEventLoop.run()
    }

    /// Moves bytes until both sides have nothing to say. `pieces` cuts what goes to the client, and may change it.
    func exchange(_ pieces: ([UInt8]) -> [[UInt8]] = { [$0] }) {
        while true {
            channel.embeddedEventLoop.run()
            var hasMoved = false
            while let bytes = try? channel.readOutbound(as: ByteBuffer.self) {
                if bytes.readableBytes > 0 { server.receive(Array(bytes.readableBytesView)) }
                hasMoved = true
            }
            let answer = server.take()
            if !answer.isEmpty {
                for piece in pieces(answer) { deliver(piece) }
                hasMoved = true
            }
            guard hasMoved else { return }
        }
    }

    /// One read of the socket.
    func deliver(_ bytes: [UInt8]) {
        guard channel.isActive else { return }
        _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
    }

    @discardableResult
    func write(_ bytes: [UInt8]) -> EventLoopFuture<Void> { channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    @discardableResult
    func write(_ text: String) -> EventLoopFuture<Void> { write(Array(text.utf8)) }

    /// The end of TCP's input.
    func endInput() { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
}

/// The last handler of a pipeline: what the library's own see. Errors are recorded by their texts, which must be the same
/// whoever speaks TLS.
///
/// Confined to the channel's event loop.
final class TLSClientEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private(set) var bytes: [UInt8] = []
    /// `open PROTOCOL`, `bytes`, `end`, `failed: TEXT`, `closed`.
    private(set) var events: [String] = []
    private var hasStopped = false
    /// What the program does with its first bytes.
    var answer: ((any Channel) -> Void)?

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var failures: [String] { events.filter { $0.hasPrefix("failed: ") }.map { String($0.dropFirst(8)) } }
    var isOpen: Bool { events.contains { $0.hasPrefix("open ") } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytesView
        if events.last != "bytes" { note("bytes") }
        let answer = answer
        self.answer = nil
        answer?(context.channel)
    }

    func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let negotiated): note("open \(negotiated ?? "-")")
        case ChannelEvent.inputClosed: note("end")
        default: break
        }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        note("failed: \(ConnectionPeer.engine.explain(error).what)")
    }

    func channelInactive(context _: ChannelHandlerContext) { note("closed") }

    /// Records no more: the test has ended.
    func stop() { hasStopped = true }

    private func note(_ event: String) {
        if !hasStopped { events.append(event) }
    }
}

/// The first handler of a pipeline, in place of the network.
///
/// Confined to the channel's event loop.
final class TLSNetworkEnd: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context _: ChannelHandlerContext) { context = nil }

    /// TCP ends, in both directions.
    func cutOff() { context?.close(promise: nil) }
}
