// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import ServiceLifecycle
import Testing

@testable import Rstream

@Suite("A session", .serialized, .timeLimit(.hang))
struct SessionTests {
    /// A session that runs, and its latest state.
    private struct Running {
        let session: RstreamSession
        let timers: ManualTimers
        let state: Observed<RstreamSession.State>
        let task: Task<Void, any Error>
        private let watching: Task<Void, Never>

        init(_ session: RstreamSession, timers: ManualTimers) {
            self.session = session
            self.timers = timers
            let state = Observed(session.state)
            self.state = state
            watching = Task {
                for await latest in session.states { state.change { $0 = latest } }
            }
            task = Task { try await session.run() }
        }

        func waitUntilOnline() async throws {
            try await state.wait(for: "the session to be online") { $0.isOnline }
        }

        /// Waits until the session waits for its next attempt, and returns for how long.
        func waitForDelay() async throws -> (error: RstreamError, delay: Duration) {
            let state = try await state.wait(for: "the session to wait") { state in
                if case .waiting = state.connection { true } else { false }
            }
            guard case .waiting(let error, let delay) = state.connection else {
                throw DeadlinePassed(what: "the session to wait", state: "\(state)")
            }
            return (error, delay)
        }

        func end() async throws {
            let task = task
            try await within("the session's end") { try await task.value }
            await watching.value
            #expect(state.value.connection == .closed)
            #expect(state.value.tunnels.allSatisfy { $0 == .closed })
        }
    }

    private func makeSession(
        _ client: RstreamClient,
        _ specs: [TunnelSpec] = [unpublished()],
        reconnectDelays: RstreamSession.ReconnectDelays = RstreamSession.ReconnectDelays(),
        handler: @escaping @Sendable (RstreamAcceptedStream) async throws -> Void = echo
    ) throws -> Running {
        let timers = ManualTimers()
        let session = try RstreamSession(
            client,
            tunnels: specs.map { RstreamSession.Tunnel($0, handler: handler) },
            reconnectDelays: reconnectDelays,
            timers: timers.timers,
            randomness: SplitMix(seed: 1)
        )
        #expect(session.state.connection == .idle)
        return Running(session, timers: timers)
    }

    @Sendable
    private static func echo(_ stream: RstreamAcceptedStream) async throws {
        try await stream.withBytes { inbound, outbound in
            for try await bytes in inbound { try await outbound.write(bytes) }
        }
    }

    private func expectEcho(_ text: String, from connection: TestConnection) async throws {
        let before = connection.state.value.received.readableBytes
        try await connection.send(text)
        let all = String(buffer: try await connection.receive(before + text.utf8.count))
        #expect(all.hasSuffix(text))
    }

    @Test("comes back when the engine does, after waits that grow")
    func engineRestarts() async throws {
        try await TemporaryFolder.with { folder in
            let (running, port) = try await TestEngine.with(in: folder) { engine in
                let running = try makeSession(engine.client())
                try await running.waitUntilOnline()
                let dialer = try await engine.client().dial("private").take()
                try await expectEcho("hello", from: dialer)
                await dialer.close()
                return (running, engine.address.port)
            }
            let lost = try await running.waitForDelay()
            #expect(lost.error.retry == .afterBackoff)
            #expect(lost.delay <= .seconds(1))
            #expect(running.state.value.tunnels == [.pending(nil)])
            for longest in [2, 4, 8] {
                let count = running.timers.count.value
                try await running.timers.fire()
                // The attempt fails: there is no engine.
                try await running.timers.count.wait(for: "the next wait") { $0 > count }
                try await running.state.wait(for: "the connect to fail") { state in
                    guard case .waiting(let error, _) = state.connection else { return false }
                    return error.code == .engineUnreachable
                }
                #expect(try await running.waitForDelay().delay <= .seconds(longest))
            }
            try await TestEngine.with(.with { $0.listenPort = port }, in: folder) { engine in
                try await running.timers.fire()
                try await running.waitUntilOnline()
                let dialer = try await engine.client().dial("private").take()
                try await expectEcho("again", from: dialer)
                await dialer.close()
                running.session.shutDown()
                try await running.end()
                try await engine.waitUntilDeserted()
            }
        }
    }

