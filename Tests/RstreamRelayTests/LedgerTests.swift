// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("The ledger of a tunnel's streams", .serialized, .timeLimit(.hang))
struct LedgerTests {
    @Test("counts bytes while they flow and keeps them when the stream is over")
    func bytes() async throws {
        try await TestServer.with(.manual) { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let ledger = fixture.acceptor.ledger
                let visitor = try await fixture.visit()
                let service = try await server.connection()
                try await visitor.send(.pattern(3_000))
                _ = try await service.receive(3_000)
                try await service.send(.pattern(500))
                _ = try await visitor.receive(500)
                let stream = try #require(ledger.snapshots.first)
                #expect((stream.received, stream.sent) == (3_000, 500))
                #expect(stream.state == .relaying)
                #expect(stream.origin.source == IPAddress("127.0.0.1"))
                #expect(stream.origin.engineID?.isEmpty == false)
                let open = ledger.totals
                #expect((open.active, open.total, open.failed) == (1, 1, 0))
                #expect((open.received, open.sent) == (3_000, 500))
                try await visitor.finish()
                try await service.finish()
                try await fixture.waitForEnds()
                let closed = ledger.totals
                #expect((closed.active, closed.total, closed.failed) == (0, 1, 0))
                #expect((closed.received, closed.sent) == (3_000, 500))
                #expect(ledger.snapshots.isEmpty)
                await visitor.close()
            }
        }
    }

    @Test("has a limit of its own, which can be raised while the tunnel is open")
    func limit() async throws {
        try await TestServer.with { server in
            try await RelayFixture.with(.port(server.port), streamLimit: 1) { fixture in
                let first = try await fixture.visit()
                try await first.send("x")
                _ = try await first.receive(1)
                let second = try await fixture.visit()
                try await second.state.wait(for: "the end") { $0.isOver }
                #expect(try await fixture.engine.refusals() == ["the tunnel has reached its limit of streams"])
                #expect(fixture.table.activeCount == 1)
                let totals = fixture.acceptor.ledger.totals
                #expect((totals.active, totals.total, totals.failed) == (1, 2, 1))
                #expect(totals.refused == [.ownLimit: 1])
                _ = fixture.acceptor.update(Upstream(address: .port(server.port)), streamLimit: 2)
                let third = try await fixture.visit()
                try await third.send("y")
                #expect(try await third.receive(asLongAs: "y") == "y")
                for visitor in [first, second, third] { await visitor.close() }
            }
        }
    }

    @Test("counts each refusal under one reason, and a limit's as that of the limit")
    func refusals() {
        let ledger = StreamLedger()
        let error = RstreamError.refusedStream("no", fix: nil)
        for (count, reason) in zip(1..., RefusalReason.allCases) {
            for _ in 0..<count { ledger.streamRefused(StreamOrigin(), .refused, error, because: reason) }
        }
        ledger.streamRefused(StreamOrigin(), .lost, error)
        let totals = ledger.totals
        #expect(totals.refused == [.daemonLimit: 1, .ownLimit: 2, .openingLimit: 3, .stopping: 4])
        #expect(totals.ended[.refused] == totals.refused.values.reduce(0, +))
        #expect(RefusalReason.allCases.map(\.limit) == [.daemon, .owner, .owner, nil])
        let admissions: [StreamTable.Admission] = [.taken(id: 1), .full, .tunnelFull, .listenerFull, .stopping]
        #expect(admissions.map(\.reason) == [nil, .daemonLimit, .ownLimit, .ownLimit, .stopping])
        #expect(admissions.map { ($0.reason == nil) == ($0.error == nil) } == [true, true, true, true, true])
    }

    @Test("knows when a stream was opened, by the clock on the wall")
    func openedAt() async throws {
        try await TestServer.with { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let before = UTCTime(sinceEpoch: .seconds(time(nil)))
                let visitor = try await fixture.visit()
                try await visitor.send("x")
                _ = try await visitor.receive(1)
                let opened = try #require(fixture.acceptor.ledger.snapshots.first?.openedAt)
                let now = UTCTime(sinceEpoch: .seconds(time(nil)))
                #expect(opened >= before)
                #expect(opened <= now.advanced(by: .seconds(1)))
                await visitor.close()
            }
        }
    }
}

@Suite("A changed upstream", .serialized, .timeLimit(.hang))
struct RetireTests {
    /// One visitor of the tunnel who is being served.
    private func served(_ fixture: RelayFixture) async throws -> TestConnection {
        let visitor = try await fixture.visit()
        try await visitor.send("x")
        _ = try await visitor.receive(1)
        return visitor
    }

