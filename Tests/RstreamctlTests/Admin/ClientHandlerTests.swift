// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOHTTP1
import RstreamTestSupport
import Testing

@testable import RstreamAdmin

@Suite("The handlers of the admin socket's client")
struct ClientHandlerTests {
    private struct Failed: Error {}
    private struct Other {}

    @Test("write the request as soon as there is a connection, and pass everything on")
    func request() throws {
        let seen = Observed<[String]>([])
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/v1/status")
        let handler = RequestHandler([.head(head), .end(nil)])
        let channel = EmbeddedChannel(handlers: [handler, EventRecorder(seen, isDetailed: true)])
        defer { _ = try? channel.finish() }
        #expect(try channel.readOutbound(as: HTTPClientRequestPart.self) == nil)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        #expect(try channel.readOutbound(as: HTTPClientRequestPart.self) == .head(head))
        #expect(try channel.readOutbound(as: HTTPClientRequestPart.self) == .end(nil))
        channel.pipeline.fireUserInboundEventTriggered(Other())
        channel.pipeline.fireErrorCaught(Failed())
        channel.close(promise: nil)
        #expect(seen.value == ["active", "event Other", "error Failed()", "inactive"])
        #expect(try channel.readOutbound(as: HTTPClientRequestPart.self) == nil)
    }

    /// A connection whose first byte may take a second, and each other one five.
    private func silent() throws -> (EmbeddedChannel, EmbeddedEventLoop, NetworkEnd, Observed<[String]>) {
        let (loop, network, seen) = (EmbeddedEventLoop(), NetworkEnd(), Observed<[String]>([]))
        let handler = SilenceHandler(.init(first: .seconds(1), next: .seconds(5)))
        let channel = EmbeddedChannel(handlers: [network, handler, EventRecorder(seen)], loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return (channel, loop, network, seen)
    }

    @Test("end a connection on which nothing has come in time, once")
    func silence() throws {
        let (channel, loop, network, seen) = try silent()
        loop.advanceTime(by: .milliseconds(900))
        network.says("a")
        loop.advanceTime(by: .milliseconds(4_900))
        network.says("b")
        loop.advanceTime(by: .milliseconds(4_900))
        #expect(seen.value == ["active", "read a", "read b"])
        loop.advanceTime(by: .milliseconds(200))
        #expect(!channel.isActive)
        loop.advanceTime(by: .seconds(60))
        #expect(seen.value.dropFirst(3) == ["error", "inactive"])
    }

    @Test("end one that stays silent from the start, and none that is closed already", arguments: [true, false])
    func silenceFromTheStart(isClosed: Bool) throws {
        let (channel, loop, _, seen) = try silent()
        if isClosed { channel.close(promise: nil) }
        loop.advanceTime(by: .seconds(2))
        #expect(seen.value == (isClosed ? ["active", "inactive"] : ["active", "error", "inactive"]))
    }
}
