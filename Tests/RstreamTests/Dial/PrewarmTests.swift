// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Dispatch
import NIOCore
import NIOEmbedded
import NIOPosix
import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Warm connections", .serialized, .timeLimit(.hang))
struct PrewarmTests {
    private struct Seen: Sendable {
        var counts = PrewarmCounts()
        var warm = 0
    }

    /// A control channel that keeps two connections warm, unless said otherwise.
    private struct Fixture: Sendable {
        let engine: TestEngine
        /// Has `authorities.pem`, the client's CA file.
        let folder: TemporaryFolder
        let client: RstreamClient
        let control: RstreamControlChannel
        let seen: Observed<Seen>

        func waitUntilWarm(_ count: Int = 2) async throws {
            try await seen.wait(for: "warm connections") { $0.warm == count }
        }
    }

    private func with(
        _ policy: TransportOptions.Prewarm? = .init(mode: .fixed, maximum: 2, maxAge: .seconds(60)),
        _ configuration: DevEngineConfiguration = .patient,
        zeroRTT: Bool = true,
        _ body: (Fixture) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with(configuration) { engine in
                // One loop, so that every dial may find a connection on its own.
                let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
                let caFile = try folder.write(engine.caPEM, to: "authorities.pem")
                var options = engine.client().options
                options.transport.tls.caFile = caFile
                options.transport.prewarm = policy
                options.zeroRTT = zeroRTT
                let client = RstreamClient(options, eventLoopGroup: group)
                let control = try await client.connect()
                let seen = Observed(Seen())
                control.observePrewarming { added, warm in
                    seen.change { seen in
                        seen.counts = seen.counts + added
                        seen.warm = warm
                    }
                }
                let fixture = Fixture(engine: engine, folder: folder, client: client, control: control, seen: seen)
                let result: Result<Void, any Error>
                do {
                    result = .success(try await body(fixture))
                } catch {
                    result = .failure(error)
                }
                await control.close()
                try await engine.waitUntilDeserted()
                try await group.shutdownGracefully()
                try result.get()
            }
        }
    }

    /// Bytes go both ways.
    private func exchange(_ dialed: RstreamDialedStream, _ tunnel: RstreamTunnel) async throws {
        let dialer = try await dialed.take()
        let echo = try await tunnel.next().take(echo: true)
        try await dialer.send("hello")
        try await dialer.finish()
        #expect(try await dialer.receiveText() == "hello")
        try await echo.waitForClose()
    }

    @Test("are what streams use, so that none is dialed for them", arguments: [true, false])
    func inbound(zeroRTT: Bool) async throws {
        try await with(zeroRTT: zeroRTT) { fixture in
            let tunnel = try await fixture.control.createTunnel(unpublished())
            try await fixture.waitUntilWarm()
            try await exchange(try await fixture.engine.client().dial("private"), tunnel)
            try await fixture.waitUntilWarm()
            #expect(fixture.seen.value.counts == PrewarmCounts(hits: 1))
            // The control channel, the dialer, two that were warm and the one that took the place of one of them.
            #expect(try await fixture.engine.engine.statistics().connectionsTotal == 5)
        }
    }

    @Test("are what private dials use", arguments: [true, false])
    func dial(zeroRTT: Bool) async throws {
        try await with { fixture in
            let other = try await fixture.engine.client().connect()
            let tunnel = try await other.createTunnel(unpublished())
            try await fixture.waitUntilWarm()
            try await exchange(try await fixture.client.dial("private", zeroRTT: zeroRTT), tunnel)
            #expect(fixture.seen.value.counts == PrewarmCounts(hits: 1))
            await other.close()
        }
    }

    @Test("stay warm when streams are refused that could have had them")
    func refused() async throws {
        try await with { fixture in
            _ = try await fixture.control.openTunnel(unpublished().validated(), acceptor: RefusingAcceptor())
            try await fixture.waitUntilWarm()
            for count in 1...5 {
                let dialed = try await fixture.engine.client().dial("private", zeroRTT: true)
                _ = try await fixture.engine.refusals(count)
                dialed.channel.close(promise: nil)
            }
            #expect(fixture.seen.value.counts == PrewarmCounts())
            #expect(fixture.seen.value.warm == 2)
            // The control channel, the dialers, and two that are warm.
            #expect(try await fixture.engine.engine.statistics().connectionsTotal == 8)
        }
    }

    @Test("are dialed as soon as streams come often, and not before")
    func auto() async throws {
        try await with(.init()) { fixture in
            let tunnel = try await fixture.control.createTunnel(unpublished())
            let dialer = fixture.engine.client()
            for _ in 0..<2 { try await exchange(try await dialer.dial("private"), tunnel) }
            #expect(fixture.seen.value.counts == PrewarmCounts(misses: 2))
            #expect(fixture.seen.value.warm == 0)
            while fixture.seen.value.counts.hits == 0 {
                try await exchange(try await dialer.dial("private"), tunnel)
            }
        }
    }

    @Test("are none unless the program wants them", arguments: [nil, TransportOptions.Prewarm(mode: .off)])
    func none(policy: TransportOptions.Prewarm?) async throws {
        try await with(policy) { fixture in
            let tunnel = try await fixture.control.createTunnel(unpublished())
            try await exchange(try await fixture.client.dial("private"), tunnel)
            #expect(fixture.seen.value.counts == PrewarmCounts())
            #expect(try await fixture.engine.engine.statistics().connectionsTotal == 3)
        }
    }

    @Test("are none in the end with an engine that closes silent connections")
    func dislike() async throws {
        try await with(
            .init(mode: .fixed, maximum: 4, maxAge: .seconds(60)),
            .with { $0.timeouts.firstFrame = .milliseconds(250) }
        ) { fixture in
            try await fixture.seen.wait(for: "the end of all four") { seen in
                seen.counts.wasted >= 1 && seen.counts.wasted + seen.counts.aged >= 4 && seen.warm == 0
            }
            try await fixture.engine.engine.wait { $0.connections == 1 }
        }
    }

    @Test("that die before the engine has said anything are replaced by a fresh one, once")
    func death() async throws {
        try await with(zeroRTT: false) { fixture in
            _ = try await fixture.control.createTunnel(unpublished())
            try await fixture.waitUntilWarm()
            await fixture.engine.engine.setFaults([Fault(.proxyReset)])
            let dialed = try await fixture.engine.client().dial("private", zeroRTT: true)
            try await fixture.engine.refusals()
            // This engine has forgotten the stream when it is asked again, and says so.
            let messages = try await fixture.engine.engine.statistics().messages
            #expect(messages.count { $0.kind == "ProxyReq" } == 2)
            #expect(fixture.seen.value.counts.hits == 1)
            #expect(fixture.seen.value.counts.wasted >= 1)
            dialed.channel.close(promise: nil)
        }
    }

    @Test("on which the engine speaks first are dropped")
    func violation() async throws {
        try await HostileEngine.with { engine in
            engine.speaksFirst.change { $0 = true }
            var options = RstreamClientOptions(engine: engine.address, credential: .none)
            options.transport.tls.caFile = engine.caFile
            options.transport.prewarm = .init(mode: .fixed, maximum: 2)
            let resolver = TestResolver([engine.address.host: ["127.0.0.1"]])
            let control = try await RstreamClient(options, addresses: resolver).connect()
            let seen = Observed(Seen())
            control.observePrewarming { added, warm in
                seen.change { seen in
                    seen.counts = seen.counts + added
                    seen.warm = warm
                }
            }
            // What one has said is true of the other: it will not wait for the agent either.
            try await seen.wait(for: "their end") { $0.warm == 0 && $0.counts.wasted + $0.counts.aged == 2 }
            #expect(seen.value.counts.wasted >= 1)
            await control.close()
        }
    }

    @Test("are closed with the control channel", arguments: [true, false])
    func end(inOrder: Bool) async throws {
        try await with { fixture in
            try await fixture.waitUntilWarm()
            if inOrder { await fixture.control.close() } else { fixture.control.abort() }
            try await fixture.engine.waitUntilDeserted()
            try await fixture.seen.wait(for: "the end") { $0.counts == PrewarmCounts(wasted: 2) && $0.warm == 0 }
        }
    }

    @Test("are closed when their control channel goes on without them")
    func drain() async throws {
        try await with { fixture in
            try await fixture.waitUntilWarm()
            fixture.control.stopPrewarming()
            #expect(fixture.seen.value.counts == PrewarmCounts(wasted: 2))
            #expect(fixture.seen.value.warm == 0)
            try await fixture.engine.engine.wait { $0.connections == 1 }
        }
    }

    @Test("are dropped when a certificate changes that they were dialed with")
    func certificates() async throws {
        try await with { fixture in
            let tunnel = try await fixture.control.createTunnel(unpublished())
            try await fixture.waitUntilWarm()
            try fixture.folder.write("# renewed\n" + fixture.engine.caPEM, to: "authorities.pem")
            // A private dial reads the file at once.
            try await exchange(try await fixture.client.dial("private"), tunnel)
            #expect(fixture.seen.value.counts.wasted == 2)
            #expect(fixture.seen.value.counts.misses >= 1)
            try await fixture.waitUntilWarm()
        }
    }

    @Test("are dropped when the host's addresses or routes change")
    func network() async throws {
        try await with { fixture in
            try await fixture.waitUntilWarm()
            await fixture.control.networkChanged()
            #expect(fixture.seen.value.counts == PrewarmCounts(wasted: 2))
            try await fixture.waitUntilWarm()
        }
    }

    @Test("are not dialed any more when they were dropped first: the two are decided on different threads")
    func droppedBeforeDial() throws {
        let loop = LastFirstLoop()
        let pool = try idlePool(on: loop)
        pool.start(connectedTo: nil)
        pool.close()
        loop.run()
        // Each dial has one.
        #expect(loop.timers.value == 0)
    }

    @Test("are not reported any more once the control channel has ended: the next one has others")
    func reportsEnd() throws {
        let pool = try idlePool(on: MultiThreadedEventLoopGroup.singleton)
        let seen = Observed<[PrewarmCounts]>([])
        pool.observe { added, _ in seen.change { $0.append(added) } }
        pool.takenDied(age: .seconds(30))
        pool.close()
        pool.takenDied(age: .seconds(30))
        #expect(seen.value == [PrewarmCounts(), PrewarmCounts(wasted: 1)])
    }

    /// One that has not started.
    private func idlePool(on group: any EventLoopGroup) throws -> PrewarmedConnections {
        let engine = try EngineAddress("engine.test")
        var options = RstreamClientOptions(engine: engine, credential: .none)
        options.transport.tls.insecureSkipVerify = true
        let connector = try RstreamClient(options, addresses: TestResolver()).makeConnector(to: engine)
        return PrewarmedConnections(
            .init(mode: .fixed, maximum: 2),
            engine: engine,
            connector: { connector },
            within: .seconds(1),
            on: group
        )
    }

    @Test("are no more than streams may be opened at once, also when that changes")
    func limit() async throws {
        try await with { fixture in
            try await fixture.waitUntilWarm()
            fixture.control.limit(.init(openingStreams: 1))
            #expect(fixture.seen.value.warm == 1)
            fixture.control.limit(.init())
            try await fixture.waitUntilWarm()
        }
    }

    @Test("leave nothing in memory")
    func leaks() async throws {
        try await TestEngine.with { engine in
            let leaks = Leaks()
            func use() async throws {
                let client = engine.client { $0.transport.prewarm = .init(mode: .fixed, maximum: 2) }
                let control = try await client.connect()
                leaks.watch(client, "the client")
                leaks.watch(control, "the control channel")
                let tunnel = try await control.createTunnel(unpublished())
                let warm = Observed(0)
                control.observePrewarming { _, count in warm.change { $0 = count } }
                try await warm.wait(for: "warm connections") { $0 == 2 }
                try await exchange(try await client.dial("private"), tunnel)
                await control.close()
            }
            try await use()
            try await leaks.expectNone()
            try await engine.waitUntilDeserted()
        }
    }
}

