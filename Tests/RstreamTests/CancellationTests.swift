// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A caller that is cancelled", .serialized, .timeLimit(.hang))
struct CancellationTests {
    @Test("stops connecting at once and leaves no connection behind", arguments: ["connect", "dial"])
    func connecting(operation: String) async throws {
        try await TestServer.with(.manual) { server in
            let engine = try EngineAddress("127.0.0.1:\(server.port)")
            let client = RstreamClient(RstreamClientOptions(engine: engine, credential: .none, timeouts: .patient))
            let task = Task {
                if operation == "dial" { _ = try await client.dial("x") } else { _ = try await client.connect() }
            }
            let connection = try await server.connection()
            task.cancel()
            let error = try await failure { try await within("the cancelled call") { try await task.value } }
            #expect(error.retry == .never)
            try await connection.waitForClose()
        }
    }

    @Test("stops waiting for the answer to the opening request, which closes the connection")
    func opening() async throws {
        try await TestEngine.with(.with { $0.faults = [Fault(.openSilence)] }) { engine in
            let client = engine.client()
            let task = Task { _ = try await client.connect() }
            try await engine.engine.wait { !$0.messages.isEmpty }
            task.cancel()
            let error = try await failure { try await within("the cancelled call") { try await task.value } }
            #expect(error.retry == .never)
            try await engine.waitUntilDeserted()
        }
    }

    @Test("stops waiting for a tunnel, and a late grant is given back")
    func tunnel() async throws {
        let late = Int(longestStall / .milliseconds(1))
        try await TestEngine.with(.with { $0.faults = [Fault(.tunnelLate, value: .number(late), count: 1)] }) {
            engine in
            let control = try await engine.client().connect()
            let task = Task { _ = try await control.createTunnel(unpublished()) }
            try await engine.engine.wait { $0.tunnels == 1 }
            task.cancel()
            let error = try await failure { try await within("the cancelled call") { try await task.value } }
            #expect(error.retry == .never)
            try await engine.engine.wait { $0.tunnels == 0 }
            #expect(try await engine.engine.statistics().messages.last?.kind == "CloseTunnelReq")
            await control.close()
        }
    }

    @Test(
        "gets its error at once when it was cancelled before it began, and the engine hears nothing",
        arguments: ["connect", "dial", "createTunnel"]
    )
    func before(operation: String) async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let control = try await client.connect()
            await engine.engine.setFaults([Fault(.openSilence), Fault(.tunnelSilence)])
            let before = try await engine.engine.statistics().messages.count { $0.kind != "Heartbeat" }
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                switch operation {
                case "connect": _ = try await client.connect()
                case "dial": _ = try await client.dial("x", zeroRTT: false)
                default: _ = try await control.createTunnel(unpublished())
                }
            }
            let error = try await failure { try await within("the cancelled call") { try await task.value } }
            #expect(error.code == .clientClosed)
            #expect(error.retry == .never)
            // The next request overtakes nothing.
            await control.close()
            let messages = try await engine.engine.statistics().messages.filter { $0.kind != "Heartbeat" }
            #expect(messages.dropFirst(before).map(\.kind) == ["CloseControlChannelReq"])
            try await engine.waitUntilDeserted()
        }
    }

    @Test("gets its tunnel or its error, whenever the cancellation comes, and no tunnel is left behind")
    func race() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            for _ in 0..<50 {
                let task = Task { try await control.createTunnel(unpublished()) }
                task.cancel()
                let result = try await within("the cancelled call") { await task.result }
                if case .success(let tunnel) = result { await tunnel.close() }
            }
            try await engine.engine.wait { $0.tunnels == 0 }
            await control.close()
        }
    }

    /// What a task of its own does, which is cancelled `first` or when it waits.
    private func expectEnd(
        of what: String,
        cancelledFirst first: Bool,
        waiting control: RstreamControlChannel,
        _ body: @escaping @Sendable () async -> RstreamError?
    ) async throws -> RstreamError? {
        let task = Task {
            if first { withUnsafeCurrentTask { $0?.cancel() } }
            return await body()
        }
        if !first {
            while control.waiters == 0, !Task.isCancelled { await Task.yield() }
            task.cancel()
        }
        return try await within(what) { await task.value }
    }

    @Test("stops waiting for an end that does not come, and leaves no waiter", arguments: [true, false])
    func ends(first: Bool) async throws {
        try await TestEngine.with { engine in
            await engine.engine.setFaults([Fault(.stallReads)])
            let control = try await engine.client { $0.timeouts.close = .seconds(60) }.connect()
            let error = try await expectEnd(of: "the wait", cancelledFirst: first, waiting: control) {
                await control.waitUntilClosed()
            }
            #expect(error?.code == .clientClosed)
            #expect(error?.retry == .never)
            _ = try await expectEnd(of: "the close", cancelledFirst: first, waiting: control) {
                await control.close()
                return nil
            }
            #expect(control.waiters == 0)
            #expect(await !control.hasEnded())
            control.abort()
            #expect(try await within("the end") { await control.waitUntilClosed() } == nil)
        }
    }

    @Test("stops waiting for the end of a tunnel that the engine does not confirm", arguments: [true, false])
    func tunnelEnds(closes: Bool) async throws {
        try await TestEngine.with { engine in
            await engine.engine.setFaults([Fault(.tunnelCloseSilence)])
            let control = try await engine.client { $0.timeouts.close = .seconds(60) }.connect()
            let tunnel = try await control.createTunnel(unpublished())
            let task = Task {
                guard closes else { return await tunnel.waitUntilClosed() }
                await tunnel.close()
                return nil
            }
            if closes { try await engine.engine.wait { $0.messages.contains { $0.kind == "CloseTunnelReq" } } }
            task.cancel()
            let error = try await within("the cancelled wait") { await task.value }
            #expect(error?.code == (closes ? nil : .clientClosed))
            await control.close()
            #expect(try await within("the tunnel's end") { await tunnel.waitUntilClosed() }?.code == .controlClosed)
        }
    }

    @Test("is not delayed by the provider of its token", arguments: ["connect", "dial"])
    func provider(operation: String) async throws {
        try await TestEngine.with { engine in
            let asked = Observed(false)
            let client = engine.client {
                $0.credential = .tokenProvider { () async throws(RstreamError) in
                    asked.change { $0 = true }
                    do {
                        try await Task.sleep(for: .seconds(600))
                    } catch {
                        throw RstreamError(code: .clientClosed, origin: .host, retry: .never, what: "not needed")
                    }
                    return TestEngine.token
                }
            }
            let task = Task {
                if operation == "dial" { _ = try await client.dial("x") } else { _ = try await client.connect() }
            }
            try await asked.wait(for: "the question") { $0 }
            task.cancel()
            let error = try await failure { try await within("the cancelled call") { try await task.value } }
            #expect(error.what == "not needed")
            #expect(try await engine.engine.statistics().connections == 0)
        }
    }
}