    @Test("keeps its streams when the control channel is lost, and asks for the same address again")
    func controlLost() async throws {
        try await TestEngine.with { engine in
            let running = try makeSession(engine.client(), [TunnelSpec(protocol: .http), unpublished()])
            try await running.waitUntilOnline()
            let address = running.state.value.tunnels[0].address
            #expect(address?.hasPrefix("https://") == true)
            let dialer = try await engine.client().dial("private").take()
            try await expectEcho("before", from: dialer)
            await engine.engine.dropControlChannels()
            _ = try await running.waitForDelay()
            try await expectEcho("meanwhile", from: dialer)
            try await running.timers.fire()
            try await running.waitUntilOnline()
            #expect(running.state.value.tunnels[0].address == address)
            try await expectEcho("after", from: dialer)
            await dialer.close()
            running.session.shutDown()
            try await running.end()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("a service group shuts it down gracefully: tunnels first, and streams may end")
    func gracefulShutdown() async throws {
        try await TestEngine.with { engine in
            let session = try RstreamSession(
                engine.client(),
                tunnels: [RstreamSession.Tunnel(unpublished(), handler: Self.echo)]
            )
            let log = LogCapture()
            let services = ServiceGroup(services: [session], logger: log.logger)
            let task = Task { try await services.run() }
            for await state in session.states where state.isOnline { break }
            let dialer = try await engine.client().dial("private").take()
            try await expectEcho("before", from: dialer)
            await services.triggerGracefulShutdown()
            try await engine.engine.wait { $0.tunnels == 0 }
            #expect(session.state.connection == .draining)
            try await expectEcho("meanwhile", from: dialer)
            try await dialer.finish()
            try await within("the group's end") { try await task.value }
            await dialer.close()
            try await engine.waitUntilDeserted()
            let kinds = try await engine.engine.statistics().messages.map(\.kind).filter { $0 != "Heartbeat" }
            #expect(kinds.suffix(2) == ["CloseTunnelReq", "CloseControlChannelReq"])
        }
    }

    @Test("cancels the handlers of streams that go on for longer than a shutdown may take")
    func drainTimeout() async throws {
        try await TestEngine.with { engine in
            let running = try makeSession(engine.client())
            try await running.waitUntilOnline()
            let dialer = try await engine.client().dial("private").take()
            try await expectEcho("before", from: dialer)
            running.session.shutDown()
            // The tunnel takes no more streams, and the one that is open goes on.
            try await engine.engine.wait { $0.tunnels == 0 }
            try await expectEcho("after", from: dialer)
            #expect(try await running.timers.fire() == .seconds(30))
            try await running.end()
            try await dialer.state.wait(for: "the end of the stream") { $0.isOver }
            await dialer.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("ends at once when its task is cancelled", arguments: [true, false])
    func cancelled(online: Bool) async throws {
        try await TestEngine.with(.with { $0.faults = online ? [] : [Fault(.openSilence)] }) { engine in
            let running = try makeSession(engine.client())
            var dialer: TestConnection?
            if online {
                try await running.waitUntilOnline()
                dialer = try await engine.client().dial("private").take()
                if let dialer { try await expectEcho("before", from: dialer) }
            } else {
                try await engine.engine.wait { !$0.messages.isEmpty }
            }
            running.task.cancel()
            let task = running.task
            let result = try await within("the session's end") { await task.result }
            #expect(throws: CancellationError.self) { try result.get() }
            #expect(running.session.state.connection == .closed)
            if let dialer {
                try await dialer.state.wait(for: "the end of the stream") { $0.isOver }
                await dialer.close()
            }
            try await engine.waitUntilDeserted()
        }
    }

    @Test("waits for longer after a refusal that trying again does not change")
    func rejected() async throws {
        try await TestEngine.with { engine in
            let running = try makeSession(engine.client { $0.credential = .token(Secret("wrong")) })
            let (error, delay) = try await running.waitForDelay()
            #expect(error.code == .engine)
            #expect(error.retry == .afterReload)
            #expect(delay == .seconds(300))
            running.session.shutDown()
            try await running.end()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("asks for one tunnel again that the engine refused, while the other is served")
    func tunnelRefused() async throws {
        try await TestEngine.with { engine in
            let holder = try await engine.client().connect()
            let held = try await holder.createTunnel(TunnelSpec(protocol: .http))
            let hostname = try #require(held.properties.hostname)
            let running = try makeSession(
                engine.client(),
                [TunnelSpec(protocol: .http, hostname: hostname), unpublished()]
            )
            try await running.state.wait(for: "one tunnel") { state in
                guard case .pending(.some) = state.tunnels[0] else { return false }
                return state.tunnels[1].address != nil
            }
            #expect(!running.state.value.isOnline)
            await held.close()
            try await running.timers.fire()
            try await running.waitUntilOnline()
            running.session.shutDown()
            try await running.end()
            await holder.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("serves nothing without an error when it has no tunnels, and runs only once")
    func once() async throws {
        try await TestEngine.with { engine in
            let running = try makeSession(engine.client(), [])
            try await running.waitUntilOnline()
            running.session.shutDown()
            try await running.end()
            let error = try await failure { try await running.session.run() }
            #expect(error.code == .clientClosed)
            try await engine.waitUntilDeserted()
        }
    }

    @Test("refuses a tunnel that breaks a rule before anything is dialed")
    func invalid() async throws {
        let client = try RstreamClient(engine: "1a2b.cluster.example", token: "secret")
        let error = try await failure {
            _ = try RstreamSession(client, tunnels: [.init(TunnelSpec(protocol: .http, port: 80)) { _ in }])
        }
        #expect(error.code == .invalidTunnel)
    }
}
