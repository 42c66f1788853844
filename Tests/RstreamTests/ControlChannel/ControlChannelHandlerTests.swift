// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOTLS
import RstreamTestSupport
import RstreamWire
import Testing

@testable import Rstream

@Suite("The handler of a control channel")
struct ControlChannelHandlerTests {
    private struct Failed: Error {}
    private struct Other {}

    private struct Opening {
        let loop = EmbeddedEventLoop()
        let network = NetworkEnd()
        let channel: EmbeddedChannel
        let outcomes: Observed<[String]>
        let seen = Observed<[String]>([])

        init() throws {
            let opened = loop.makePromise(of: ControlChannelHandler.Opened.self)
            outcomes = opened.futureResult.map(\.clientID).outcomes()
            let handler = try ControlChannelHandler.sample(opened, on: loop)
            channel = EmbeddedChannel(handlers: [network, handler, EventRecorder(seen, isDetailed: true)], loop: loop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func secured() {
            let event = TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil)
            channel.pipeline.fireUserInboundEventTriggered(event)
        }

        /// The frame with which the engine opens the channel.
        func answer() throws -> ByteBuffer {
            let message = Message.openControlChannelResponse(.ok(clientID: "c", serverDetails: nil, liveness: nil))
            let payload = try message.payload()
            return ByteBuffer(integer: UInt32(payload.count)).appending(payload)
        }

        func end() {
            _ = try? channel.finish()
            loop.run()
        }
    }

    @Test("opens with an answer that comes byte by byte, and passes on events of others")
    func drips() throws {
        let opening = try Opening()
        defer { opening.end() }
        opening.channel.pipeline.fireUserInboundEventTriggered(Other())
        #expect(opening.network.newCalls() == [])
        opening.secured()
        #expect(opening.network.newCalls().contains("flush"))
        for byte in try opening.answer().readableBytesView {
            #expect(opening.outcomes.value == [])
            try opening.channel.writeInbound(ByteBuffer(bytes: [byte]))
        }
        #expect(opening.outcomes.value == ["success c"])
        #expect(opening.seen.value.contains("event Other"))
    }

    @Test("fails to open once, whatever ends it first and whatever follows", arguments: 0..<5)
    func fails(way: Int) throws {
        let opening = try Opening()
        defer { opening.end() }
        if way != 4 { opening.secured() }
        // The start of a frame that is one byte too long.
        try opening.channel.writeInbound(ByteBuffer(bytes: [0, 1]))
        switch way {
        case 0: opening.network.fails(Failed())
        case 1: opening.network.endsInput()
        case 2: opening.channel.close(promise: nil)
        case 3: try opening.channel.writeInbound(ByteBuffer(bytes: [0, 0]))
        default: opening.loop.advanceTime(by: .hours(1))
        }
        opening.loop.run()
        #expect(opening.outcomes.value.count == 1)
        #expect(opening.outcomes.value.first?.hasPrefix("failure") == true)
        opening.network.endsInput()
        opening.network.fails(Failed())
        opening.network.says("behind the end")
        opening.channel.close(promise: nil)
        opening.loop.run()
        #expect(opening.outcomes.value.count == 1)
    }
}

extension ByteBuffer {
    fileprivate func appending(_ bytes: some Sequence<UInt8>) -> ByteBuffer {
        var buffer = self
        buffer.writeBytes(bytes)
        return buffer
    }
}
