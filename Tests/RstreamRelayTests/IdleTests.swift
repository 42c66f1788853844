import NIOCore
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("A stream that may not be silent for long", .serialized, .timeLimit(.minutes(1)))
struct IdleTests {
    @Test("is cut once no byte has moved, and not before")
    func silent() async throws {
        // Far longer than an echo takes on a busy machine.
        let timeout = Duration.seconds(3)
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
                #expect(fixture.log.lines("stream idle, cutting it").count == 1)
                #expect(fixture.acceptor.ledger.totals.failed == 0)
            }
        }
    }

    @Test("lives as long as bytes move, in one direction too")
    func busy() async throws {
        let timeout = Duration.seconds(4)
        try await TestServer.with(.manual) { server in
            try await RelayFixture.with(.port(server.port), options: UpstreamOptions(idleTimeout: timeout)) { fixture in
                let visitor = try await fixture.visit()
                let service = try await server.connection()
                let start = ContinuousClock.now
                var count = 0
                // Pauses far shorter than the timeout, for longer than it.
                while start.duration(to: .now) < timeout * 1.5 {
                    try await service.send("x")
                    count += 1
                    _ = try await visitor.receive(count)
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(fixture.acceptor.ledger.snapshots.map(\.state) == [.relaying])
                try await service.finish()
                try await visitor.finish()
                try await fixture.waitForEnds()
                await visitor.close()
            }
        }
    }
}
