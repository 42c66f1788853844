// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("a session goes on with the schedule of the process before it")
struct ReconnectScheduleTests {
    private static let policy = ReconnectPolicy(minimum: .seconds(1), maximum: .seconds(8), rejected: .seconds(300))
    private static let now = UTCTime(milliseconds: 1_700_000_000_000)
    private static let refusal = RstreamError(code: .engine, origin: .engine, retry: .afterReload, what: "no")
    private static let silence = RstreamError(code: .engine, origin: .engine, retry: .afterBackoff, what: "no")

    private static func schedule(in wait: Duration, attempt: Int = 3, isRejected: Bool = false) -> ReconnectSchedule {
        ReconnectSchedule(attempt: attempt, isRejected: isRejected, nextAttemptAt: now.advanced(by: wait))
    }

    @Test("it waits for what is left, as the session that it was, and then dials")
    func waits() {
        for isRejected in [false, true] {
            var machine = SessionStateMachine(policy: Self.policy)
            let schedule = Self.schedule(in: .seconds(5), isRejected: isRejected)
            let actions = machine.started(resuming: schedule, at: Self.now)
            let change = SessionStateMachine.OutageChange.began(schedule.cause)
            #expect(actions == [.scheduleRetry(generation: 1, after: .seconds(5), change)])
            #expect(machine.outage?.what.contains(isRejected ? "rejected" : "failed") == true)
            #expect(machine.outage?.fix?.contains("rstreamctl reconnect") == true)
            #expect(machine.state == (isRejected ? .rejected : .waiting))
            var random = SplitMix(seed: 1)
            let stored = machine.schedule(at: Self.now, wait: .seconds(5), using: &random)
            #expect(stored == schedule)
            #expect(machine.retryTimerFired(generation: 1) == [.connect])
            #expect(machine.attempt == 4)
        }
    }

    @Test("it never waits longer than it would by itself, whatever the clock did, and dials when the time is over")
    func bounds() {
        let cases: [(Duration, Bool, Duration)] = [
            (.seconds(86_400), false, .seconds(8)), (.seconds(86_400), true, .seconds(300)),
            (.zero, false, .zero), (.seconds(-1), true, .zero), (.seconds(-86_400 * 10_000), false, .zero),
        ]
        for (left, isRejected, wait) in cases {
            let schedule = Self.schedule(in: left, isRejected: isRejected)
            #expect(schedule.wait(at: Self.now, Self.policy) == wait)
            var machine = SessionStateMachine(policy: Self.policy)
            let actions = machine.started(resuming: schedule, at: Self.now)
            #expect((actions == [.connect]) == (wait == .zero))
        }
    }

    @Test("no number of attempts that a file may hold ends the process", arguments: [Int.min, -1, 0, .max])
    func absurd(attempt: Int) {
        var machine = SessionStateMachine(policy: Self.policy)
        let actions = machine.started(resuming: Self.schedule(in: .zero, attempt: attempt), at: Self.now)
        #expect(actions == [.connect])
        #expect(machine.attempt > 0)
    }

    @Test("the backoff goes on where it was, and an operator or a reload does not wait")
    func backoff() {
        var random = SplitMix(seed: 7)
        var machine = SessionStateMachine(policy: Self.policy)
        _ = machine.started(resuming: Self.schedule(in: .zero, attempt: 20), at: Self.now)
        var waits: [Duration] = []
        for generation in 0..<40 {
            for case .scheduleRetry(let fired, let after, _) in machine.connectFailed(Self.silence, using: &random) {
                waits.append(after)
                _ = machine.retryTimerFired(generation: fired)
            }
            #expect(waits.count == generation + 1)
        }
        #expect(waits.contains { $0 > .seconds(4) } && waits.allSatisfy { $0 <= .seconds(8) })
        var asked = SessionStateMachine(policy: Self.policy)
        _ = asked.started(resuming: Self.schedule(in: .seconds(5)), at: Self.now)
        #expect(asked.retryRequested() == [.connect])
    }

    @Test("while it dials the attempt counts as failed, and while traffic flows there is no schedule")
    func kept() {
        var random = SplitMix(seed: 1)
        var machine = SessionStateMachine(policy: Self.policy)
        _ = machine.started()
        let dialing = machine.schedule(at: Self.now, wait: nil, using: &random)
        #expect(dialing?.attempt == 1 && dialing?.isRejected == false)
        // A random part of the step, as after any failure: agents that one answer kills do not come back together.
        for (attempt, step) in [(Int.min, 1), (1, 1), (2, 2), (3, 4), (4, 8), (60, 8), (.max, 8)] {
            let waits = (0..<50).map { _ in
                Self.now.duration(
                    to: ReconnectSchedule.dialing(attempt: attempt, at: Self.now, Self.policy, using: &random)
                        .nextAttemptAt
                )
            }
            #expect(waits.allSatisfy { $0 > .zero && $0 <= .seconds(step) }, "\(attempt)")
            #expect(waits.contains { $0 > .seconds(step) / 2 } && waits.contains { $0 < .seconds(step) / 2 })
        }
        _ = machine.connectFailed(Self.refusal, using: &random)
        let rejected = machine.schedule(at: Self.now, wait: .seconds(300), using: &random)
        #expect(rejected == Self.schedule(in: .seconds(300), attempt: 1, isRejected: true))
        _ = machine.retryRequested()
        _ = machine.connected()
        _ = machine.serving()
        let online = machine.schedule(at: Self.now, wait: nil, using: &random)
        #expect(online == nil)
    }
}
