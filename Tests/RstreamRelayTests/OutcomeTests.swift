import DevEngine
import NIOCore
import Rstream
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("A stream's outcome", .serialized, .timeLimit(.minutes(1)))
struct OutcomeTests {
    /// What became of the one stream of a tunnel that `body` brings to its end, after its visitor asked something or not.
    private func outcome(
        _ options: UpstreamOptions = UpstreamOptions(),
        asks: Bool = true,
        _ body: (RelayHouse, TestConnection, TestConnection) async throws -> Void
    ) async throws -> (String, String?, Int) {
        try await TestServer.with(.manual) { server in
            var end: LogCapture.Line?
            var totals = StreamTotals()
            try await RelayHouse.with(.port(server.port), options: options) { house in
                let visitor = try await house.visit()
                if asks { try await visitor.send("question") }
                let service = try await server.connection()
                if asks { _ = try await service.receive(8) }
                try await body(house, visitor, service)
                end = try await house.waitForEnds().first
                totals = house.acceptor.ledger.totals
                await visitor.close()
            }
            // It is counted once, under the word that the log has.
            let word = end?.metadata["outcome"] ?? ""
            #expect(totals.ended == StreamOutcome(rawValue: word).map { [$0: 1] })
            return (word, end?.metadata["reason"], totals.failed)
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
        #expect(end == ("upstream_reset", "the upstream broke the connection off", 1))
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
        let cut = try await outcome { house, visitor, _ in
            house.table.cut()
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
        var configuration = DevEngineConfiguration()
        configuration.faults = [Fault(.redirectMalformed)]
        try await TestServer.with(.manual) { server in
            try await RelayHouse.with(.port(server.port), engine: configuration) { house in
                let visitor = try await house.visit()
                try await visitor.state.wait(for: "the end") { $0.isOver }
                try await house.log.wait(for: "stream not opened")
                #expect(house.acceptor.ledger.totals.ended == [.lost: 1])
                #expect(house.acceptor.ledger.totals.failed == 1)
                await visitor.close()
            }
        }
    }

    @Test("of a listener's is that the visitor got no byte, when the tunnel's service cannot be reached")
    func listener() async throws {
        try await TestServer.withDeadPort { port in
            try await RelayHouse.with(.port(port), way: .dial) { house in
                try await ListenerHouse.with(client: house.client) { listener in
                    let local = try await listener.connect()
                    try await local.send("question")
                    try await local.state.wait(for: "the end") { $0.isOver }
                    await local.close()
                    try await listener.log.wait(for: "stream closed")
                    let totals = listener.listener.ledger.totals
                    #expect((totals.total, totals.failed) == (1, 1))
                    #expect(totals.ended.keys.allSatisfy { [.empty, .upstreamFailed].contains($0) })
                }
                #expect(house.acceptor.ledger.totals.ended == [.upstreamFailed: 1])
            }
        }
    }

    @Test("is counted for requests that get no place to be opened in, each once")
    func openingLimit() async throws {
        // The engine is asked to answer nothing, so what is opened stays so.
        var configuration = DevEngineConfiguration()
        configuration.faults = [Fault(.proxyStall)]
        try await TestServer.with(.manual) { server in
            let limits = ClientOptions.Limits(openingStreams: 1, pendingStreams: 1)
            try await RelayHouse.with(.port(server.port), limits: limits, zeroRTT: false, engine: configuration) {
                house in
                var visitors: [TestConnection] = []
                for _ in 0..<5 { visitors.append(try await house.visit()) }
                try await house.log.wait(for: "stream not opened", count: 3)
                let totals = house.acceptor.ledger.totals
                #expect(totals.ended == [.refused: 3])
                #expect(totals.failed == 3)
                // What was being opened, and what waited, ends with the channel.
                house.control.abort()
                try await house.log.wait(for: "stream not opened", count: 5)
                try await house.waitForEnds()
                #expect(house.acceptor.ledger.totals.total == 5)
                #expect(house.acceptor.ledger.totals.ended == [.refused: 3, .lost: 2])
                for visitor in visitors { await visitor.close() }
            }
        }
    }
}
