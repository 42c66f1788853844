// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOTLS
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A request to the control plane, on its connection")
struct ExchangeHandlerTests {
    private struct Failed: Error {}

    private static let request = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/x", headers: ["Host": "a"])

    private struct Asked {
        let channel: EmbeddedChannel
        let outcomes: Observed<[String]>

        init(waitsForTLS: Bool = false) throws {
            let loop = EmbeddedEventLoop()
            let answer = loop.makePromise(of: ExchangeHandler.Answer.self)
            outcomes = answer.futureResult.map { "\($0.status.code) \(String(buffer: $0.body))" }.outcomes()
            let handler = ExchangeHandler(ExchangeHandlerTests.request, waitsForTLS: waitsForTLS, answer: answer)
            channel = EmbeddedChannel(handlers: [handler], loop: loop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func receive(_ parts: HTTPClientResponsePart...) throws {
            for part in parts { try channel.writeInbound(part) }
        }

        func end() { _ = try? channel.finish() }
    }

    private static func head(_ status: HTTPResponseStatus) -> HTTPClientResponsePart {
        .head(HTTPResponseHead(version: .http1_1, status: status))
    }

    private static func body(_ text: String) -> HTTPClientResponsePart { .body(ByteBuffer(string: text)) }

    @Test("is sent at once, or when TLS has shown who answers, and only once", arguments: [true, false])
    func sends(waitsForTLS: Bool) throws {
        let asked = try Asked(waitsForTLS: waitsForTLS)
        defer { asked.end() }
        func count() throws -> Int {
            var count = 0
            while try asked.channel.readOutbound(as: HTTPClientRequestPart.self) != nil { count += 1 }
            return count
        }
        #expect(try count() == (waitsForTLS ? 0 : 2))
        asked.channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.shutdownCompleted)
        #expect(try count() == 0)
        asked.channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
        #expect(try count() == (waitsForTLS ? 2 : 0))
    }

    @Test("is answered by the pieces of a response, whose end closes the connection")
    func answer() throws {
        let asked = try Asked()
        try asked.receive(Self.head(.ok), Self.body("a"), Self.body("b"))
        #expect(asked.outcomes.value == [])
        try asked.receive(.end(nil))
        #expect(asked.outcomes.value == ["success 200 ab"])
        #expect(!asked.channel.isActive)
        asked.channel.pipeline.fireErrorCaught(Failed())
        #expect(asked.outcomes.value.count == 1)
    }

    @Test(
        "fails once, and closes the connection: an error, the end within the answer, too long an answer",
        arguments: 0..<3
    )
    func fails(way: Int) throws {
        let asked = try Asked()
        try asked.receive(Self.head(.ok), Self.body("a"))
        switch way {
        case 0: asked.channel.pipeline.fireErrorCaught(Failed())
        case 1: asked.channel.close(promise: nil)
        default: try asked.receive(.body(ByteBuffer(repeating: 0, count: ExchangeHandler.longest)))
        }
        let expected: [any Error] = [Failed(), ChannelError.eof, ExchangeHandler.TooLong()]
        #expect(asked.outcomes.value == ["failure \(expected[way])"])
        #expect(!asked.channel.isActive)
        // What comes behind it changes nothing.
        asked.channel.pipeline.fireErrorCaught(Failed())
        asked.channel.pipeline.fireChannelInactive()
        #expect(asked.outcomes.value.count == 1)
    }

    // MARK: The writer below it

    @Test(
        "is written with its token behind its headers, and is done when it has been sent, or failed",
        arguments: [true, false]
    )
    func writes(succeeds: Bool) throws {
        let network = NetworkEnd()
        network.holdsWrites = true
        let channel = EmbeddedChannel(handlers: [network, RequestWriter(token: Secret("sesame"))])
        defer { _ = try? channel.finish() }
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        _ = network.newCalls()
        let promise = channel.eventLoop.makePromise(of: Void.self)
        let outcomes = promise.futureResult.outcomes()
        channel.write(HTTPClientRequestPart.head(Self.request), promise: promise)
        try channel.writeAndFlush(HTTPClientRequestPart.end(nil)).wait()
        #expect(
            network.newCalls() == [
                "write GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sesame\r\n\r\n", "flush",
            ]
        )
        #expect(outcomes.value == [])
        network.finishWrites(succeeds ? nil : Failed())
        #expect(outcomes.value.count == 1)
        #expect(outcomes.value.first?.hasPrefix(succeeds ? "success" : "failure") == true)
    }
}