    @Test("gets the streams that come, and leaves those that are there alone")
    func update() async throws {
        try await TestServer.with { old in
            try await TestServer.with { new in
                try await RelayFixture.with(.port(old.port)) { fixture in
                    let first = try await served(fixture)
                    _ = fixture.acceptor.update(Upstream(address: .port(new.port)), streamLimit: 0)
                    let second = try await served(fixture)
                    #expect(old.connections.value.count == 1)
                    #expect(new.connections.value.count == 1)
                    try await first.send("y")
                    #expect(try await first.receive(asLongAs: "xy") == "xy")
                    for visitor in [first, second] { await visitor.close() }
                }
            }
        }
    }

    @Test("has its old streams set apart: they drain, and those that come later are not among them")
    func drain() async throws {
        try await TestServer.with { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let first = try await served(fixture)
                let retired = fixture.acceptor.retire()
                let second = try await served(fixture)
                #expect(retired.count == 1)
                #expect(fixture.acceptor.ledger.snapshots.map(\.state) == [.draining, .relaying])
                #expect(fixture.acceptor.activeStreams == 2)
                let ended = Observed(false)
                let waiting = Task {
                    await retired.waitUntilEnded()
                    ended.change { $0 = true }
                }
                try await second.finish()
                try await fixture.waitForEnds()
                #expect(!ended.value)
                try await first.finish()
                try await ended.wait(for: "the old streams' end") { $0 }
                await waiting.value
                #expect(retired.count == 0)
                for visitor in [first, second] { await visitor.close() }
            }
        }
    }

    @Test("can have its old streams cut, and only those")
    func cut() async throws {
        try await TestServer.with { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let first = try await served(fixture)
                let retired = fixture.acceptor.retire()
                let second = try await served(fixture)
                retired.cut()
                try await first.waitForReset()
                try await within("the cut streams' end") { await retired.waitUntilEnded() }
                try await second.send("y")
                #expect(try await second.receive(asLongAs: "xy") == "xy")
                await second.close()
            }
        }
    }

    @Test("can let its old streams continue: they are not cut, and are shown so unless another change ends them")
    func release() async throws {
        try await TestServer.with { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let first = try await served(fixture)
                let retired = [fixture.acceptor.retire(), fixture.acceptor.retire()]
                let states = { fixture.acceptor.ledger.snapshots.map(\.state) }
                for (streams, state) in zip(retired, [StreamState.draining, .relaying]) {
                    let waiting = Task { await streams.waitUntilEnded() }
                    streams.release()
                    try await within("the end of the wait") { await waiting.value }
                    #expect(streams.count == 0)
                    #expect(states() == [state])
                    streams.cut()
                }
                try await first.send("y")
                #expect(try await first.receive(asLongAs: "xy") == "xy")
                await first.close()
            }
        }
    }

    @Test("can be changed twice while a stream of the first time runs")
    func twice() async throws {
        try await TestServer.with { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let first = try await served(fixture)
                let retired = [fixture.acceptor.retire(), fixture.acceptor.retire()]
                #expect(retired.map(\.count) == [1, 1])
                try await first.finish()
                try await within("the end for both") { for streams in retired { await streams.waitUntilEnded() } }
                await first.close()
            }
        }
    }

    @Test("is not waited for by a task that was cancelled, before or while it waits")
    func cancelled() async throws {
        try await TestServer.with { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let first = try await served(fixture)
                let retired = fixture.acceptor.retire()
                let early = Task {
                    withUnsafeCurrentTask { $0?.cancel() }
                    await retired.waitUntilEnded()
                }
                try await within("the end of the wait that was over before") { await early.value }
                let late = Task { await retired.waitUntilEnded() }
                late.cancel()
                try await within("the end of the wait") { await late.value }
                #expect(retired.count == 1)
                await first.close()
            }
        }
    }

    @Test("leaves no unused set of old streams, however often it is changed")
    func keptStreams() async throws {
        try await TestServer.with { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let first = try await served(fixture)
                for _ in 0..<100 { _ = fixture.acceptor.update(Upstream(address: .port(server.port)), streamLimit: 0) }
                #expect(fixture.acceptor.ledger.drainingSets == 0)
                let retired = fixture.acceptor.retire()
                #expect(fixture.acceptor.ledger.drainingSets == 1)
                #expect(retired.count == 1)
                await first.close()
            }
        }
    }

    @Test("that has no streams is not waited for")
    func none() async throws {
        try await RelayFixture.with(.port(1)) { fixture in
            let retired = fixture.acceptor.retire()
            #expect(retired.count == 0)
            try await within("the end") { await retired.waitUntilEnded() }
        }
    }
}