/// Has no room for any stream.
private struct RefusingAcceptor: StreamAcceptor {
    private final class Half: LocalHalf {
        func start(_ opening: StreamOpening) {
            opening.localRefused(
                RstreamError(code: .streamClosed, origin: .host, retry: .never, what: "there is no room")
            )
        }

        func join(_ stream: ArrivedStream) -> EventLoopFuture<Void> {
            stream.channel.eventLoop.makeSucceededVoidFuture()
        }

        func end(_: StreamOpeningStateMachine.Cause) {}
    }

    func localHalf(for _: StreamOffer, on _: any EventLoop) -> any LocalHalf { Half() }

    func tunnelEnded(_: RstreamError?) {}
}

/// Runs what is queued when it is told to, the last first.
private final class LastFirstLoop: EventLoop {
    private let queued = Observed<[@Sendable () -> Void]>([])
    private let loop = EmbeddedEventLoop()
    /// How many were set.
    let timers = Observed(0)

    func run() {
        var tasks: [@Sendable () -> Void] = []
        queued.change { queued in
            tasks = queued
            queued = []
        }
        for task in tasks.reversed() { task() }
    }

    var inEventLoop: Bool { true }

    func execute(_ task: @escaping @Sendable () -> Void) { queued.change { $0.append(task) } }

    func submit<T>(_ task: @escaping @Sendable () throws -> T) -> EventLoopFuture<T> { loop.submit(task) }

    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        timers.change { $0 += 1 }
        return loop.scheduleTask(deadline: deadline, task)
    }

    func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        timers.change { $0 += 1 }
        return loop.scheduleTask(in: delay, task)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        queue.async { callback(nil) }
    }
}
