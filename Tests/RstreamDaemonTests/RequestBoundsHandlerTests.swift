// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOHTTP1
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The bounds of one client of the admin socket")
struct RequestBoundsHandlerTests {
    private struct Failed: Error {}
    private struct Other {}

    /// A server's end of a connection, without anything that answers.
    private struct Served {
        let loop = EmbeddedEventLoop()
        let network = NetworkEnd()
        let channel: EmbeddedChannel

        init() throws {
            channel = EmbeddedChannel(
                handlers: [
                    network, HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder()),
                    RequestBoundsHandler(.init()),
                ],
                loop: loop
            )
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            _ = network.newCalls()
        }

        /// The first line of what was written, and what was done besides writing.
        func outcome() -> (line: String?, others: [String]) {
            let calls = network.newCalls()
            let written = calls.filter { $0.hasPrefix("write ") }
            let line = written.first.map { String($0.dropFirst(6).prefix { !$0.isNewline }) }
            return (line, calls.filter { !$0.hasPrefix("write ") && $0 != "flush" })
        }

        func answer() {
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "0"])
            channel.write(HTTPServerResponsePart.head(head), promise: nil)
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }

        func end() { _ = try? channel.finish() }
    }

    @Test("a request that does not arrive in time is answered with 408", arguments: ["", "GET /"])
    func late(start: String) throws {
        let served = try Served()
        defer { served.end() }
        if !start.isEmpty { served.network.says(start) }
        served.loop.advanceTime(by: .seconds(9))
        #expect(served.outcome().line == nil)
        served.loop.advanceTime(by: .seconds(2))
        let outcome = served.outcome()
        #expect(outcome.line?.hasPrefix("HTTP/1.1 408 ") == true)
        #expect(outcome.others.first == "close all")
    }

    @Test("a connection without another request is closed without a word")
    func idle() throws {
        let served = try Served()
        defer { served.end() }
        served.network.says("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        served.answer()
        #expect(served.outcome().line == "HTTP/1.1 200 OK")
        served.loop.advanceTime(by: .seconds(11))
        let outcome = served.outcome()
        #expect(outcome.line == nil)
        #expect(outcome.others == ["close all"])
    }

    @Test("a request that is being answered has all the time it needs")
    func answering() throws {
        let served = try Served()
        defer { served.end() }
        served.network.says("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        served.loop.advanceTime(by: .hours(1))
        #expect(served.outcome() == (nil, []))
    }

    @Test("a client that takes nothing of an answer is reset, and one that takes it is not", arguments: [true, false])
    func stall(takes: Bool) throws {
        let served = try Served()
        defer { served.end() }
        served.network.says("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        served.channel.isWritable = false
        served.network.becomesWritable()
        served.loop.advanceTime(by: .seconds(9))
        if takes {
            served.channel.isWritable = true
            served.network.becomesWritable()
        }
        served.loop.advanceTime(by: .seconds(2))
        #expect(served.outcome().others == (takes ? [] : ["AbortEvent"]))
    }

    @Test("what is no HTTP is answered with 400, and a broken connection is reset")
    func errors() throws {
        let served = try Served()
        defer { served.end() }
        served.channel.pipeline.fireErrorCaught(HTTPParserError.invalidMethod)
        #expect(served.outcome().line?.hasPrefix("HTTP/1.1 400 ") == true)
        let broken = try Served()
        defer { broken.end() }
        broken.channel.pipeline.fireErrorCaught(Failed())
        #expect(broken.outcome().others == ["AbortEvent"])
    }

    @Test("no timer outlives the connection, and events of others pass")
    func ends() throws {
        let served = try Served()
        let seen = Observed<[String]>([])
        try served.channel.pipeline.syncOperations.addHandler(EventRecorder(seen, isDetailed: true))
        served.channel.pipeline.fireUserInboundEventTriggered(Other())
        served.channel.close(promise: nil)
        served.loop.run()
        _ = served.outcome()
        served.loop.advanceTime(by: .hours(1))
        #expect(served.outcome() == (nil, []))
        #expect(seen.value == ["event Other", "inactive"])
    }
}
