// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamCore
import RstreamDaemonModel
import RstreamModel
import RstreamSocket
import RstreamTestSupport
import Testing

@testable import Rstream
@testable import RstreamRelay

@Suite("A tunnel's stream that is opened")
struct StreamOpeningTests {
    /// Runs `body` with a stream that was started, and ends what is left of it.
    private func with(holdTimeout: Duration = .zero, _ body: (OpeningFixture) throws -> Void) throws {
        let fixture = OpeningFixture(holdTimeout: holdTimeout)
        fixture.start()
        try body(fixture)
        fixture.stream.cut()
        fixture.finish()
        #expect(fixture.answers.count == 1)
        #expect(fixture.table.activeCount == 0)
    }

    @Test("dials both halves at once, and writes the request when its upstream is connected")
    func healthy() throws {
        try with { fixture in
            #expect((fixture.engine.opens, fixture.runningDials) == (1, 1))
            #expect(!fixture.engine.isReleased)
            try fixture.upstreamConnects()
            #expect(fixture.engine.isReleased)
            #expect(fixture.answers.isEmpty)
            try fixture.engineArrives()
            #expect(fixture.answers.map(\.?.error) == [nil])
            #expect(fixture.ledger.snapshots.map(\.state) == [.relaying])
        }
    }

    @Test("is answered with an error, and its engine half dropped unrequested, when its upstream refuses")
    func refused() throws {
        try with { fixture in
            fixture.upstreamFails(OpeningFixture.down)
            #expect(fixture.answers.map(\.?.error) == [OpeningFixture.down])
            #expect(fixture.answers.map(\.?.stage) == [.upstream])
            #expect(fixture.engine.cancels == [OpeningFixture.down])
            #expect(!fixture.engine.isReleased)
            #expect(fixture.ledger.totals.ended == [.upstreamFailed: 1])
        }
    }

    @Test("is taken when its upstream needs longer, and closed in order when that fails then")
    func slow() throws {
        try with { fixture in
            fixture.pass(.milliseconds(999))
            #expect(!fixture.engine.isReleased)
            fixture.pass(.milliseconds(1))
            #expect(fixture.engine.isReleased)
            let downstream = try fixture.engineArrives()
            #expect(fixture.answers.map(\.?.error) == [nil])
            fixture.upstreamFails(OpeningFixture.down)
            // The close waits for the engine's goodbye; a reset would not.
            #expect(downstream.isActive)
            fixture.pass(.seconds(1))
            #expect(!downstream.isActive)
            #expect(fixture.ledger.totals.ended == [.upstreamFailed: 1])
        }
    }

    @Test("is refused although its request may be written, as long as the engine half is not there")
    func refusedLate() throws {
        try with { fixture in
            fixture.pass(.seconds(1))
            fixture.upstreamFails(OpeningFixture.down)
            #expect(fixture.answers.map(\.?.stage) == [.upstream])
            #expect(fixture.engine.cancels.count == 1)
        }
    }

    @Test("that is held is taken after the same time, and served when its upstream is there", arguments: [true, false])
    func held(inTime: Bool) throws {
        try with(holdTimeout: .seconds(600)) { fixture in
            fixture.upstreamFails(OpeningFixture.down)
            #expect(fixture.answers.isEmpty)
            #expect(fixture.ledger.snapshots.map(\.state) == [.holding])
            if !inTime {
                fixture.pass(.seconds(1))
                #expect(fixture.engine.isReleased)
                try fixture.engineArrives()
                #expect(fixture.answers.map(\.?.error) == [nil])
            }
            fixture.pass(.seconds(2))
            #expect(fixture.runningDials == 1)
            try fixture.upstreamConnects()
            if inTime { try fixture.engineArrives() }
            #expect(fixture.answers.map(\.?.error) == [nil])
            #expect(fixture.ledger.snapshots.map(\.state) == [.relaying])
        }
    }

    @Test("is not held for a failure that waiting cannot change")
    func final() throws {
        try with(holdTimeout: .seconds(600)) { fixture in
            fixture.upstreamFails(OpeningFixture.forbidden)
            #expect(fixture.answers.map(\.?.error) == [OpeningFixture.forbidden])
        }
    }

