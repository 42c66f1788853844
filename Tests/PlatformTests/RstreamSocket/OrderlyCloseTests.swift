// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamSocket
import RstreamTestSupport
import Testing

@Suite("An orderly close")
struct OrderlyCloseTests {
    private struct Failed: Error {}

    /// A connected channel whose writes are done when the test says so.
    private func connection() throws -> (EmbeddedChannel, NetworkEnd) {
        let network = NetworkEnd()
        network.holdsWrites = true
        let channel = EmbeddedChannel(handlers: [network, OrderlyCloseHandler()])
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
        _ = network.newCalls()
        return (channel, network)
    }

    @Test("waits until all that was written before has left", arguments: [true, false])
    func waits(closesAll: Bool) throws {
        let (channel, network) = try connection()
        channel.writeAndFlush(ByteBuffer(string: "tail"), promise: nil)
        let closed = channel.close(mode: closesAll ? .all : .output)
        #expect(network.newCalls() == ["write tail", "flush", "flush"])
        #expect(channel.isActive)
        network.finishWrites()
        #expect(network.newCalls() == [closesAll ? "close all" : "close output"])
        try closed.wait()
        #expect(channel.isActive == !closesAll)
    }

    @Test("closes both directions when what was written cannot leave")
    func failedWrite() throws {
        let (channel, network) = try connection()
        let closed = channel.close(mode: .output)
        network.finishWrites(Failed())
        #expect(network.newCalls() == ["flush", "close all"])
        try closed.wait()
        #expect(!channel.isActive)
    }

    @Test("of the input waits for nothing")
    func input() throws {
        let (channel, network) = try connection()
        channel.write(ByteBuffer(string: "x"), promise: nil)
        channel.close(mode: .input, promise: nil)
        #expect(network.newCalls() == ["write x", "close input"])
    }

    @Test("of a channel that is gone waits for nothing")
    func gone() throws {
        let (channel, network) = try connection()
        channel.abort()
        #expect(network.newCalls() == ["close all"])
        // Its pipeline is torn down, or ends the call at once.
        #expect(throws: ChannelError.self) { try channel.close().wait() }
    }

    @Test("is overtaken by an abort, which drops what is pending")
    func abort() throws {
        let (channel, network) = try connection()
        channel.writeAndFlush(ByteBuffer(string: "tail"), promise: nil)
        channel.close(promise: nil)
        _ = network.newCalls()
        channel.abort()
        #expect(network.newCalls().first == "close all")
        #expect(!channel.isActive)
        channel.abort()
        #expect(network.newCalls() == [])
    }

    @Test("lets an event of another kind pass")
    func otherEvent() throws {
        struct Other {}
        let (channel, network) = try connection()
        channel.pipeline.triggerUserOutboundEvent(Other(), promise: nil)
        #expect(network.newCalls() == ["Other"])
        #expect(channel.isActive)
    }

    @Test("of one direction and then of both happens in that order, after all writes")
    func twice() throws {
        let (channel, network) = try connection()
        channel.writeAndFlush(ByteBuffer(string: "tail"), promise: nil)
        let output = channel.close(mode: .output)
        let all = channel.close(mode: .all)
        _ = network.newCalls()
        network.says("still read")
        network.endsInput()
        #expect(network.newCalls() == [])
        network.finishWrites()
        #expect(network.newCalls() == ["close output", "close all"])
        try output.wait()
        try all.wait()
    }

    @Test("lets reads, ends, errors and events of the input pass")
    func inbound() throws {
        struct Other {}
        let seen = Observed<[String]>([])
        let network = NetworkEnd()
        let channel = EmbeddedChannel(
            handlers: [network, OrderlyCloseHandler(), EventRecorder(seen, isDetailed: true)]
        )
        defer { _ = try? channel.finish() }
        network.says("a")
        channel.pipeline.fireUserInboundEventTriggered(Other())
        network.endsInput()
        network.fails(Failed())
        #expect(seen.value == ["read a", "event Other", "end", "error Failed()"])
    }
}
