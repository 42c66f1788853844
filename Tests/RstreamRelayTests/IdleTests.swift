// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("A stream that may not be silent for long", .serialized, .timeLimit(.hang))
struct IdleTests {
    @Test("is cut once no byte has moved, and not before")
    func silent() async throws {
        let timeout = longestStall
        try await TestServer.with { server in
            try await RelayFixture.with(.port(server.port), options: UpstreamOptions(idleTimeout: timeout)) { fixture in
                let visitor = try await fixture.visit()
                let start = ContinuousClock.now
                try await visitor.send("x")
                _ = try await visitor.receive(1)
                let service = try await server.connection()
                try await visitor.waitForReset()
                try await service.waitForReset()
                #expect(start.duration(to: .now) >= timeout)
                try await fixture.waitForEnds()
                #expect(fixture.log.lines("stream idle timeout").count == 1)
                #expect(fixture.acceptor.ledger.totals.failed == 0)
            }
        }
    }

    @Test("lives as long as bytes move, in one direction too")
    func busy() async throws {
        let timeout = longestStall
        try await TestServer.with(.manual) { server in
            try await RelayFixture.with(.port(server.port), options: UpstreamOptions(idleTimeout: timeout)) { fixture in
                let visitor = try await fixture.visit()
                let service = try await server.connection()
                // Pauses far shorter than the timeout, for longer than it.
                let channel = service.channel
                let sending = channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(50)) {
                    _ in
                    channel.writeAndFlush(ByteBuffer(string: "x"), promise: nil)
                }
                defer { sending.cancel() }
                _ = await passes(timeout * 1.1)
                #expect(fixture.acceptor.ledger.snapshots.map(\.state) == [.relaying])
                try await service.finish()
                #expect(try await visitor.receiveAll().readableBytes > 1)
                try await visitor.finish()
                try await fixture.waitForEnds()
                await visitor.close()
            }
        }
    }
}