    @Test("is cut with an error to the engine before it is taken, with a reset afterwards", arguments: [true, false])
    func cut(isTaken: Bool) throws {
        try with { fixture in
            var downstream: EmbeddedChannel?
            if isTaken {
                fixture.pass(.seconds(1))
                downstream = try fixture.engineArrives()
            }
            fixture.stream.cut()
            fixture.pass(.zero)
            #expect(fixture.answers.map(\.?.error) == [isTaken ? nil : .wasCut])
            #expect(fixture.ledger.totals.ended == [.cut: 1])
            #expect(fixture.engine.cancels.count == (isTaken ? 0 : 1))
            #expect(downstream?.isActive != true)
        }
    }

    @Test("ends with its tunnel before it is taken, and outlives it afterwards", arguments: [true, false])
    func tunnelClosed(isTaken: Bool) throws {
        try with { fixture in
            if isTaken {
                fixture.pass(.seconds(1))
                try fixture.engineArrives()
            }
            fixture.opening?.cancel(OpeningFixture.tunnelClosed)
            #expect(fixture.table.activeCount == (isTaken ? 1 : 0))
            #expect(fixture.answers.map(\.?.error) == [isTaken ? nil : OpeningFixture.tunnelClosed])
        }
    }

    @Test("ends when its visitor leaves while the upstream is dialed, and drops an upstream that answers then")
    func visitorGone() throws {
        try with { fixture in
            fixture.pass(.seconds(1))
            try fixture.engineArrives().abort()
            fixture.pass(.zero)
            #expect(fixture.ledger.totals.ended == [.visitorReset: 1])
            #expect(try !fixture.upstreamConnects().isActive)
        }
    }

    @Test("drops its upstream when the engine half fails")
    func engineFails() throws {
        try with { fixture in
            let upstream = try fixture.upstreamConnects()
            fixture.engine.fail(OpeningFixture.unreachable)
            #expect(fixture.answers.map(\.?.stage) == [.connection])
            #expect(!upstream.isActive)
            #expect(fixture.ledger.totals.ended == [.lost: 1])
        }
    }

    @Test(
        "is answered once and leaves no connection open, whatever happens to it",
        arguments: 1...300 as ClosedRange<UInt64>
    )
    func walk(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let fixture = OpeningFixture(holdTimeout: Bool.random(using: &random) ? .seconds(600) : .zero)
        var passed = Duration.zero
        var done: [String] = []
        fixture.start()
        for _ in 0..<20 {
            let wasOver = fixture.table.activeCount == 0
            switch Int.random(in: 0..<9, using: &random) {
            case 0 where fixture.runningDials > 0:
                done.append("upstream connects")
                try fixture.upstreamConnects()
            case 1 where fixture.runningDials > 0:
                done.append("upstream fails")
                fixture.upstreamFails(Bool.random(using: &random) ? OpeningFixture.down : OpeningFixture.forbidden)
            case 2 where fixture.engine.isOpening && fixture.engine.isReleased:
                done.append("engine arrives")
                try fixture.engineArrives()
            case 3 where fixture.engine.isOpening:
                done.append("engine fails")
                fixture.engine.fail(OpeningFixture.unreachable)
            case 4 where fixture.downstream != nil:
                done.append("visitor leaves")
                fixture.downstream?.abort()
            case 5 where Int.random(in: 0..<4, using: &random) == 0:
                done.append("cut")
                fixture.stream.cut()
            case 6 where Int.random(in: 0..<4, using: &random) == 0:
                done.append("tunnel closed")
                fixture.opening?.cancel(OpeningFixture.tunnelClosed)
            case 7, 8:
                let time = Int64.random(in: 1...700, using: &random)
                done.append("\(time) ms pass")
                passed += .milliseconds(time)
                fixture.pass(.milliseconds(time))
            default: continue
            }
            fixture.pass(.zero)
            #expect(fixture.answers.count <= 1, "seed \(seed): \(done)")
            if fixture.engine.isReleased {
                let isDue = passed >= OpeningFixture.requestDelay || !fixture.upstreams.isEmpty
                #expect(isDue, "seed \(seed): \(done)")
            }
            if wasOver { #expect(fixture.table.activeCount == 0, "seed \(seed): \(done)") }
        }
        fixture.stream.cut()
        fixture.pass(.zero)
        let totals = fixture.ledger.totals
        fixture.finish()
        #expect(fixture.answers.count == 1, "seed \(seed): \(done)")
        #expect((totals.active, totals.total) == (0, 1), "seed \(seed): \(done)")
        #expect(fixture.engine.opens <= 1, "seed \(seed): \(done)")
        for channel in fixture.upstreams + [fixture.downstream].compactMap({ $0 }) {
            #expect(!channel.isActive, "seed \(seed): \(done)")
        }
    }
}
