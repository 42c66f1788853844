// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamTestSupport

@testable import Rstream

extension DNSResolver.Timeouts {
    /// For a server that always answers.
    static let long = Self(datagrams: [testTimeout], streams: [testTimeout, testTimeout])
}

/// A name server in the test's process: UDP and TCP on one port, and TLS instead of TCP if it has a context.
final class FakeNameServer: Sendable {
    struct Request: Sendable {
        let bytes: [UInt8]
        let isDatagram: Bool
        /// Counted from zero over all requests.
        let number: Int

        /// A response with those of the addresses that are of the queried family.
        func answer(_ addresses: [String]) -> [UInt8] {
            var message = DNSMessage(answering: bytes)
            for address in addresses.map(ip) where (address.family == .ipv6) == message.asksForIPv6 {
                message.add(address)
            }
            return message.bytes
        }

        func answer(flags: UInt16) -> [UInt8] {
            var message = DNSMessage(answering: bytes)
            message.flags = flags
            return message.bytes
        }
    }

    /// The response to a request: any number of messages.
    typealias Behaviour = @Sendable (Request) -> [[UInt8]]

    let requests = Observed<[Request]>([])
    private let behaviour: Behaviour

    private init(_ behaviour: @escaping Behaviour) { self.behaviour = behaviour }

    /// Serves while `body` runs, which gets the server and its address.
    static func answering(
        tls: NIOSSLContext? = nil,
        _ behaviour: @escaping Behaviour,
        during body: (FakeNameServer, EngineAddress) async throws -> Void
    ) async throws {
        let server = FakeNameServer(behaviour)
        let (datagrams, streams) = try await server.bind(tls)
        let address = try EngineAddress("127.0.0.1:\(datagrams.localAddress?.port ?? 0)")
        do {
            try await body(server, address)
        } catch {
            try? await datagrams.close()
            try? await streams.close()
            throw error
        }
        try await datagrams.close()
        try await streams.close()
    }

    private func bind(_ tls: NIOSSLContext?) async throws -> (any Channel, any Channel) {
        // A free UDP port may be taken on TCP; then another one is tried.
        for _ in 0..<50 {
            let datagrams = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Datagrams(self))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let streams = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                        try channel.pipeline.syncOperations.addHandler(Streams(self))
                    }
                }
                .bind(host: "127.0.0.1", port: datagrams.localAddress?.port ?? 0).get()
            if let streams { return (datagrams, streams) }
            try await datagrams.close()
        }
        throw DeadlinePassed(what: "a port that is free for UDP and TCP", state: "none")
    }

    private func answers(_ bytes: [UInt8], isDatagram: Bool) -> [[UInt8]] {
        var request = Request(bytes: bytes, isDatagram: isDatagram, number: 0)
        requests.change {
            request = Request(bytes: bytes, isDatagram: isDatagram, number: $0.count)
            $0.append(request)
        }
        return behaviour(request)
    }

    private final class Datagrams: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>

        private let server: FakeNameServer

        init(_ server: FakeNameServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            for answer in server.answers(Array(envelope.data.readableBytesView), isDatagram: true) {
                let reply = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: answer))
                context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
            }
        }
    }

    private final class Streams: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let server: FakeNameServer
        private var buffer = ByteBuffer()

        init(_ server: FakeNameServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            buffer.writeImmutableBuffer(unwrapInboundIn(data))
            guard let request = buffer.readLengthPrefixedSlice(as: UInt16.self) else { return }
            let answers = server.answers(Array(request.readableBytesView), isDatagram: false)
            guard !answers.isEmpty else { return context.close(promise: nil) }
            for answer in answers {
                let message = ByteBuffer(bytes: DNSMessage.octets(UInt16(answer.count)) + answer)
                // In two parts, as TCP may split it.
                let cut = message.readableBytes / 2
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(message.readableBytesView.prefix(cut))), promise: nil)
                context.writeAndFlush(
                    wrapOutboundOut(ByteBuffer(message.readableBytesView.dropFirst(cut))),
                    promise: nil
                )
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
