// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamSocket
import RstreamTestSupport
import Testing

@Suite("A stream that may wait for its upstream", .serialized, .timeLimit(.hang))
struct HoldTests {
    private static let patient = UpstreamOptions(holdTimeout: .seconds(600))

    @Test("is served once the missing service is there, with all that its visitor said meanwhile")
    func missing() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await RelayFixture.with(.unix(path: path), options: Self.patient) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("question")
                let held = try await fixture.heldStream()
                #expect(held.received == 0)
                try await TestServer.with(at: .unix(path: path)) { _ in
                    #expect(try await visitor.receive(asLongAs: "question") == "question")
                    #expect(fixture.acceptor.ledger.snapshots.map(\.state) == [.relaying])
                    try await visitor.finish()
                    try await fixture.waitForEnds()
                }
                #expect(fixture.log.lines("upstream unreachable").count == 1)
                #expect(fixture.log.lines("upstream reachable again").count == 1)
                #expect(fixture.log.lines("upstream dial failed").isEmpty)
                #expect(fixture.acceptor.ledger.totals.failed == 0)
                await visitor.close()
            }
        }
    }

    @Test("is served once a service that did not keep up with its connections does", arguments: [true, false])
    func fullQueue(isAbstract: Bool) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let upstream = isAbstract ? UpstreamAddress.abstract(name: path) : .unix(path: path)
            try await TestServer.withFullQueue(at: upstream) { listener in
                try await RelayFixture.with(upstream, options: Self.patient) { fixture in
                    let visitor = try await fixture.visit()
                    try await visitor.send("question")
                    try await fixture.heldStream()
                    let outage = try #require(fixture.log.lines("upstream unreachable").first)
                    #expect(outage.metadata["error"]?.hasSuffix("its queue of new connections is full") == true)
                    try await TestServer.with(at: .bound(listener)) { _ in
                        #expect(try await visitor.receive(asLongAs: "question") == "question")
                        try await visitor.finish()
                        try await fixture.waitForEnds()
                    }
                    await visitor.close()
                }
            }
        }
    }

    @Test("is closed when its time is over")
    func tooLong() async throws {
        try await TestServer.withDeadPort { port in
            let options = UpstreamOptions(holdTimeout: .milliseconds(300))
            try await RelayFixture.with(.port(port), options: options) { fixture in
                let start = ContinuousClock.now
                let visitor = try await fixture.visit()
                try await visitor.state.wait(for: "the end") { $0.isOver }
                #expect(start.duration(to: .now) >= .milliseconds(300))
                #expect(fixture.log.lines("upstream dial failed").count == 1)
                #expect(fixture.log.lines("upstream unreachable").count == 1)
                try await fixture.waitForEnds()
                #expect(fixture.acceptor.ledger.totals.failed == 1)
                await visitor.close()
            }
        }
    }

    @Test(
        "ends when its visitor leaves, which is no failure",
        arguments: RelayFixture.Way.allCases,
        [true, false]
    )
    func visitorLeaves(way: RelayFixture.Way, isTaken: Bool) async throws {
        try await TestServer.withDeadPort { port in
            try await RelayFixture.with(.port(port), way: way, options: Self.patient) { fixture in
                let visitor = try await fixture.visit()
                try await fixture.heldStream()
                if isTaken { try await fixture.engine.waitForAnswers(1) }
                await visitor.reset()
                try await fixture.waitForEnds()
                #expect(fixture.acceptor.ledger.totals.failed == 0)
            }
        }
    }

    @Test("ends when its visitor resets after it has said that it is done", arguments: [true, false])
    func doneThenReset(isTaken: Bool) async throws {
        try await TestServer.withDeadPort { port in
            try await RelayFixture.with(.port(port), options: Self.patient) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("question")
                try await visitor.finish()
                try await fixture.heldStream()
                if isTaken { try await fixture.engine.waitForAnswers(1) }
                await visitor.reset()
                try await fixture.waitForEnds()
                #expect(fixture.acceptor.ledger.totals.ended == [.visitorReset: 1])
            }
        }
    }

    @Test("can be cut while it waits, and before the engine was told that it is taken")
    func cut() async throws {
        try await TestServer.withDeadPort { port in
            try await RelayFixture.with(.port(port), options: Self.patient) { fixture in
                let visitor = try await fixture.visit()
                let stream = try await fixture.heldStream()
                try await fixture.engine.waitForAnswers(1)
                #expect(fixture.table.cut(stream.id))
                try await visitor.waitForReset()
                try await fixture.waitForEnds()
                #expect(!fixture.table.cut(stream.id))
            }
            try await RelayFixture.with(.port(port), options: Self.patient, requestDelay: .seconds(600)) { fixture in
                let visitor = try await fixture.visit()
                let stream = try await fixture.heldStream()
                #expect(fixture.table.cut(stream.id))
                #expect(try await fixture.engine.refusals() == ["the stream was cut"])
                try await visitor.state.wait(for: "the end") { $0.isOver }
                try await fixture.waitForEnds()
                #expect(fixture.acceptor.ledger.totals.ended == [.cut: 1])
                await visitor.close()
            }
        }
    }

    @Test("does not take in what its visitor sends meanwhile")
    func bounded() async throws {
        try await TestServer.withDeadPort { port in
            try await RelayFixture.with(.port(port), options: Self.patient) { fixture in
                let visitor = try await fixture.visit()
                try await fixture.heldStream()
                let transfer = 96 * 1_024 * 1_024
                let sent = visitor.pump(transfer)
                try await sent.wait(for: "the first bytes to be taken") { $0 > 0 }
                // Whoever is taken in has carried as much meanwhile.
                try await fixture.carry(transfer)
                // The kernel's buffers on the way, and the engine's.
                #expect(sent.value < 40 * 1_024 * 1_024)
                #expect(fixture.acceptor.ledger.snapshots.map(\.received) == [0])
                await visitor.reset()
            }
        }
    }

    @Test("does not wait when the service may not be used")
    func notPermitted() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestServer.with(at: .unix(path: path)) { _ in
                let nobody = UnixSocketRule(owners: [], directories: [])
                try await RelayFixture.with(.unix(path: path), options: Self.patient, unixSockets: nobody) { fixture in
                    let visitor = try await fixture.visit()
                    try await visitor.state.wait(for: "the end") { $0.isOver }
                    let line = try #require(fixture.log.lines("upstream dial failed").first)
                    #expect(line.metadata["error"]?.contains("belongs to another user") == true)
                    await visitor.close()
                }
            }
        }
    }
}
