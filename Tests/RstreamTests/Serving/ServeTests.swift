// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A tunnel that is served", .serialized, .timeLimit(.hang))
struct ServeTests {
    private struct Failed: Error {}

    /// A private tunnel, and a client that dials it.
    private func withTunnel(
        _ body: (TestEngine, RstreamClient, RstreamTunnel) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let control = try await client.connect()
            try await body(engine, client, try await control.createTunnel(unpublished()))
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("runs no more handlers than it may, and takes the next stream when one has returned")
    func bounded() async throws {
        try await withTunnel { engine, client, tunnel in
            let running = Observed((now: 0, most: 0))
            let go = Observed(false)
            let serving = Task {
                try await tunnel.serve(maxConcurrentStreams: 2) { stream in
                    running.change { ($0.now, $0.most) = ($0.now + 1, max($0.most, $0.now + 1)) }
                    defer { running.change { $0.now -= 1 } }
                    try await stream.withBytes { _, outbound in
                        try await go.wait(for: "the start") { $0 }
                        try await outbound.write(ByteBuffer(string: "served"))
                    }
                }
            }
            var dialers: [TestConnection] = []
            for _ in 0..<5 { dialers.append(try await client.dial("private").take()) }
            try await running.wait(for: "two handlers") { $0.now == 2 }
            // The others wait in the queue.
            try await engine.waitForAnswers(5)
            #expect(running.value.now == 2)
            go.change { $0 = true }
            for dialer in dialers {
                #expect(try await dialer.receiveText() == "served")
                await dialer.close()
            }
            #expect(running.value.most == 2)
            await tunnel.close()
            try await within("the end of serving") { try await serving.value }
        }
    }

    @Test("ends when its task is cancelled, and its streams with it")
    func cancelled() async throws {
        try await withTunnel { _, client, tunnel in
            let running = Observed(0)
            let serving = Task {
                try await tunnel.serve { stream in
                    running.change { $0 += 1 }
                    try await stream.withBytes { inbound, _ in
                        for try await _ in inbound {}
                    }
                }
            }
            let dialer = try await client.dial("private").take()
            try await running.wait(for: "the handler") { $0 == 1 }
            serving.cancel()
            let result = try await within("the end of serving") { await serving.result }
            #expect(throws: CancellationError.self) { try result.get() }
            try await dialer.state.wait(for: "the end of the stream") { $0.isOver }
            await dialer.close()
            // Only the serving was ended.
            let next = try await client.dial("private").take()
            let stream = try await tunnel.next().take(echo: true)
            try await next.send("hello")
            #expect(try await next.receive(asLongAs: "hello") == "hello")
            await next.close()
            await stream.close()
        }
    }

    @Test("is cancelled although a handler writes to a peer that does not read")
    func cancelledWriting() async throws {
        try await withTunnel { _, client, tunnel in
            let written = Observed(0)
            let serving = Task {
                try await tunnel.serve { stream in
                    try await stream.withBytes { _, outbound in
                        while true {
                            try await outbound.write(.pattern(65_536))
                            written.change { $0 += 65_536 }
                        }
                    }
                }
            }
            let dialer = try await client.dial("private").take()
            try await dialer.setReading(false)
            try await written.wait(for: "a write") { $0 > 0 }
            serving.cancel()
            let result = try await within("the end of serving") { await serving.result }
            #expect(throws: CancellationError.self) { try result.get() }
            // The reset may have closed it already.
            try? await dialer.setReading(true)
            try await dialer.state.wait(for: "the end of the stream") { $0.isOver }
            await dialer.close()
        }
    }

    @Test("goes on when a handler throws, which ends its stream only")
    func failingHandler() async throws {
        try await withTunnel { _, client, tunnel in
            let serving = Task {
                try await tunnel.serve { stream in
                    try await stream.withBytes { inbound, outbound in
                        for try await bytes in inbound {
                            guard String(buffer: bytes) != "fail" else { throw Failed() }
                            try await outbound.write(bytes)
                        }
                    }
                }
            }
            let good = try await client.dial("private").take()
            try await good.send("hello")
            #expect(try await good.receive(asLongAs: "hello") == "hello")
            let bad = try await client.dial("private").take()
            try await bad.send("fail")
            try await bad.state.wait(for: "the end of the stream") { $0.isOver }
            #expect(bad.state.value.received.readableBytes == 0)
            await bad.close()
            try await good.send(" world")
            #expect(try await good.receive(asLongAs: "hello world") == "hello world")
            try await good.finish()
            #expect(try await good.receiveText() == "hello world")
            await good.close()
            await tunnel.close()
            try await within("the end of serving") { try await serving.value }
        }
    }

    @Test("throws what ended the tunnel", arguments: ["tunnel", "control channel"])
    func tunnelEnds(what: String) async throws {
        try await withTunnel { engine, _, tunnel in
            let serving = Task { try await tunnel.serve { _ in } }
            if what == "tunnel" {
                await engine.engine.closeTunnels()
            } else {
                await engine.engine.dropControlChannels()
            }
            let error = try await failure { try await within("the end of serving") { try await serving.value } }
            #expect(error.retry == .afterBackoff)
            let cause = await tunnel.waitUntilClosed()
            #expect(error == cause)
        }
    }

    @Test("closes a stream that its handler did not even start")
    func untouched() async throws {
        try await withTunnel { _, client, tunnel in
            let serving = Task { try await tunnel.serve { _ in } }
            let dialer = try await client.dial("private").take()
            #expect(try await dialer.receiveText() == "")
            await dialer.close()
            await tunnel.close()
            try await within("the end of serving") { try await serving.value }
        }
    }
}

@Suite("Slots for streams", .timeLimit(.hang))
struct StreamSlotTests {
    @Test("are given in the order in which tasks wait, and never to one that was cancelled")
    func order() async throws {
        let slots = StreamSlots(1)
        #expect(await slots.take())
        let cancelled = Task { await slots.take() }
        cancelled.cancel()
        #expect(try await within("the cancelled wait") { await cancelled.value } == false)
        let taken = Observed<[Int]>([])
        let tasks = (0..<3).map { number in
            Task {
                guard await slots.take() else { return }
                taken.change { $0.append(number) }
                slots.give()
            }
        }
        slots.give()
        try await taken.wait(for: "all turns") { $0.count == 3 }
        for task in tasks { await task.value }
        #expect(await slots.take())
        slots.give()
    }

    @Test("are one at least")
    func none() async throws {
        let slots = StreamSlots(0)
        #expect(try await within("a slot") { await slots.take() })
    }
}
