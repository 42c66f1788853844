// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOTLS
import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The handler that speaks to a proxy")
struct ProxyHandlerTests {
    private struct Failed: Error {}
    private struct Other {}

    /// Says `hello`, waits while it gets `more`, gives up at `no`, and opens at anything else, which is what comes from
    /// behind the proxy.
    private struct Machine: ProxyStateMachine {
        mutating func connected() -> ProxyAction { .send(Array("hello".utf8)) }

        mutating func received(_ bytes: [UInt8]) -> ProxyAction {
            switch String(decoding: bytes, as: UTF8.self) {
            case "more": .none
            case "no": .fail(.malformed)
            default: .open(rest: bytes)
            }
        }
    }

    private struct Dialed {
        let loop = EmbeddedEventLoop()
        let network = NetworkEnd()
        let channel: EmbeddedChannel
        let seen = Observed<[String]>([])

        init(awaitsTLS: Bool = false, opens: Bool = true) throws {
            let handler = ProxyHandler(
                Machine(),
                awaitsTLS: awaitsTLS,
                deadline: .uptimeNanoseconds(1_000_000_000),
                timeout: .seconds(1)
            ) { error in
                RstreamError(code: .controlPlane, origin: .host, retry: .afterBackoff, what: "explained: \(error)")
            } open: { _, _ in
                if !opens { throw Failed() }
            }
            channel = EmbeddedChannel(handlers: [network, handler, EventRecorder(seen, isDetailed: true)], loop: loop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func end() { _ = try? channel.finish() }
    }

    @Test("becomes active for those behind it with the proxy's consent, and hands on what follows")
    func opens() throws {
        let dialed = try Dialed()
        defer { dialed.end() }
        #expect(dialed.network.newCalls() == ["write hello", "flush", "read"])
        dialed.network.says("more")
        dialed.network.saysNoMoreForNow()
        #expect(dialed.network.newCalls() == ["read"])
        #expect(dialed.seen.value == [])
        dialed.network.says("rest")
        #expect(dialed.seen.value == ["active", "read rest", "complete"])
        // It has left the pipeline, and its deadline with it.
        dialed.loop.advanceTime(by: .seconds(2))
        dialed.network.says("more")
        dialed.network.endsInput()
        #expect(dialed.seen.value.dropFirst(3) == ["read more", "end"])
        #expect(dialed.channel.isActive)
    }

    @Test("waits for the TLS to the proxy, and keeps its end from those behind it")
    func waitsForTLS() throws {
        let dialed = try Dialed(awaitsTLS: true)
        defer { dialed.end() }
        #expect(dialed.network.newCalls() == ["read"])
        dialed.channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
        #expect(dialed.network.newCalls() == ["write hello", "flush"])
        #expect(dialed.seen.value == [])
    }

    @Test("fails once, with an error that names the proxy, and resets the connection", arguments: 0..<6)
    func fails(way: Int) throws {
        let dialed = try Dialed(opens: way != 5)
        defer { dialed.end() }
        _ = dialed.network.newCalls()
        switch way {
        case 0: dialed.network.says("no")
        case 1: dialed.network.endsInput()
        case 2: dialed.network.fails(Failed())
        case 3: dialed.loop.advanceTime(by: .seconds(2))
        case 4: dialed.channel.close(promise: nil)
        default: dialed.network.says("open")
        }
        #expect(dialed.seen.value.first?.hasPrefix("error") == true)
        if way != 4 { #expect(dialed.network.newCalls() == ["AbortEvent"]) }
        // Whatever comes after it.
        dialed.network.says("open")
        dialed.network.fails(Failed())
        dialed.network.endsInput()
        dialed.loop.advanceTime(by: .seconds(2))
        #expect(dialed.seen.value.count { $0.hasPrefix("error") } == 1)
        #expect(!dialed.seen.value.contains("active"))
    }

    @Test("lets other events pass")
    func events() throws {
        let dialed = try Dialed()
        defer { dialed.end() }
        dialed.channel.pipeline.fireUserInboundEventTriggered(Other())
        #expect(dialed.seen.value == ["event Other"])
    }

    // MARK: Behind it

    @Test("an error of TLS behind a proxy is explained until the handshake is over, and then is what it is")
    func explains() throws {
        let (network, seen) = (NetworkEnd(), Observed<[String]>([]))
        let handler = ProxyErrorHandler {
            RstreamError(code: .controlPlane, origin: .host, retry: .afterBackoff, what: "explained: \($0)")
        }
        let channel = EmbeddedChannel(handlers: [network, handler, EventRecorder(seen, isDetailed: true)])
        defer { _ = try? channel.finish() }
        channel.pipeline.fireUserInboundEventTriggered(Other())
        network.says("x")
        network.fails(Failed())
        channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: "a"))
        network.fails(Failed())
        let events = seen.value
        #expect(events.count == 5)
        #expect(events[0] == "event Other" && events[1] == "read x" && events[3] == "event TLSUserEvent")
        #expect(events[2].contains("explained") && !events[4].contains("explained"))
    }
}
