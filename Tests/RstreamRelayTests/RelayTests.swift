// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import NIOCore
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("A relayed stream", .serialized, .timeLimit(.hang))
struct RelayTests {
    /// Runs `body` with an upstream of each kind of socket.
    private func withUpstream(
        _ kind: String,
        _ behaviour: TestServer.Behaviour = .manual,
        _ body: (TestServer, UpstreamAddress) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let (place, address): (TestServer.Place, UpstreamAddress?) =
                switch kind {
                case "unix": (.unix(path: path), .unix(path: path))
                case "abstract": (.abstract(name: path), .abstract(name: path))
                default: (.tcp, nil)
                }
            try await TestServer.with(behaviour, at: place) { server in
                try await body(server, address ?? .port(server.port))
            }
        }
    }

    @Test(
        "passes the visitor's end on and keeps the way back open",
        arguments: ["tcp", "unix", "abstract"],
        RelayFixture.Way.allCases
    )
    func visitorEndsFirst(kind: String, way: RelayFixture.Way) async throws {
        try await withUpstream(kind) { server, address in
            try await RelayFixture.with(address, way: way) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("question")
                try await visitor.finish()
                let service = try await server.connection()
                #expect(try await service.receiveText() == "question")
                try await service.send("answer")
                try await service.finish()
                #expect(try await visitor.receiveText() == "answer")
                try await service.waitForClose()
                await visitor.close()
            }
        }
    }

    @Test(
        "passes the service's end on and keeps the way there open",
        arguments: ["tcp", "unix", "abstract"],
        RelayFixture.Way.allCases
    )
    func serviceEndsFirst(kind: String, way: RelayFixture.Way) async throws {
        try await withUpstream(kind) { server, address in
            try await RelayFixture.with(address, way: way) { fixture in
                let visitor = try await fixture.visit()
                let service = try await server.connection()
                try await service.send("greeting")
                try await service.finish()
                #expect(try await visitor.receiveText() == "greeting")
                try await visitor.send("late question")
                try await visitor.finish()
                #expect(try await service.receiveText() == "late question")
                try await service.waitForClose()
                await visitor.close()
            }
        }
    }

    @Test(
        "delivers what a service says that is gone at once",
        arguments: ["tcp", "unix", "abstract"],
        [1, 100_000]
    )
    func partingWords(kind: String, length: Int) async throws {
        let words = String(repeating: "x", count: length)
        try await withUpstream(kind, .sendAndClose(words)) { _, address in
            try await RelayFixture.with(address) { fixture in
                for number in 1...10 {
                    let visitor = try await fixture.visit()
                    #expect(try await visitor.receiveText() == words)
                    await visitor.close()
                    try await fixture.waitForEnds(number)
                }
                let totals = fixture.acceptor.ledger.totals
                #expect((totals.total, totals.failed, totals.sent) == (10, 0, 10 * length))
            }
        }
    }

    @Test("counts the bytes of both directions")
    func counters() async throws {
        try await withUpstream("tcp") { server, address in
            try await RelayFixture.with(address) { fixture in
                let visitor = try await fixture.visit()
                let service = try await server.connection()
                try await visitor.send(.pattern(100_000))
                try await visitor.finish()
                #expect(try await service.receiveAll() == .pattern(100_000))
                try await service.send(.pattern(70_001))
                try await service.finish()
                #expect(try await visitor.receiveAll() == .pattern(70_001))
                let line = try #require(try await fixture.waitForEnds().first)
                #expect(line.metadata["received"] == "100000")
                #expect(line.metadata["sent"] == "70001")
                #expect(line.metadata["source"] == "127.0.0.1")
                #expect(line.level == .debug)
                await visitor.close()
            }
        }
    }

    @Test("that is reset by the visitor is reset at the service")
    func visitorResets() async throws {
        try await withUpstream("tcp") { server, address in
            try await RelayFixture.with(address) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("x")
                let service = try await server.connection()
                _ = try await service.receive(1)
                await visitor.reset()
                try await service.waitForReset()
            }
        }
    }

    @Test("that is reset by the service is reset at the visitor")
    func serviceResets() async throws {
        try await withUpstream("tcp") { server, address in
            try await RelayFixture.with(address) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("x")
                let service = try await server.connection()
                _ = try await service.receive(1)
                await service.reset()
                try await visitor.waitForReset()
            }
        }
    }

    @Test("delivers the whole answer of a service that closes while the visitor still sends")
    func answerAndClose() async throws {
        try await withUpstream("tcp", .silent) { server, address in
            try await RelayFixture.with(address) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send(.pattern(100_000))
                let service = try await server.connection()
                try await service.send(.pattern(1_000_000))
                // The service has not read what the visitor said, so its close is a reset right behind the answer.
                try await service.finish()
                #expect(try await visitor.receive(1_000_000) == .pattern(1_000_000))
                await service.close()
                await visitor.close()
            }
        }
    }

    @Test("ends at both sides when it is cut, with a reset")
    func cut() async throws {
        try await withUpstream("tcp") { server, address in
            try await RelayFixture.with(address) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("x")
                let service = try await server.connection()
                _ = try await service.receive(1)
                #expect(fixture.table.activeCount == 1)
                fixture.table.cut()
                try await service.waitForReset()
                try await visitor.waitForReset()
                try await fixture.waitForEnds()
                #expect(fixture.table.activeCount == 0)
            }
        }
    }
}
