// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport

/// Daemons that die again and again while their engine is gone, and are started again by systemd: each process goes on
/// with the ``ReconnectSchedule`` that the one before has stored, as `EngineSession` does with its `ReconnectStore`.
struct CrashLoop {
    /// When a process dies.
    enum Death {
        /// Some time after it has started, whatever it does.
        case sometime(ClosedRange<Int>)
        /// While it dials, as with an answer of the engine that kills it; the schedule of the attempt is all that it leaves.
        case whileDialing
        /// Not at all.
        case never
    }

    var size = 500
    var seed: UInt64 = 1
    var policy = ReconnectPolicy()
    let death: Death
    /// False for daemons that forget the schedule.
    var keepsSchedule = true
    let length: Duration

    /// The time from an attempt to its failure.
    private static let dial = Duration.milliseconds(50)
    /// The time from the death of a process to the start of the next one.
    private static let restart = Duration.milliseconds(100)
    private static let epoch = UTCTime(seconds: 1_700_000_000)

    /// What the engine sees, and the attempts that came before the time that a process had stored for them.
    func run() -> (arrivals: Fleet.Arrivals, early: Int) {
        var (arrivals, early) = (Fleet.Arrivals(), 0)
        for index in 0..<size {
            var random = SplitMix(seed: seed &* 1_000_003 &+ UInt64(index))
            var schedule: ReconnectSchedule?
            // Processes that were started at the same moment would be a fleet that no outage makes.
            var now = Duration.milliseconds(Int.random(in: 0..<1_000, using: &random))
            while now < length {
                let end = end(of: now, using: &random)
                let died = live(from: now, to: end, &schedule, &arrivals, &early, &random)
                now = died + Self.restart
                if !keepsSchedule { schedule = nil }
            }
        }
        return (arrivals, early)
    }

    private func end(of start: Duration, using random: inout SplitMix) -> Duration {
        switch death {
        case .sometime(let milliseconds): start + .milliseconds(Int.random(in: milliseconds, using: &random))
        case .whileDialing, .never: length
        }
    }

    /// One process, until its death, which is returned.
    private func live(
        from start: Duration,
        to latest: Duration,
        _ schedule: inout ReconnectSchedule?,
        _ arrivals: inout Fleet.Arrivals,
        _ early: inout Int,
        _ random: inout SplitMix
    ) -> Duration {
        var now = start
        var machine = SessionStateMachine(policy: policy)
        var actions = schedule.map { machine.started(resuming: $0, at: Self.time(start)) } ?? machine.started()
        while now < latest {
            if let (generation, wait) = Fleet.retry(in: actions) {
                schedule = machine.schedule(at: Self.time(now), wait: wait, using: &random)
                now += wait
                guard now < latest else { return latest }
                actions = machine.retryTimerFired(generation: generation)
            }
            guard actions == [.connect] else { return latest }
            // To the millisecond, as times are stored.
            if let schedule, Self.time(now) < schedule.nextAttemptAt { early += 1 }
            arrivals.add(at: now)
            schedule = machine.schedule(at: Self.time(now), wait: nil, using: &random)
            now += Self.dial
            if case .whileDialing = death { return now }
            guard now < latest else { return latest }
            actions = machine.connectFailed(Fleet.loss, using: &random)
        }
        return latest
    }

    private static func time(_ now: Duration) -> UTCTime { epoch.advanced(by: now) }
}
