// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import Testing

@Suite("How many connections are kept warm")
struct PrewarmTests {
    /// What a trace comes to, with handshakes of 50 ms.
    private struct Result: Hashable {
        let trace: String
        let hits: Int
        let misses: Int
        /// Connections that no stream took.
        let unused: Int
    }

    private static let traces: [PrewarmTrace] = [
        .poisson(0.1, for: .seconds(1_200)), .poisson(1), .poisson(10), .poisson(100, for: .seconds(30)),
        .poisson(500, for: .seconds(6)),
        .bursts(
            of: 50,
            within: .seconds(1),
            after: .seconds(60),
            times: 10,
            "50 within a second after a minute of silence"
        ),
        .bursts(
            of: 50,
            within: .milliseconds(200),
            after: .seconds(60),
            times: 10,
            "50 at once after a minute of silence"
        ),
        .bursts(of: 6, within: .milliseconds(90), after: .seconds(3), times: 20, "a page of 6 every 3 seconds"),
        .bursts(of: 6, within: .milliseconds(90), after: .seconds(15), times: 20, "a page of 6 every 15 seconds"),
    ]

    @Test("is right for traffic of every kind: hits, misses and waste")
    func results() {
        let results = Self.traces.map { trace in
            var run = PrewarmRun()
            run.run(trace)
            let counts = run.machine.counts
            return Result(
                trace: trace.name,
                hits: counts.hits,
                misses: counts.misses,
                unused: counts.aged + counts.wasted
            )
        }
        let expected = [
            Result(trace: "0.1 a second", hits: 1, misses: 108, unused: 4),
            Result(trace: "1.0 a second", hits: 90, misses: 19, unused: 6),
            Result(trace: "10.0 a second", hits: 1_220, misses: 9, unused: 4),
            Result(trace: "100.0 a second", hits: 2_971, misses: 15, unused: 16),
            // More than 16 connections bring in at 50 ms each.
            Result(trace: "500.0 a second", hits: 1_729, misses: 1_257, unused: 16),
            Result(trace: "50 within a second after a minute of silence", hits: 420, misses: 80, unused: 50),
            Result(trace: "50 at once after a minute of silence", hits: 120, misses: 380, unused: 160),
            Result(trace: "a page of 6 every 3 seconds", hits: 110, misses: 10, unused: 6),
            // Connections do not live from one page to the next.
            Result(trace: "a page of 6 every 15 seconds", hits: 0, misses: 120, unused: 0),
        ]
        for (result, expected) in zip(results, expected) { #expect(result == expected) }
        #expect(results.count == expected.count)
    }

    @Test("is never above the maximum, never older than the limit, and none in the end", arguments: traces)
    func limits(trace: PrewarmTrace) {
        for (maximum, maxAge) in [(1, Duration.seconds(1)), (40, .seconds(20))] {
            var run = PrewarmRun(.init(maximum: maximum, maxAge: maxAge))
            run.run(trace)
            #expect(run.mostAtOnce <= maximum)
            // A stream may withhold its first frame for a second more.
            let lifetime = max(maxAge - .seconds(1), maxAge / 2)
            #expect(run.oldestTaken < lifetime)
            #expect(run.oldestKept <= lifetime)
            #expect(run.machine.total == 0)
        }
    }

    @Test("costs one handshake for each stream and each unused connection, no more", arguments: traces)
    func handshakes(trace: PrewarmTrace) {
        var run = PrewarmRun(.init(maximum: 8))
        run.run(trace)
        let counts = run.machine.counts
        #expect(counts.hits + counts.misses == trace.arrivals.count)
        #expect(counts.hits == run.taken)
        #expect(run.dials == counts.hits + counts.aged + counts.wasted)
    }

    @Test("is none for streams that come alone: each dials for itself, and nothing is dialed beside it")
    func quiet() {
        var run = PrewarmRun()
        run.run(.bursts(of: 1, within: .zero, after: .seconds(6), times: 100, "one every 6 seconds"))
        #expect(run.dials == 0)
        #expect(run.machine.counts == PrewarmCounts(misses: 100))
    }

    @Test("is always the maximum with fixed, before the first stream and without any")
    func fixed() {
        var run = PrewarmRun(.init(mode: .fixed, maximum: 4))
        run.run(.bursts(of: 4, within: .zero, after: .seconds(10), times: 10, "4 at once"), silence: .seconds(1))
        #expect(run.machine.counts.hits == 40)
        #expect(run.machine.counts.misses == 0)
        #expect(run.mostAtOnce == 4)
        #expect(run.machine.warm == 4)
    }

    @Test("is none with off")
    func off() {
        var run = PrewarmRun(.init(mode: .off))
        run.run(.poisson(100, for: .seconds(10)))
        #expect(run.dials == 0)
    }

    // MARK: Engines

    @Test("goes by the age at which the engine closes silent connections, once one was closed")
    func patience() {
        var run = PrewarmRun(engine: .init(patience: .seconds(2)))
        run.run(.poisson(1))
        #expect(run.machine.counts.wasted == 1)
        #expect(run.oldestTaken < .seconds(2))
        #expect(run.machine.counts.hits > 0)
    }

    @Test("is none for an engine that closes them soon", arguments: [TransportOptions.Prewarm.Mode.auto, .fixed])
    func dislike(mode: TransportOptions.Prewarm.Mode) {
        var run = PrewarmRun(.init(mode: mode, maximum: 8), engine: .init(patience: .milliseconds(30)))
        run.run(.bursts(of: 6, within: .milliseconds(90), after: .seconds(2), times: 100, "a page every 2 seconds"))
        #expect(run.machine.total == 0)
        #expect(run.dials <= 16)
    }

    @Test("is tried again after ten minutes: one that was closed early may have been an accident")
    func forgiving() {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 1), loops: 1)
        let start = ContinuousClock.now
        let first = machine.started(at: start).dials
        machine.dialed(first[0].id, at: start)
        let closed = machine.closedByEngine(first[0].id, at: start)
        #expect(closed == PrewarmStateMachine.Action())
        #expect(machine.deadline(at: start) == start.advanced(by: .seconds(600)))
        let again = machine.timerFired(at: start.advanced(by: .seconds(600)))
        #expect(again.dials.count == 1)
    }

    @Test(
        "backs off while dials fail: 1 s, 2 s, 4 s and so on",
        arguments: [TransportOptions.Prewarm.Mode.auto, .fixed]
    )
    func failing(mode: TransportOptions.Prewarm.Mode) {
        var run = PrewarmRun(.init(mode: mode, maximum: 16), engine: .init(isDown: true))
        run.run(.poisson(100, for: .seconds(60)), silence: .zero)
        // At 0, 1, 3, 7, 15 and 31 seconds.
        #expect(run.dials <= 6 * 16)
        #expect(run.machine.counts.hits == 0)
    }

    @Test("takes the death of one in a stream's hands for the engine's dislike of its age")
    func died() throws {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 1), loops: 1)
        let start = ContinuousClock.now
        let taking = start.advanced(by: .seconds(3))
        machine.dialed(machine.started(at: start).dials[0].id, at: start)
        let (taken, _) = machine.arrived(at: taking)
        let refill = machine.used(try #require(taken), at: taking)
        machine.dialed(refill.dials[0].id, at: taking)
        let action = machine.takenDied(age: .seconds(3), at: taking)
        #expect(action == PrewarmStateMachine.Action())
        #expect(machine.counts == PrewarmCounts(hits: 1, wasted: 1))
        #expect(machine.deadline(at: taking) == taking.advanced(by: .milliseconds(1_250)))
    }

    // MARK: Streams that are refused

    @Test("costs no handshake for streams that are refused: each gives its connection back")
    func refused() {
        for mode in [TransportOptions.Prewarm.Mode.auto, .fixed] {
            var run = PrewarmRun(.init(mode: mode), returns: .milliseconds(1))
            run.run(.poisson(500, for: .seconds(3)), silence: .zero)
            #expect(run.dials == 16)
            #expect(run.machine.counts.hits == 0)
            #expect(run.machine.counts.wasted == 0)
            #expect(run.mostAtOnce == 16)
        }
    }

    @Test("gives a connection that came back to the next stream, the oldest first as before")
    func returned() throws {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 2), loops: 1)
        let start = ContinuousClock.now
        for dial in machine.started(at: start).dials { machine.dialed(dial.id, at: start) }
        let (first, action) = machine.arrived(at: start)
        #expect(action == PrewarmStateMachine.Action())
        #expect(machine.warm == 1)
        #expect(machine.total == 2)
        let back = machine.returned(try #require(first), at: start)
        #expect(back == PrewarmStateMachine.Action())
        #expect(machine.warm == 2)
        let (second, _) = machine.arrived(at: start)
        #expect(second == first)
        #expect(machine.counts == PrewarmCounts())
    }

    @Test("drops a connection that comes back too old, or after a change")
    func returnedLate() throws {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 1), loops: 1)
        let start = ContinuousClock.now
        machine.dialed(machine.started(at: start).dials[0].id, at: start)
        let old = try #require(machine.arrived(at: start).connection)
        let end = start.advanced(by: .seconds(5))
        let aged = machine.returned(old, at: end)
        #expect(aged.drops == [old])
        #expect(aged.dials.count == 1)
        #expect(machine.counts == PrewarmCounts(aged: 1))
        machine.dialed(aged.dials[0].id, at: end)
        let other = try #require(machine.arrived(at: end).connection)
        _ = machine.changed(at: end)
        let late = machine.returned(other, at: end)
        #expect(late == PrewarmStateMachine.Action(drops: [other]))
        #expect(machine.counts == PrewarmCounts(wasted: 1, aged: 1))
    }

    @Test("replaces a connection that dies before the stream that got it uses it, which dials")
    func diedUnused() throws {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 1), loops: 1)
        let start = ContinuousClock.now
        machine.dialed(machine.started(at: start).dials[0].id, at: start)
        let taken = try #require(machine.arrived(at: start).connection)
        let action = machine.closedByEngine(taken, at: start.advanced(by: .seconds(4)))
        #expect(action.dials.count == 1)
        #expect(machine.counts == PrewarmCounts(wasted: 1))
    }

    // MARK: Event loops

    @Test("is spread over the event loops, and a stream that has its loop gets one that lives there")
    func loops() {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 4), loops: 4)
        let start = ContinuousClock.now
        let dials = machine.started(at: start).dials
        #expect(dials.map(\.loop) == [0, 1, 2, 3])
        for dial in dials { machine.dialed(dial.id, at: start) }
        let (first, _) = machine.arrived(on: 2, at: start)
        #expect(first == dials[2].id)
        let refill = machine.used(dials[2].id, at: start)
        #expect(refill.dials.map(\.loop) == [2])
        // The new one is not there yet.
        let (second, _) = machine.arrived(on: 2, at: start)
        #expect(second == nil)
        let (third, _) = machine.arrived(at: start)
        #expect(third == dials[0].id)
    }

    // MARK: Ends

    @Test("drops all of them when what they were dialed with changes, and warms others")
    func changed() {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 2), loops: 1)
        let start = ContinuousClock.now
        let dials = machine.started(at: start).dials
        machine.dialed(dials[0].id, at: start)
        let action = machine.changed(at: start)
        #expect(action.drops == dials.map(\.id))
        #expect(action.dials.count == 2)
        #expect(machine.counts == PrewarmCounts(wasted: 2))
        // Late news of one that is gone changes nothing.
        machine.dialed(dials[1].id, at: start)
        let late = machine.closedByEngine(dials[0].id, at: start)
        #expect(late == PrewarmStateMachine.Action())
        #expect(machine.warm == 0)
    }

    @Test("dials at once after a change, although dials have failed before")
    func changedWhileDown() {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 1), loops: 1)
        let start = ContinuousClock.now
        machine.dialFailed(machine.started(at: start).dials[0].id, at: start)
        let early = machine.timerFired(at: start)
        #expect(early == PrewarmStateMachine.Action())
        let action = machine.changed(at: start)
        #expect(action.dials.count == 1)
    }

    @Test("is no more than is affordable: the newest are dropped, and others dialed when there is room again")
    func limited() {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 4), loops: 1)
        let start = ContinuousClock.now
        // Nothing is dialed before the control channel is open.
        let early = [machine.limited(to: 100, at: start), machine.changed(at: start)]
        #expect(early == [PrewarmStateMachine.Action(), PrewarmStateMachine.Action()])
        let dials = machine.started(at: start).dials
        #expect(dials.count == 4)
        for dial in dials { machine.dialed(dial.id, at: start) }
        for _ in 0..<2 { _ = machine.arrived(at: start) }
        let fewer = machine.limited(to: 2, at: start)
        #expect(fewer == PrewarmStateMachine.Action(drops: [dials[3].id, dials[2].id]))
        #expect(machine.total == 2)
        #expect(machine.counts == PrewarmCounts(wasted: 2))
        // Both are lent.
        let none = machine.limited(to: 0, at: start)
        #expect(none == PrewarmStateMachine.Action())
        let first = machine.returned(dials[0].id, at: start)
        #expect(first == PrewarmStateMachine.Action(drops: [dials[0].id]))
        let second = machine.returned(dials[1].id, at: start)
        #expect(second == PrewarmStateMachine.Action())
        let more = machine.limited(to: 100, at: start)
        #expect(more.dials.count == 3)
    }

    @Test("is none once the control channel has ended")
    func stopped() {
        var machine = PrewarmStateMachine(.init(mode: .fixed, maximum: 2), loops: 1)
        let start = ContinuousClock.now
        let dials = machine.started(at: start).dials
        let action = machine.stopped()
        #expect(action == PrewarmStateMachine.Action(drops: dials.map(\.id)))
        let (taken, after) = machine.arrived(at: start)
        #expect(taken == nil)
        #expect(after == PrewarmStateMachine.Action())
        #expect(machine.deadline(at: start) == nil)
    }
}
