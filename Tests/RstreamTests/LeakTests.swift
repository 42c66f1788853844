// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Every ending leaves nothing in memory", .serialized, .timeLimit(.hang))
struct LeakTests {
    /// How a session with one tunnel and one stream ends.
    enum Way: String, CaseIterable {
        case closedInOrder, tunnelClosedFirst, aborted, lostByTheEngine
        case streamReset, streamNeverTaken, streamNeverStarted
        case callersCancelled
    }

    @Test("of a session, its tunnel and its streams", arguments: Way.allCases)
    func session(way: Way) async throws {
        try await TestEngine.with { engine in
            let leaks = Leaks()
            try await use(engine, way, leaks)
            try await leaks.expectNone()
            #expect(leaks.count >= 5)
            try await engine.waitUntilDeserted()
        }
    }

    /// Nothing that this made is referred to when it returns.
    private func use(_ engine: TestEngine, _ way: Way, _ leaks: Leaks) async throws {
        let client = engine.client()
        let control = try await client.connect()
        let tunnel = try await control.createTunnel(unpublished())
        leaks.watch(client, "the client")
        leaks.watch(control, "the control channel")
        leaks.watch(tunnel, "the tunnel")
        leaks.watch(tunnel.streams.queue, "the queue")
        let stream = try await client.dial("private")
        leaks.watch(stream.channel, "the dialed stream")
        if way == .streamNeverTaken {
            try await engine.waitForAnswers(1)
        } else {
            let accepted = try await tunnel.next()
            leaks.watch(accepted.channel, "the accepted stream")
            if way == .streamNeverStarted {
                accepted.channel.close(promise: nil)
            } else {
                try await exchange(stream, accepted, way)
            }
        }
        switch way {
        case .closedInOrder, .streamReset, .streamNeverTaken, .streamNeverStarted: await control.close()
        case .tunnelClosedFirst:
            await tunnel.close()
            await control.close()
        case .aborted: control.abort()
        case .lostByTheEngine: await engine.engine.dropControlChannels()
        case .callersCancelled:
            for call in [
                Task { _ = await control.waitUntilClosed() }, Task { _ = await tunnel.waitUntilClosed() },
                Task { _ = try? await control.createTunnel(unpublished("another")) },
                Task { for await _ in tunnel.streams {} }, Task { _ = try? await client.dial("private") },
            ] {
                call.cancel()
                await call.value
            }
            await control.close()
        }
        _ = await control.waitUntilClosed()
        stream.channel.close(promise: nil)
    }

    private func exchange(_ stream: RstreamDialedStream, _ accepted: RstreamAcceptedStream, _ way: Way) async throws {
        let dialed = try await stream.take()
        let echo = try await accepted.take(echo: true)
        try await dialed.send("hello")
        #expect(try await dialed.receive(asLongAs: "hello") == "hello")
        if way == .streamReset {
            await dialed.reset()
        } else {
            try await dialed.finish()
        }
        try await echo.state.wait(for: "the end") { $0.isOver }
        await echo.close()
    }

    @Test("of a call that fails", arguments: ["refused", "unauthorized", "no tunnel"])
    func failures(what: String) async throws {
        try await TestEngine.with { engine in
            let leaks = Leaks()
            func fail() async throws {
                let client = engine.client {
                    if what == "unauthorized" { $0.credential = .token(Secret("wrong")) }
                }
                leaks.watch(client, "the client")
                if what == "refused" { await engine.engine.setFaults([Fault(.closeOnOpen)]) }
                if what == "no tunnel" {
                    _ = try await failure { _ = try await client.dial("nobody", zeroRTT: false) }
                } else {
                    _ = try await failure { _ = try await client.connect() }
                }
            }
            try await fail()
            try await leaks.expectNone()
            try await engine.waitUntilDeserted()
        }
    }
}
