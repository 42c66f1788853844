// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOPosix
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("A stream of a tunnel with several upstreams")
struct SeveralUpstreamsTests {
    private final class Told: UpstreamObserver {
        let effects = Observed<[UpstreamPoolStateMachine.Effect]>([])

        func upstreamsChanged(_ effect: UpstreamPoolStateMachine.Effect) { effects.change { $0.append(effect) } }
    }

    private static let addresses = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]

    @Test("goes to the next when one refuses, and is released when it ends")
    func next() throws {
        let fixture = OpeningFixture(upstreams: 3)
        fixture.start()
        try fixture.engineArrives()
        fixture.upstreamFails()
        fixture.upstreamFails()
        try fixture.upstreamConnects()
        #expect(fixture.dialed.map(\.address) == Self.addresses)
        #expect(fixture.answers.map { $0 == nil } == [true])
        var upstreams = fixture.pool.snapshots()
        #expect(upstreams.map(\.failed) == [1, 1, 0] && upstreams.map(\.active) == [0, 0, 1])
        #expect(upstreams.map(\.isReachable) == [false, false, true])
        fixture.stream.cut()
        fixture.pass(.seconds(2))
        upstreams = fixture.pool.snapshots()
        #expect(upstreams.map(\.active) == [0, 0, 0] && upstreams.map(\.total) == [1, 1, 1])
        fixture.finish()
    }

    @Test("has equal parts of connectTimeout for those that it has not tried")
    func parts() throws {
        let fixture = OpeningFixture(upstreams: 2)
        fixture.start()
        fixture.upstreamFails()
        let whole = OpeningFixture.connectTimeout
        for (dial, part) in zip(fixture.dialed, [whole / 2, whole]) {
            guard case .part(let time) = dial.limit else {
                Issue.record("the whole time for one of two")
                continue
            }
            #expect(time <= part && time > part - longestStall)
        }
        #expect(fixture.dialed.count == 2)
        fixture.finish()
    }

    @Test("fails with the name of each, once all have failed")
    func all() throws {
        let fixture = OpeningFixture(upstreams: 2)
        fixture.start()
        fixture.upstreamFails(OpeningFixture.forbidden)
        fixture.upstreamFails()
        #expect(fixture.answers.first??.error.what == "no upstream takes connections: forbidden; down")
        #expect(fixture.ledger.totals.ended == [.upstreamFailed: 1])
        #expect(fixture.pool.snapshots().map(\.active) == [0, 0])
        fixture.finish()
    }

    @Test("tries all of them again within holdTimeout")
    func hold() throws {
        let fixture = OpeningFixture(holdTimeout: .seconds(60), upstreams: 2)
        fixture.start()
        fixture.upstreamFails()
        fixture.upstreamFails()
        #expect(fixture.runningDials == 0 && fixture.answers.isEmpty)
        fixture.pass(.seconds(1))
        #expect(fixture.dialed.count == 3)
        fixture.upstreamFails()
        try fixture.upstreamConnects()
        let last = Set(fixture.dialed.suffix(2).map(\.address))
        #expect(last == Set(Self.addresses.prefix(2)))
        fixture.finish()
    }

    @Test("dials no other once its visitor has left, and gives a late connection back")
    func left() throws {
        let fixture = OpeningFixture(upstreams: 2)
        fixture.start()
        fixture.stream.cut()
        fixture.pass(.milliseconds(1))
        fixture.upstreamFails()
        #expect(fixture.runningDials == 0 && fixture.dialed.count == 1)
        #expect(fixture.pool.snapshots().map(\.active) == [0, 0])
        let late = OpeningFixture(upstreams: 2)
        late.start()
        late.stream.cut()
        late.pass(.milliseconds(1))
        let channel = try late.upstreamConnects()
        #expect(!channel.isActive)
        #expect(late.pool.snapshots().map(\.active) == [0, 0])
        for fixture in [fixture, late] { fixture.finish() }
    }

    @Test("counts as dialed in whole where the upstream is alone")
    func alone() throws {
        let fixture = OpeningFixture()
        fixture.start()
        guard case .whole? = fixture.dialed.first?.limit else {
            Issue.record("a part of the time for one that is alone")
            return
        }
        fixture.upstreamFails()
        #expect(fixture.answers.first??.error == OpeningFixture.down)
        fixture.finish()
    }

    @Test("that all find one upstream down eject it, which is told once")
    func ejection() {
        let told = Told()
        let pool = UpstreamPool(observer: told)
        let upstreams = (1...2).map { Upstream(address: .tcp(host: "127.0.0.1", service: "\($0)")) }
        let lineup = pool.configure(upstreams)
        let now = ContinuousClock.now
        for _ in 0..<20 {
            guard let (place, lease) = lineup.pick(for: nil, besides: UpstreamSet(), at: now), let lease else {
                continue
            }
            guard place == 0 else {
                pool.connected(lease, at: now)
                pool.released(lease, isBroken: false)
                continue
            }
            pool.failed(lease, OpeningFixture.down, since: now, at: now)
        }
        #expect(told.effects.value.count == 1)
        guard case .ejected(upstreams[0].address, OpeningFixture.down, _)? = told.effects.value.first else {
            Issue.record("\(told.effects.value)")
            return
        }
        let states = pool.snapshots(at: now)
        guard case .ejected(let rest) = states[0].state else {
            Issue.record("\(states)")
            return
        }
        #expect(rest == UpstreamPoolStateMachine.ejections.lowerBound)
        #expect(states[0].share == 0 && states[1].share == 1)
        // A list that came before a change names its own upstreams, and the pool counts nothing.
        _ = pool.configure([upstreams[1]])
        let old = lineup.pick(for: nil, besides: UpstreamSet(), at: now)
        #expect(old?.place == 0 && old?.lease == nil)
    }
}

