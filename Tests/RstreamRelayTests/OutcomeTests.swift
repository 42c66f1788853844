// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("A stream's outcome", .serialized, .timeLimit(.hang))
struct OutcomeTests {
    /// What became of the one stream of a tunnel that `body` brings to its end, after its visitor asked something or not.
    private func outcome(
        _ options: UpstreamOptions = UpstreamOptions(),
        asks: Bool = true,
        _ body: (RelayFixture, TestConnection, TestConnection) async throws -> Void
    ) async throws -> (String, String?, Int) {
        try await TestServer.with(.manual) { server in
            var end: LogCapture.Line?
            var totals = StreamTotals()
            try await RelayFixture.with(.port(server.port), options: options) { fixture in
                let visitor = try await fixture.visit()
                if asks { try await visitor.send("question") }
                let service = try await server.connection()
                if asks { _ = try await service.receive(8) }
                try await body(fixture, visitor, service)
                end = try await fixture.waitForEnds().first
                totals = fixture.acceptor.ledger.totals
                await visitor.close()
            }
            // It is counted once, under the word that the log has.
            let word = end?.metadata["outcome"] ?? ""
            #expect(totals.ended == StreamOutcome(rawValue: word).map { [$0: 1] })
            return (word, end?.metadata["error"], totals.failed)
        }
    }

    @Test("is completed when both sides have ended in order")
    func completed() async throws {
        let end = try await outcome { _, visitor, service in
            try await service.send("answer")
            try await service.finish()
            _ = try await visitor.receive(6)
            try await visitor.finish()
        }
        #expect(end == ("completed", nil, 0))
    }

    @Test("is that its service reset it, in mid-answer and before the first byte", arguments: ["", "answ"])
    func upstreamReset(begun: String) async throws {
        let end = try await outcome { _, visitor, service in
            if !begun.isEmpty {
                try await service.send(begun)
                _ = try await visitor.receive(begun.utf8.count)
            }
            await service.reset()
            try await visitor.waitForReset()
        }
        #expect(end == ("upstream_reset", "the upstream reset the connection", 1))
    }

    @Test("is that it got no byte, when its service ends without one")
    func empty() async throws {
        let end = try await outcome { _, visitor, service in
            try await service.finish()
            try await visitor.state.wait(for: "the end") { $0.isOver }
            try await visitor.finish()
        }
        #expect(end == ("empty", "the upstream ended the connection without a byte", 1))
    }

    @Test("is that its visitor reset it, which is no failure")
    func visitorReset() async throws {
        let end = try await outcome { _, visitor, service in
            await visitor.reset()
            try await service.waitForReset()
        }
        #expect(end == ("visitor_reset", nil, 0))
    }

    @Test("is that it was cut, or silent for too long")
    func ended() async throws {
        let cut = try await outcome { fixture, visitor, _ in
            fixture.table.cut()
            try await visitor.waitForReset()
        }
        #expect(cut == ("cut", "the stream was cut", 0))
        let idle = try await outcome(UpstreamOptions(idleTimeout: .milliseconds(50)), asks: false) { _, visitor, _ in
            try await visitor.waitForReset()
        }
        #expect(idle == ("idle", "the stream was silent for longer than its idleTimeout", 0))
    }

    @Test("is that the engine's connection was not to be had")
    func lost() async throws {
        var configuration = DevEngineConfiguration.patient
        configuration.faults = [Fault(.redirectMalformed)]
        try await TestServer.with(.manual) { server in
            try await RelayFixture.with(.port(server.port), engine: configuration) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.state.wait(for: "the end") { $0.isOver }
                try await fixture.log.wait(for: "stream not opened")
                #expect(fixture.acceptor.ledger.totals.ended == [.lost: 1])
                #expect(fixture.acceptor.ledger.totals.failed == 1)
                await visitor.close()
            }
        }
    }

    @Test("of a listener's is that the visitor got no byte, when the tunnel's service cannot be reached")
    func listener() async throws {
        try await TestServer.withDeadPort { port in
            try await RelayFixture.with(.port(port), way: .dial) { fixture in
                try await ListenerFixture.with(client: fixture.client) { listener in
                    let local = try await listener.connect()
                    try await local.send("question")
                    try await local.state.wait(for: "the end") { $0.isOver }
                    await local.close()
                    try await listener.log.wait(for: "stream closed")
                    let totals = listener.listener.ledger.totals
                    #expect((totals.total, totals.failed) == (1, 1))
                    #expect(totals.ended.keys.allSatisfy { [.empty, .upstreamFailed].contains($0) })
                }
                #expect(fixture.acceptor.ledger.totals.ended == [.upstreamFailed: 1])
            }
        }
    }

    @Test("is counted for requests that get no place to be opened in, each once")
    func openingLimit() async throws {
        // The engine is asked to answer nothing, so what is opened stays so.
        var configuration = DevEngineConfiguration.patient
        configuration.faults = [Fault(.proxyStall)]
        try await TestServer.with(.manual) { server in
            let limits = RstreamClientOptions.Limits(openingStreams: 1, pendingStreams: 1)
            try await RelayFixture.with(.port(server.port), limits: limits, zeroRTT: false, engine: configuration) {
                fixture in
                var visitors: [TestConnection] = []
                for _ in 0..<5 { visitors.append(try await fixture.visit()) }
                try await fixture.log.wait(for: "stream not opened", count: 3)
                let totals = fixture.acceptor.ledger.totals
                #expect(totals.ended == [.refused: 3])
                #expect(totals.failed == 3)
                // What was being opened, and what waited, ends with the channel.
                fixture.control.abort()
                try await fixture.log.wait(for: "stream not opened", count: 5)
                // Those that had no place too.
                let ends = try await fixture.waitForEnds(5)
                #expect(ends.map { $0.metadata["outcome"] } == ["refused", "refused", "refused", "lost", "lost"])
                #expect(fixture.acceptor.ledger.totals.total == 5)
                #expect(fixture.acceptor.ledger.totals.ended == [.refused: 3, .lost: 2])
                for visitor in visitors { await visitor.close() }
            }
        }
    }
}
