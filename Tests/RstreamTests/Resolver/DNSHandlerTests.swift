// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOTLS
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The connection of a question to a name server")
struct DNSHandlerTests {
    private struct Failed: Error {}

    /// A question on an embedded channel, and what becomes of it.
    private struct Asked {
        let query: DNSQuery
        let network = NetworkEnd()
        let channel: EmbeddedChannel
        let outcomes: Observed<[String]>

        init(_ handler: (DNSQuery, EventLoopPromise<NameAnswer>) -> any ChannelHandler) throws {
            let loop = EmbeddedEventLoop()
            query = DNSQuery(id: 7, name: try #require(DNSName("engine.example")), family: .ipv4)
            let promise = loop.makePromise(of: NameAnswer.self)
            outcomes = promise.futureResult.outcomes()
            network.holdsWrites = true
            channel = EmbeddedChannel(handlers: [network, handler(query, promise)], loop: loop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 53)).wait()
        }

        static func datagram() throws -> Asked { try Asked { DNSDatagramHandler($0, $1) } }

        static func stream(awaitsTLS: Bool = false) throws -> Asked {
            try Asked { DNSStreamHandler($0, $1, awaitsTLS: awaitsTLS) }
        }

        /// The answer with one address, and with this id.
        func answer(id: UInt16 = 7) -> [UInt8] {
            var message = DNSMessage(answering: query)
            message.id = id
            message.add(ip("192.0.2.1"))
            return message.bytes
        }

        func receive(_ bytes: [UInt8]) throws {
            let envelope = AddressedEnvelope(
                remoteAddress: try SocketAddress(ipAddress: "127.0.0.1", port: 53),
                data: ByteBuffer(bytes: bytes)
            )
            channel.pipeline.fireChannelRead(envelope)
        }

        func end() { _ = try? channel.finish() }
    }

    private static func isAnswer(_ outcomes: Observed<[String]>) -> Bool {
        outcomes.value.count == 1 && outcomes.value[0].hasPrefix("success") && outcomes.value[0].contains("192.0.2.1")
    }

    // MARK: Datagrams

    @Test("ignores datagrams that are not the answer, takes the first that is, and nothing after it")
    func datagrams() throws {
        let asked = try Asked.datagram()
        defer { asked.end() }
        try asked.receive([1, 2, 3])
        try asked.receive(asked.answer(id: 8))
        #expect(asked.outcomes.value == [])
        try asked.receive(asked.answer())
        try asked.receive(asked.answer())
        asked.network.fails(Failed())
        #expect(Self.isAnswer(asked.outcomes))
    }

    @Test("fails when the datagram cannot be sent, the socket fails or is closed", arguments: 0..<3)
    func datagramFails(way: Int) throws {
        let asked = try Asked.datagram()
        defer { asked.end() }
        switch way {
        case 0: asked.network.finishWrites(Failed())
        case 1: asked.network.fails(Failed())
        default: asked.channel.close(promise: nil)
        }
        #expect(asked.outcomes.value == [way < 2 ? "failure Failed()" : "failure \(DNSFailure.closed)"])
    }

    // MARK: Streams

    @Test("takes an answer that comes byte by byte, with its last byte")
    func drips() throws {
        let asked = try Asked.stream()
        defer { asked.end() }
        let answer = asked.answer()
        for byte in DNSMessage.octets(UInt16(answer.count)) + answer {
            #expect(asked.outcomes.value == [])
            try asked.channel.writeInbound(ByteBuffer(bytes: [byte]))
        }
        #expect(Self.isAnswer(asked.outcomes))
    }

    @Test("asks at once, or when TLS is ready", arguments: [true, false])
    func asks(awaitsTLS: Bool) throws {
        let asked = try Asked.stream(awaitsTLS: awaitsTLS)
        defer { asked.end() }
        #expect(asked.network.newCalls().contains { $0.hasPrefix("write") } == !awaitsTLS)
        guard awaitsTLS else { return }
        asked.channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.shutdownCompleted)
        #expect(asked.network.newCalls() == [])
        asked.channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
        #expect(asked.network.newCalls().contains { $0.hasPrefix("write") })
    }

    @Test("fails once: by an error, by the end within an answer, by the answer to another question", arguments: 0..<3)
    func streamFails(way: Int) throws {
        let asked = try Asked.stream()
        defer { asked.end() }
        let other = asked.answer(id: 8)
        try asked.channel.writeInbound(ByteBuffer(bytes: DNSMessage.octets(UInt16(other.count)) + other.dropLast()))
        #expect(asked.outcomes.value == [])
        switch way {
        case 0: asked.network.fails(Failed())
        case 1: break
        default: try asked.channel.writeInbound(ByteBuffer(bytes: other.suffix(1)))
        }
        asked.channel.close(promise: nil)
        #expect(asked.outcomes.value.count == 1)
        #expect(asked.outcomes.value.first?.hasPrefix("failure") == true)
    }
}
