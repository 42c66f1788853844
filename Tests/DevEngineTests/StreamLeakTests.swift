// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

@testable import DevEngine

@Suite("A stream that is over", .timeLimit(.hang))
struct StreamLeakTests {
    @Test("leaves nothing in the engine's memory", arguments: ["http", "tls"])
    func leavesNothing(name: String) async throws {
        try await TestEdge.with {
            $0.protocol = name
        } _: { edge in
            let leaks = Leaks()
            let visitor = try await edge.visit()
            try await visitor.send("GET / HTTP/1.1\r\nHost: \(TestEdge.hostname)\r\n\r\n")
            try await edge.engine.wait { $0.waitingStreams == 1 }
            try await watch(leaks, edge) { $0.offeredStreams.values.map { $0 } }
            let service = try await edge.bring()
            try await edge.engine.wait { $0.relays == 1 }
            try await watch(leaks, edge) { $0.relayedStreams.values.map { $0 } }
            try await service.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            _ = try await visitor.receive(10)
            await visitor.close()
            await service.close()
            try await edge.engine.wait { $0.relays == 0 }
            #expect(leaks.count == 2)
            try await leaks.expectNone(on: edge.engine.group)
        }
    }

    private func watch(
        _ leaks: Leaks,
        _ edge: TestEdge,
        _ objects: @escaping @Sendable (Engine) -> [AnyObject]
    ) async throws {
        let engine = edge.engine.engine
        try await edge.engine.group.next().submit {
            for object in objects(engine.value) { leaks.watch(object, "\(type(of: object))") }
        }.get()
    }
}
