// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The end of a control channel", .serialized, .timeLimit(.hang))
struct ControlChannelEndTests {
    @Test(
        "an engine that falls silent, breaks the protocol or goes away ends the channel with the cause",
        arguments: [
            (Fault(.silence), RstreamError.Code.controlLiveness),
            (Fault(.ackZero), .protocolViolation),
            (Fault(.ackFuture), .protocolViolation),
            (Fault(.ackReplay), .protocolViolation),
            (Fault(.ackSequence), .protocolViolation),
            (Fault(.garbageFrame), .protocolViolation),
            (Fault(.oversizedFrame), .frameTooLarge),
            (Fault(.dropControl, value: .number(1)), .engineUnreachable),
            (Fault(.closeChannelResponse, value: .number(1)), .controlClosed),
        ]
    )
    func ends(fault: Fault, code: RstreamError.Code) async throws {
        // Short only where the engine falls silent.
        let liveness = fault.name == .silence ? TimeAmount.seconds(1) : DevEngineConfiguration.patient.livenessTimeout
        try await TestEngine.with(.with { $0.livenessTimeout = liveness }) { engine in
            await engine.engine.setFaults([fault])
            let control = try await engine.client { $0.heartbeatInterval = .seconds(1) }.connect()
            let error = try await within("the end of the channel") { await control.waitUntilClosed() }
            #expect(error?.code == code)
            #expect(error?.retry == .afterBackoff)
            // Whoever asks for a tunnel afterwards learns the same, and that another channel may help.
            #expect(try await failure { _ = try await control.createTunnel(unpublished()) } == error)
            try await engine.waitUntilDeserted()
        }
    }

    @Test("an engine that acknowledges late or seldom, but in time, keeps the channel")
    func lateAcknowledgements() async throws {
        try await TestEngine.with(.with { $0.livenessTimeout = TimeAmount(longestStall) }) { engine in
            await engine.engine.setFaults([Fault(.ackDelay, value: .number(200)), Fault(.ackSkip, value: .number(2))])
            let control = try await engine.client { $0.heartbeatInterval = .seconds(1) }.connect()
            // One a second: the channel outlives the timeout.
            let heartbeats = Int(longestStall.components.seconds) + 2
            try await engine.engine.wait(for: .seconds(120)) { $0.heartbeatsTotal >= heartbeats }
            _ = try await control.createTunnel(unpublished())
            await control.close()
        }
    }

    @Test(
        "frames that are not known or not expected are ignored",
        arguments: [FaultName.unknownKind, .emptyFrame, .serverMessage, .unexpectedKind, .tunnelUnknownRequest]
    )
    func ignored(fault: FaultName) async throws {
        try await TestEngine.with { engine in
            await engine.engine.setFaults([Fault(fault)])
            let control = try await engine.client().connect()
            _ = try await control.createTunnel(unpublished())
            await control.close()
            #expect(await control.waitUntilClosed() == nil)
        }
    }

    @Test("a message for a human is logged")
    func serverMessage() async throws {
        try await TestEngine.with { engine in
            await engine.engine.setFaults([Fault(.serverMessage)])
            let log = LogCapture()
            let control = try await engine.client(logger: log.logger).connect()
            let line = try await log.wait(for: "message from the engine").last
            #expect(line?.level == .notice)
            #expect(line?.metadata["text"] == "Hello from the development engine.")
            await control.close()
        }
    }

    @Test("the loss of the channel ends its tunnels with the cause and leaves accepted streams alone")
    func preservation() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let control = try await client.connect()
            let tunnel = try await control.createTunnel(unpublished())
            let dialed = try await client.dial("private").take()
            let accepted = try await tunnel.next().take(echo: true)
            try await dialed.send("before")
            #expect(try await dialed.receive(asLongAs: "before") == "before")

            await engine.engine.dropControlChannels()
            let cause = try await within("the end of the tunnel") { await tunnel.waitUntilClosed() }
            #expect(cause?.code == .engineUnreachable)
            #expect(await control.waitUntilClosed() == cause)
            var streams = tunnel.streams.makeAsyncIterator()
            #expect(await streams.next() == nil)

            try await dialed.send(" after")
            #expect(try await dialed.receive(asLongAs: "before after") == "before after")
            try await dialed.finish()
            #expect(try await accepted.receiveText() == "before after")
            try await dialed.waitForClose()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("closing the channel closes its tunnels without an error, and streams that were not accepted")
    func orderly() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let control = try await client.connect()
            let tunnel = try await control.createTunnel(unpublished())
            let dialed = try await client.dial("private").take()
            try await engine.waitForAnswers(1)
            await control.close()
            #expect(await control.waitUntilClosed() == nil)
            try await dialed.state.wait(for: "the close of the stream") { $0.isOver }
            await dialed.close()
            var streams = tunnel.streams.makeAsyncIterator()
            #expect(await streams.next() == nil)
            try await engine.waitUntilDeserted()
        }
    }

    @Test("closing does not wait for ever for an engine that does not answer")
    func closeTimeout() async throws {
        try await TestEngine.with { engine in
            await engine.engine.setFaults([Fault(.stallReads)])
            let control = try await engine.client { $0.timeouts.close = .milliseconds(50) }.connect()
            try await within("the close") { await control.close() }
            #expect(await control.waitUntilClosed() == nil)
        }
    }

    @Test("a channel that was closed or aborted opens no tunnel, and never will", arguments: [true, false])
    func over(inOrder: Bool) async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let tunnel = try await control.createTunnel(unpublished())
            if inOrder { await control.close() } else { control.abort() }
            // Both were asked for.
            #expect(await control.waitUntilClosed() == nil)
            _ = try await within("the tunnel's end") { await tunnel.waitUntilClosed() }
            let error = try await failure { _ = try await control.createTunnel(unpublished("another")) }
            #expect(error.code == .controlClosed)
            #expect(error.retry == .never)
            try await engine.waitUntilDeserted()
        }
    }

    @Test("an abort does not wait for an engine that takes nothing")
    func abort() async throws {
        try await TestEngine.with { engine in
            await engine.engine.setFaults([Fault(.stallReads)])
            let control = try await engine.client { $0.timeouts.close = .seconds(60) }.connect()
            control.abort()
            #expect(try await within("the end") { await control.waitUntilClosed() } == nil)
        }
    }

    @Test("closing twice, and closing what is lost already, return")
    func closeTwice() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            try await within("both closes") {
                async let first: Void = control.close()
                async let second: Void = control.close()
                _ = await (first, second)
                await control.close()
            }
        }
    }
}
