// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOHTTP1
import RstreamTestSupport
import Testing

@testable import DevEngine

@Suite("The dev engine's handlers")
struct HandlerTests {
    private struct Failed: Error {}
    private struct Other {}

    private let network = NetworkEnd()
    private let seen = Observed<[String]>([])

    /// A connected channel with this handler between the network and the end of its pipeline.
    private func channel(_ handler: any ChannelHandler) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handlers: [network, handler, EventRecorder(seen, isDetailed: true)])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    // MARK: SocketHandler

    @Test("the socket's handler passes everything on when there is nothing to decide")
    func passes() throws {
        let channel = try channel(SocketHandler(decide: nil))
        defer { _ = try? channel.finish() }
        #expect(network.newCalls() == [])
        network.says("a")
        network.saysNoMoreForNow()
        channel.pipeline.fireUserInboundEventTriggered(Other())
        network.fails(Failed())
        network.endsInput()
        #expect(seen.value == ["active", "read a", "complete", "event Other", "error Failed()", "end"])
    }

    @Test("the socket's handler reads until it can decide, and then replays all that came, once")
    func decides() throws {
        let decisions = Observed<[String]>([])
        let channel = try channel(
            SocketHandler { verdict, bytes in decisions.change { $0.append("\(verdict) \(bytes.readableBytes)") } }
        )
        defer { _ = try? channel.finish() }
        #expect(network.newCalls() == ["read"])
        // The start of a TLS record, which may become a ClientHello.
        let start = ByteBuffer(bytes: [22, 3])
        try channel.writeInbound(start)
        #expect(network.newCalls() == ["read"])
        #expect(decisions.value == [])
        try channel.writeInbound(ByteBuffer(bytes: [9, 0, 0]))
        #expect(decisions.value == ["malformed 5"])
        network.says("b")
        #expect(decisions.value.count == 1)
        #expect(seen.value.count == 4)
        #expect(seen.value.first == "active" && seen.value.last == "read b")
    }

    @Test("the socket's handler closes a connection that ends, and leaves one that broke to its end, before a decision")
    func endsEarly() throws {
        let decisions = Observed<[String]>([])
        let channel = try channel(SocketHandler { verdict, _ in decisions.change { $0.append("\(verdict)") } })
        try channel.writeInbound(ByteBuffer(bytes: [22]))
        _ = network.newCalls()
        network.fails(Failed())
        #expect(network.newCalls() == [])
        network.endsInput()
        #expect(network.newCalls() == ["close all"])
        #expect(!channel.isActive)
        #expect(decisions.value == [])
        #expect(seen.value == ["active", "error Failed()", "inactive"])
    }

    @Test("the socket's handler resets and closes nothing once it has left the pipeline")
    func leaves() throws {
        let handler = SocketHandler(decide: nil)
        let channel = try channel(handler)
        handler.abort()
        #expect(network.newCalls() == ["close all"])
        channel.embeddedEventLoop.run()
        handler.abort()
        handler.close()
        #expect(network.newCalls() == [])
    }

    // MARK: MethodHandler

    @Test(
        "a method that NIO does not know is replaced in the bytes, and remembered for its head",
        arguments: [1, 3, 100]
    )
    func method(size: Int) throws {
        let handler = MethodHandler()
        let channel = try channel(handler)
        defer { _ = try? channel.finish() }
        for (method, shown) in [("BREW", "GET"), ("POST", "POST")] {
            handler.next(isRequest: true)
            let before = seen.value.count
            var bytes = ByteBuffer(string: "\(method) /x HTTP/1.1\r\n")
            while let part = bytes.readSlice(length: min(size, bytes.readableBytes)), part.readableBytes > 0 {
                try channel.writeInbound(part)
            }
            let text = seen.value.dropFirst(before).filter { $0.hasPrefix("read ") }.map { $0.dropFirst(5) }.joined()
            #expect(text == "\(shown) /x HTTP/1.1\r\n")
            let head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: shown), uri: "/x")
            #expect(handler.method(of: head).rawValue == method)
            #expect(handler.method(of: head).rawValue == shown)
        }
    }

    @Test("bytes that are no method are an error, and bytes within a request pass")
    func noMethod() throws {
        let handler = MethodHandler()
        let channel = try channel(handler)
        defer { _ = try? channel.finish() }
        network.says("@ /x")
        #expect(seen.value.contains { $0.hasPrefix("error") })
        handler.next(isRequest: false)
        network.says("BREW ")
        #expect(seen.value.last == "read BREW ")
        channel.pipeline.fireUserInboundEventTriggered(Other())
        network.endsInput()
        #expect(seen.value.suffix(2) == ["event Other", "end"])
    }

    // MARK: PayloadResetHandler

    @Test("a limit of payload is reached once, by the bytes of both directions")
    func payload() throws {
        let reached = Observed<[String]>([])
        let handler = PayloadResetHandler(10, already: 2) { reached.change { $0.append("reached") } }
        let channel = try channel(handler)
        defer { _ = try? channel.finish() }
        network.says("abc")
        channel.writeAndFlush(ByteBuffer(string: "defg"), promise: nil)
        #expect(reached.value == [])
        channel.writeAndFlush(ByteBuffer(string: ""), promise: nil)
        network.says("h")
        #expect(reached.value == ["reached"])
        network.says("i")
        // The bytes are passed on all the same, before the limit is.
        #expect(seen.value == ["active", "read abc", "read h", "read i"])
        #expect(network.newCalls().contains("write defg"))
    }
}
