// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("Back pressure and tails", .serialized, .timeLimit(.hang))
struct PressureTests {
    /// What a stream may hold in all places together while its reader does not read. Most of it is the kernel's:
    /// three connections are between visitor and service. Without back pressure it would be the whole transfer.
    private static let held = 64 * 1_024 * 1_024
    private static let transfer = 96 * 1_024 * 1_024
    /// For a transfer as a whole.
    private static let transferTimeout = testTimeout * 5
    /// More than the kernel holds behind the agent, so that the agent itself has some of it when it hears of the end.
    private static let tail = 24 * 1_024 * 1_024

    /// Waits until a writer is likely to make no progress any more, for tests that are about what comes then.
    private func stall(of accepted: Observed<Int>) async throws -> Int {
        try await accepted.wait(for: "the first bytes to be taken") { $0 > 0 }
        var last = 0
        while last != accepted.value {
            last = accepted.value
            // Too short a pause would make the result too small, never wrong.
            let now = last
            _ = try? await accepted.wait(for: "progress", within: .milliseconds(300)) { $0 > now }
        }
        return last
    }

    @Test("a service that does not read stops its visitor", arguments: RelayFixture.Way.allCases)
    func slowService(way: RelayFixture.Way) async throws {
        try await TestServer.with(.silent) { server in
            try await RelayFixture.with(.port(server.port), way: way) { fixture in
                let visitor = try await fixture.visit()
                let service = try await server.connection()
                let sent = visitor.pump(Self.transfer)
                // Whoever is not stopped has carried as much meanwhile.
                try await fixture.carry(Self.transfer)
                #expect(sent.value < Self.held)
                try await service.setReading(true)
                try await sent.wait(for: "the whole transfer", within: Self.transferTimeout) { $0 == Self.transfer }
                try await visitor.finish()
                #expect(try await service.receiveAll(within: Self.transferTimeout) == .pattern(Self.transfer))
                try await service.finish()
                await visitor.close()
            }
        }
    }

    @Test("a visitor that does not read stops its service")
    func slowVisitor() async throws {
        try await TestServer.with(.manual) { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let visitor = try await fixture.visit(reads: false)
                let service = try await server.connection()
                let sent = service.pump(Self.transfer)
                // Whoever is not stopped has carried as much meanwhile.
                try await fixture.carry(Self.transfer)
                #expect(sent.value < Self.held)
                try await visitor.setReading(true)
                try await sent.wait(for: "the whole transfer", within: Self.transferTimeout) { $0 == Self.transfer }
                try await service.finish()
                #expect(try await visitor.receiveAll(within: Self.transferTimeout) == .pattern(Self.transfer))
                try await visitor.finish()
                try await service.waitForClose()
                await visitor.close()
            }
        }
    }

    @Test("a service that reads late gets all of what a visitor said before it left", arguments: [true, false])
    func tailToService(answered: Bool) async throws {
        try await TestServer.with(.silent) { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let visitor = try await fixture.visit()
                let service = try await server.connection()
                // The other order of ends: the service said that it is done long before.
                if answered {
                    try await service.finish()
                    _ = try await visitor.receiveAll()
                }
                let sent = visitor.pump(Self.tail)
                _ = try await stall(of: sent)
                try await service.setReading(true)
                try await sent.wait(for: "the tail on its way", within: Self.transferTimeout) { $0 == Self.tail }
                try await visitor.finish()
                #expect(try await service.receiveAll(within: Self.transferTimeout) == .pattern(Self.tail))
                if !answered { try await service.finish() }
                try await visitor.waitForClose()
            }
        }
    }

    @Test(
        "a visitor that reads late gets all of what a service said before it left",
        arguments: [true, false],
        RelayFixture.Way.allCases
    )
    func tailToVisitor(asked: Bool, way: RelayFixture.Way) async throws {
        try await TestServer.with(.manual) { server in
            try await RelayFixture.with(.port(server.port), way: way) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.setReading(false)
                let service = try await server.connection()
                if asked {
                    try await visitor.finish()
                    _ = try await service.receiveAll()
                }
                let sent = service.pump(Self.tail)
                _ = try await stall(of: sent)
                try await visitor.setReading(true)
                try await sent.wait(for: "the tail on its way", within: Self.transferTimeout) { $0 == Self.tail }
                try await service.finish()
                #expect(try await visitor.receiveAll(within: Self.transferTimeout) == .pattern(Self.tail))
                if !asked { try await visitor.finish() }
                try await service.waitForClose()
                await visitor.close()
            }
        }
    }
}
