// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamCore
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

@testable import Rstream

@Suite("Bytes that arrive before a stream is started")
struct StreamHandshakeHandlerTests {
    private struct Failed: Error {}

    /// A connection whose handshake is over and whose stream was not started.
    private struct Ready {
        let channel: EmbeddedChannel
        let network = NetworkEnd()
        let handler: StreamHandshakeHandler
        let seen = Observed<[String]>([])

        init() throws {
            let address = try EngineAddress("127.0.0.1:1")
            let loop = EmbeddedEventLoop()
            let handshake = StreamHandshake(
                StreamHandshakeStateMachine.Plan(
                    request: .streamRequest(
                        StreamRequest(details: ClientDetails(agent: "a"), tunnelIDOrName: "t", zeroRTT: true)
                    ),
                    attempts: 1
                ),
                connector: try RstreamClient(RstreamClientOptions(engine: address, credential: .none)).makeConnector(
                    to: address
                ),
                address: address,
                on: loop,
                timeouts: .each(dial: .seconds(1), answer: .seconds(1))
            )
            handler = StreamHandshakeHandler(owner: handshake)
            handshake.cancel(.callCancelled)
            handshake.start().whenComplete { _ in }
            channel = EmbeddedChannel(handlers: [network, handler], loop: loop)
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
            _ = network.newCalls()
        }

        /// Starts the stream.
        func take() throws {
            try ArrivedStream(channel: channel).start {
                try $0.pipeline.syncOperations.addHandler(EventRecorder(seen))
            }
        }
    }

    @Test("go to its handlers in the order of arrival, after the channel became active")
    func order() throws {
        let ready = try Ready()
        ready.network.says("one ")
        ready.network.says("two")
        ready.network.endsInput()
        #expect(ready.seen.value == [])
        try ready.take()
        #expect(ready.seen.value == ["active", "read one two", "complete", "end"])
    }

    @Test("may be none, and then only the channel's activity is told")
    func nothing() throws {
        let ready = try Ready()
        try ready.take()
        #expect(ready.seen.value == ["active"])
        ready.network.says("later")
        ready.network.saysNoMoreForNow()
        ready.network.endsInput()
        #expect(ready.seen.value == ["active", "read later", "complete", "end"])
    }

    @Test("go on before the error that came after them")
    func error() throws {
        let ready = try Ready()
        ready.network.says("x")
        ready.network.fails(Failed())
        ready.network.fails(Failed())
        try ready.take()
        #expect(ready.seen.value == ["active", "read x", "complete", "error"])
    }

    @Test("are not asked for: one read when the connection is there, none afterwards")
    func reads() throws {
        let ready = try Ready()
        ready.network.becomesActive()
        #expect(ready.network.newCalls() == ["read"])
        ready.network.says("x")
        ready.network.saysNoMoreForNow()
        #expect(ready.network.newCalls() == [])
    }

    @Test("are given once: a second start finds none")
    func twice() throws {
        let ready = try Ready()
        ready.network.says("x")
        try ready.take()
        let second = Observed<[String]>([])
        try ArrivedStream(channel: ready.channel).start {
            try $0.pipeline.syncOperations.addHandler(EventRecorder(second))
        }
        #expect(second.value == [])
    }
}
