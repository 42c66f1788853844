// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Streams that are not accepted", .serialized, .timeLimit(.hang))
struct AcceptQueueTests {
    /// A tunnel whose streams are held by `queue`, and so many dialers that were let in, in this order.
    private func withDialers(
        _ count: Int,
        queue: AcceptQueue,
        _ body: (TestEngine, RstreamControlChannel, [TestConnection]) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let control = try await client.connect()
            _ = try await control.openTunnel(try unpublished().validated(), acceptor: queue)
            var dialers: [TestConnection] = []
            for number in 0..<count {
                dialers.append(try await client.dial("private").take())
                try await dialers[number].send("\(number)")
                if number < AcceptQueue.capacity { try await engine.waitForAnswers(number + 1) }
            }
            try await body(engine, control, dialers)
            for dialer in dialers { await dialer.close() }
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    private func take(_ queue: AcceptQueue) async throws -> TestConnection {
        let stream = try await within("a stream") { await queue.next() }
        guard let stream else { throw DeadlinePassed(what: "a stream", state: "the tunnel ended") }
        return try await stream.take()
    }

    @Test("ten wait in order, and the eleventh comes in as soon as one is taken")
    func room() async throws {
        let queue = AcceptQueue(waitForRoom: .seconds(60))
        try await withDialers(11, queue: queue) { engine, _, _ in
            #expect(try await engine.engine.statistics().messages.count { $0.kind == "ProxyConnRsp" } == 10)
            for number in 0..<11 {
                let connection = try await take(queue)
                #expect(String(buffer: try await connection.receive("\(number)".utf8.count)) == "\(number)")
                // Whoever waited is told that it was let in.
                try await engine.waitForAnswers(11)
                await connection.close()
            }
        }
    }

    @Test("one that does not fit in time is refused, the ten are kept")
    func noRoom() async throws {
        let queue = AcceptQueue(waitForRoom: .milliseconds(50))
        try await withDialers(11, queue: queue) { engine, _, dialers in
            #expect(try await engine.refusals() == ["tunnel connection queue remained full"])
            try await dialers[10].state.wait(for: "the close") { $0.isOver }
            for _ in 0..<10 { await (try take(queue)).close() }
        }
    }

    @Test("all are closed when the tunnel ends, whether they waited in the queue or for it")
    func tunnelEnds() async throws {
        let queue = AcceptQueue(waitForRoom: .seconds(60))
        try await withDialers(11, queue: queue) { engine, control, dialers in
            await engine.engine.closeTunnels()
            for dialer in dialers { try await dialer.state.wait(for: "the close") { $0.isOver } }
            let next = try await within("the end") { await queue.next() }
            #expect(next == nil)
            // The last one may have been on its way still, which is told in other words.
            let refusal = try await engine.refusals().first ?? ""
            #expect(["the tunnel was closed", "the engine ended the tunnel"].contains(refusal))
        }
    }

    @Test("a loop whose task is cancelled ends although streams are queued, which others get")
    func cancelledWithQueue() async throws {
        let queue = AcceptQueue()
        try await withDialers(3, queue: queue) { _, _, dialers in
            let loop = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                var taken = 0
                for await _ in RstreamTunnel.Streams(queue: queue) { taken += 1 }
                return taken
            }
            #expect(try await within("the loop") { await loop.value } == 0)
            for number in 0..<dialers.count {
                let connection = try await take(queue)
                #expect(try await connection.receive(asLongAs: "0") == "\(number)")
                await connection.close()
            }
        }
    }

    @Test("a task that waits for a stream stops waiting when it is cancelled, and loses none")
    func cancelled() async throws {
        let queue = AcceptQueue()
        try await withDialers(0, queue: queue) { engine, _, _ in
            for _ in 0..<100 {
                let task = Task { await queue.next() }
                task.cancel()
                let stream = try await within("the cancelled task") { await task.value }
                #expect(stream == nil)
            }
            let dialer = try await engine.client().dial("private").take()
            try await dialer.send("x")
            let connection = try await take(queue)
            #expect(try await connection.receive(asLongAs: "x") == "x")
            await connection.close()
            await dialer.close()
        }
    }
}