@Suite("A check of an upstream", .serialized, .timeLimit(.hang))
struct UpstreamCheckTests {
    private static func check(
        _ address: UpstreamAddress,
        _ check: UpstreamHealthOptions.Check,
        timeout: Duration = testTimeout
    ) async -> RstreamError? {
        let upstream = Upstream(address: address)
        let health = UpstreamHealthOptions(timeout: timeout, check: check)
        return await upstream.check(health, on: MultiThreadedEventLoopGroup.singleton.any())
    }

    @Test("passes by TCP when the service takes connections")
    func tcp() async throws {
        try await TestServer.with(.echo) { server in
            #expect(await Self.check(.port(server.port), .tcp) == nil)
        }
        let error = await Self.check(.port(1), .tcp)
        #expect(error?.what == "upstream 127.0.0.1:1 refuses connections")
    }

    @Test("does not pass by HTTP when the answer is another protocol's, or does not come")
    func http() async throws {
        try await TestServer.with(.echo) { server in
            // The request comes back.
            let error = await Self.check(.port(server.port), .http(.init()))
            #expect(error?.what == "upstream 127.0.0.1:\(server.port): the answer is not HTTP/1")
        }
    }

    @Test("passes by HTTP when the answer has a wanted status", arguments: [(200, true), (204, true), (503, false)])
    func status(status: Int, passes: Bool) async throws {
        try await TestServer.with(.manual) { server in
            let check = UpstreamHealthOptions.HTTPCheck(path: "/up", host: "app.test", statuses: 200...299)
            async let found = Self.check(.port(server.port), .http(check))
            let service = try await server.connection()
            let request = "GET /up HTTP/1.1\r\nHost: app.test\r\nUser-Agent: rstreamd\r\nConnection: close\r\n\r\n"
            #expect(try await service.receive(asLongAs: request) == request)
            try await service.send("HTTP/1.1 \(status) Whatever\r\nContent-Length: 0\r\n\r\n")
            let error = await found
            let reason = "upstream 127.0.0.1:\(server.port): the answer has status \(status)"
            #expect(error?.what == (passes ? nil : reason))
            try await service.waitForClose()
        }
    }

    @Test("does not wait longer than its timeout for an answer")
    func silence() async throws {
        try await TemporaryFolder.with { folder in
            // Connecting to a Unix socket takes no time, so all of the timeout is the answer's.
            let path = folder.path(of: "s")
            try await TestServer.with(.silent, at: .unix(path: path)) { _ in
                let error = await Self.check(.unix(path: path), .http(.init()), timeout: .milliseconds(200))
                #expect(error?.what == "upstream \(UpstreamAddress.unix(path: path)): no answer within health.timeout")
            }
        }
    }
}
