// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Streams", .serialized, .timeLimit(.hang))
struct StreamTests {
    /// A private tunnel and clients on both sides of it.
    private func withTunnel(
        zeroRTT: Bool = true,
        faults: [Fault] = [],
        _ body: (TestEngine, RstreamClient, RstreamTunnel) async throws -> Void
    ) async throws {
        try await TestEngine.with(.with { $0.faults = faults }) { engine in
            let client = engine.client { $0.zeroRTT = zeroRTT }
            let control = try await client.connect()
            try await body(engine, client, try await control.createTunnel(unpublished()))
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("a tunnel is dialed by id and by name, with and without waiting", arguments: [true, false], [true, false])
    func dial(byName: Bool, zeroRTT: Bool) async throws {
        try await withTunnel(zeroRTT: zeroRTT) { engine, client, tunnel in
            let stream = try await client.dial(byName ? "  private " : tunnel.id, zeroRTT: zeroRTT)
            #expect((stream.acceptance != .unconfirmed) == !zeroRTT)
            let dialed = try await stream.take()
            let accepted = try await tunnel.next()
            #expect(zeroRTT || stream.acceptance == .confirmed(streamID: accepted.id))
            let echo = try await accepted.take(echo: true)
            try await dialed.send("hello")
            try await dialed.finish()
            #expect(try await dialed.receiveText() == "hello")
            try await echo.waitForClose()
            let messages = try await engine.engine.statistics().messages
            #expect(messages.first { $0.kind == "ProxyReq" }?.zeroRTT == zeroRTT)
            #expect(messages.first { $0.kind == "StreamReq" }?.zeroRTT == zeroRTT)
            #expect(messages.first { $0.kind == "StreamReq" }?.target == (byName ? "private" : tunnel.id))
        }
    }

    @Test("a tunnel that does not exist is refused, or its connection closed without a wait for the answer")
    func unknownTarget() async throws {
        try await withTunnel { _, client, _ in
            let error = try await failure { _ = try await client.dial("nobody", zeroRTT: false) }
            #expect(error.engineCode == .tunnelNotFound)
            #expect(error.retry == .afterReload)
            let dialed = try await client.dial("nobody", zeroRTT: true).take()
            #expect(try await dialed.receiveText() == "")
            await dialed.close()
        }
    }

    @Test("a blank target is refused before anything is dialed")
    func blank() async throws {
        try await withTunnel { engine, client, _ in
            let error = try await failure { _ = try await client.dial(" \t") }
            #expect(error.code == .invalidTunnel)
            #expect(try await engine.engine.statistics().connections == 1)
        }
    }

    @Test(
        "a wrong answer to a dial is reported",
        arguments: [
            (Fault(.streamWrongMessage), RstreamError.Code.protocolViolation),
            (Fault(.streamEmpty), .protocolViolation),
            (ConnectTests.engineError(.streamError, 6_000), .engine),
            // The agent never gets its connection, so the dialer waits in vain.
            (Fault(.proxyStall), .operationTimeout),
        ]
    )
    func wrongAnswer(fault: Fault, code: RstreamError.Code) async throws {
        try await TestEngine.with(.with { $0.faults = [fault] }) { engine in
            // Short only where no answer comes.
            let client = engine.client { if fault.name == .proxyStall { $0.timeouts.answer = longestStall } }
            let control = try await client.connect()
            _ = try await control.createTunnel(unpublished())
            let error = try await failure { _ = try await client.dial("private", zeroRTT: false) }
            #expect(error.code == code)
            await control.close()
        }
    }

    @Test("a dial takes no longer than its timeout, whatever delays it")
    func bounded() async throws {
        func expectTimeout(_ client: RstreamClient) async throws {
            let loop = client.group.next()
            let error = try await failure {
                _ = try await client.dial("private", zeroRTT: false, within: .milliseconds(400), on: loop)
            }
            #expect(error.what.hasSuffix("within 0.4 s"), "\(error)")
            #expect(error.retry == .afterBackoff)
        }
        try await TestServer.withFullQueue { port in
            let engine = try EngineAddress("127.0.0.1:\(port)")
            try await expectTimeout(RstreamClient(RstreamClientOptions(engine: engine, credential: .none)))
        }
        try await TestEngine.with(.with { $0.faults = [Fault(.proxyStall)] }) { engine in
            let client = engine.client()
            let control = try await client.connect()
            _ = try await control.createTunnel(unpublished())
            try await expectTimeout(client)
            await control.close()
        }
    }

    @Test("what is left for the answer of a dial is what the connection has not taken")
    func timeouts() {
        let together = StreamHandshake.Timeouts.together(.seconds(5))
        #expect((together.dial, together.answer) == (.seconds(5), .seconds(5)))
        #expect(together.answer(after: .seconds(2)) == .seconds(3))
        #expect(together.answer(after: .seconds(9)) == .zero)
        #expect(together.dial(after: .seconds(2)) == .seconds(3))
        let each = StreamHandshake.Timeouts.each(dial: .seconds(1), answer: .seconds(2))
        #expect(each.dial(after: .seconds(9)) == .seconds(1))
        #expect((each.dial, each.answer) == (.seconds(1), .seconds(2)))
        #expect(each.answer(after: .seconds(9)) == .seconds(2))
    }

    @Test("bytes that arrive together with the engine's answer are payload", arguments: [true, false])
    func coalesced(zeroRTT: Bool) async throws {
        try await withTunnel(zeroRTT: zeroRTT) { _, client, tunnel in
            // What the dialer says before the agent's connection is there travels in one write with the answer to it.
            let dialed = try await client.dial("private", zeroRTT: true).take()
            try await dialed.send("early")
            let accepted = try await tunnel.next().take()
            #expect(try await accepted.receive(asLongAs: "early") == "early")
            await accepted.close()
            await dialed.close()
        }
    }

    @Test("a dialer gets what was sent together with the answer to its dial")
    func coalescedAnswer() async throws {
        try await withTunnel { _, client, tunnel in
            async let dialing = client.dial("private", zeroRTT: false)
            let accepted = try await tunnel.next().take()
            try await accepted.send("first words")
            try await accepted.finish()
            let stream = try await dialing
            let dialed = try await stream.take()
            #expect(try await dialed.receiveText() == "first words")
            await dialed.close()
            await accepted.close()
        }
    }

    @Test("nothing is lost and nothing read ahead when a stream is started late")
    func lateStart() async throws {
        try await withTunnel { engine, client, tunnel in
            let dialed = try await client.dial("private").take()
            let accepted = try await tunnel.next()
            let bytes = ByteBuffer.pattern(3_000_000)
            let half = ByteBuffer(bytes.readableBytesView.prefix(1_000))
            try await dialed.send(half)
            let pumped = dialed.pump(2_000_000)
            try await engine.waitForAnswers(1)
            try await pumped.wait(for: "the first bytes on their way") { $0 > 0 }
            let connection = try await accepted.take()
            let received = try await connection.receive(1_000 + 2_000_000)
            #expect(received.getSlice(at: 0, length: 1_000) == half)
            #expect(received.getSlice(at: 1_000, length: 2_000_000) == .pattern(2_000_000))
            await dialed.close()
            await connection.close()
        }
    }

    @Test("a visitor that said everything and left before the stream was started is heard to the end")
    func leftEarly() async throws {
        try await withTunnel { engine, client, tunnel in
            let dialed = try await client.dial("private").take()
            try await dialed.send("last words")
            try await dialed.finish()
            let accepted = try await tunnel.next()
            try await engine.waitForAnswers(1)
            let connection = try await accepted.take()
            #expect(try await connection.receiveText() == "last words")
            try await connection.send("goodbye")
            try await connection.finish()
            #expect(try await dialed.receiveText() == "goodbye")
        }
    }

    @Test(
        "everything written before a close arrives, also at a peer that reads late",
        arguments: [true, false],
        [true, false]
    )
    func tail(peerEndedBefore: Bool, closesAll: Bool) async throws {
        try await withTunnel { _, client, tunnel in
            let dialed = try await client.dial("private").take()
            let accepted = try await tunnel.next().take()
            if peerEndedBefore {
                try await dialed.finish()
                _ = try await accepted.receiveAll()
            }
            try await dialed.setReading(false)
            // More than all buffers on the way hold together, so most of it waits in this process when it is closed.
            let bytes = ByteBuffer.pattern(48 * 1_024 * 1_024)
            accepted.channel.writeAndFlush(bytes, promise: nil)
            accepted.channel.close(mode: closesAll ? .all : .output, promise: nil)
            try await dialed.setReading(true)
            #expect(try await dialed.receiveAll(within: testTimeout * 5) == bytes)
            await dialed.close()
            await accepted.close()
        }
    }

    @Test(
        "handlers that are put in place see the channel become active, before the first byte",
        arguments: [true, false]
    )
    func active(dials: Bool) async throws {
        try await withTunnel { _, client, tunnel in
            let seen = Observed<[String]>([])
            let dialed = try await client.dial("private")
            let accepted = try await tunnel.next()
            // What arrives before the start is held.
            let other = dials ? try await accepted.take() : try await dialed.take()
            try await other.send("early")
            let watch: @Sendable (any Channel) throws -> Void = {
                try $0.pipeline.syncOperations.addHandler(EventRecorder(seen))
            }
            if dials { try await dialed.start(watch) } else { try await accepted.start(watch) }
            try await other.finish()
            try await seen.wait(for: "the end") { $0.contains("end") || $0.contains("inactive") }
            #expect(seen.value.prefix(2) == ["active", "read early"])
            #expect(seen.value.count { $0 == "active" } == 1)
            await other.close()
            dialed.channel.close(promise: nil)
            accepted.channel.close(promise: nil)
        }
    }

    @Test("an error while handlers are put in place closes the stream and reaches the caller")
    func configureFails() async throws {
        struct Oops: Error {}
        try await withTunnel { _, client, tunnel in
            let dialed = try await client.dial("private").take()
            let accepted = try await tunnel.next()
            await #expect(throws: Oops.self) { try await accepted.start { _ in throw Oops() } }
            try await dialed.state.wait(for: "the close") { $0.isOver }
            await dialed.close()
        }
    }

    @Test("a redirected stream is dialed where the engine says, and verified by that name")
    func redirect() async throws {
        try await withTunnel(faults: [Fault(.redirect)]) { _, client, tunnel in
            let dialed = try await client.dial("private").take()
            let accepted = try await tunnel.next().take(echo: true)
            try await dialed.send("around the corner")
            #expect(try await dialed.receive(asLongAs: "around the corner") == "around the corner")
            await dialed.close()
            await accepted.close()
        }
    }

    @Test(
        "a request that cannot be served is answered with an error and affects no other",
        arguments: [
            (FaultName.redirectNoSecret, "a redirect without a secret cannot be dialed"),
            (.redirectMalformed, "the redirect's endpoint"),
            (.unknownTunnelID, "the tunnel is not open on this agent"),
        ]
    )
    func refusedRequest(fault: FaultName, text: String) async throws {
        try await withTunnel(faults: [Fault(fault, count: 1)]) { engine, client, tunnel in
            let error = try await failure { _ = try await client.dial("private", zeroRTT: false) }
            #expect(error.engineCode == .serviceUnavailable)
            #expect(error.what.contains(text))
            let dialed = try await client.dial("private").take()
            let accepted = try await tunnel.next().take(echo: true)
            try await dialed.send("hello")
            #expect(try await dialed.receive(asLongAs: "hello") == "hello")
            await dialed.close()
            await accepted.close()
        }
    }

    @Test(
        "a connection that the engine does not take fails its stream only",
        arguments: [FaultName.proxyReset, .proxyWrongMessage, .proxyResponseError, .noSecret]
    )
    func brokenConnection(fault: FaultName) async throws {
        let error = EngineError(code: .invalidStream, message: "injected")
        let value: Fault.Value = fault == .proxyResponseError ? .error(error) : .none
        try await withTunnel(zeroRTT: false, faults: [Fault(fault, value: value, count: 1)]) { engine, client, tunnel in
            let first = try await client.dial("private", zeroRTT: true).take()
            if fault == .noSecret {
                // Without a secret there is nothing to show, and the engine of this test takes that.
                let accepted = try await tunnel.next().take()
                await accepted.close()
            } else {
                try await engine.refusals()
            }
            try await first.state.wait(for: "the end") { $0.isOver }
            await first.close()
            let second = try await client.dial("private").take()
            let accepted = try await tunnel.next().take(echo: true)
            try await second.send("hello")
            #expect(try await second.receive(asLongAs: "hello") == "hello")
            await second.close()
            await accepted.close()
        }
    }

    @Test("a stream without an id ends the channel, because no answer could name it")
    func noID() async throws {
        try await TestEngine.with(.with { $0.faults = [Fault(.emptyStreamID)] }) { engine in
            let client = engine.client()
            let control = try await client.connect()
            _ = try await control.createTunnel(unpublished())
            let dialed = try await client.dial("private").take()
            let error = try await within("the end of the channel") { await control.waitUntilClosed() }
            #expect(error?.code == .protocolViolation)
            await dialed.close()
        }
    }

    @Test("a request that comes twice is served once")
    func duplicate() async throws {
        try await withTunnel(faults: [Fault(.duplicateStreamID)]) { engine, client, tunnel in
            let dialed = try await client.dial("private").take()
            let accepted = try await tunnel.next().take(echo: true)
            try await dialed.send("once")
            #expect(try await dialed.receive(asLongAs: "once") == "once")
            // The second request is ignored, or refused by the engine when the first was answered before it came.
            #expect(try await engine.engine.statistics().relaysTotal == 1)
            await dialed.close()
            await accepted.close()
        }
    }
}
