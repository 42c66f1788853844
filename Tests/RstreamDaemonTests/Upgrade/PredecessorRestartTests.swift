// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import Testing

@testable import RstreamDaemon

@Suite("A daemon that systemd restarts")
struct PredecessorRestartTests {
    private static let timeouts = PredecessorStateMachine.Timeouts()
    private static let hello = UpgradeMessage.hello(version: UpgradeMessage.version, program: "2.0", pid: 7)

    private static func left() -> PredecessorStateMachine {
        var machine = PredecessorStateMachine()
        _ = machine.restartRequested()
        return machine
    }

    @Test("leaves, serves, and hands over to the program that systemd starts")
    func course() {
        var machine = PredecessorStateMachine()
        let asked = machine.restartRequested()
        #expect(asked == [.leave, .setRestartTime(Self.timeouts.restart)])
        #expect(machine.isUnderWay)
        let greeted = machine.received(Self.hello)
        #expect(greeted == [.setDeadline(Self.timeouts.ready)])
        let ready = machine.received(.ready)
        #expect(ready.first == .send(.begin))
        let done = machine.received(.done(drainSeconds: 60))
        #expect(
            done == [.cancelDeadline, .retire(drain: .seconds(60)), .answer(.takenOver(pid: 7, program: "2.0"))]
        )
        let late = machine.restartTimePassed()
        #expect(late.isEmpty)
    }

    @Test("a program that takes over before it is ready gets everything")
    func insisted() {
        var machine = Self.left()
        _ = machine.received(Self.hello)
        let done = machine.received(.done(drainSeconds: 60))
        #expect(done.contains(.retire(drain: .seconds(60))))
        var stranger = Self.left()
        _ = stranger.received(.done(drainSeconds: 60))
        if case .ending = stranger.state {} else { Issue.record("\(stranger.state)") }
    }

    @Test("after a program that fails it asks systemd, and leaves another connection for the next one")
    func again() {
        var machine = Self.left()
        _ = machine.received(Self.hello)
        let refused = machine.received(.refused(reason: "the configuration has errors", diagnostics: []))
        #expect(refused.last == .setDeadline(Self.timeouts.ending))
        let ended = machine.ended()
        #expect(
            ended == [
                .cancelDeadline, .hangUp, .takeBack, .answer(.failed(UpgradeFailure("the configuration has errors"))),
                .ask, .setDeadline(Self.timeouts.answer),
            ]
        )
        #expect(machine.isUnderWay)
        let answered = machine.answered(mayStart: true)
        #expect(answered == [.cancelDeadline, .leave])
        let greeted = machine.received(Self.hello)
        #expect(greeted == [.setDeadline(Self.timeouts.ready)])
    }

    @Test("stops when systemd has closed the connection and starts nothing, or does not say what it does")
    func stopped() {
        var machine = Self.left()
        let ended = machine.ended()
        #expect(ended == [.cancelDeadline, .hangUp, .ask, .setDeadline(Self.timeouts.answer)])
        let answered = machine.answered(mayStart: false)
        #expect(answered == [.cancelDeadline, .stop(UpgradeFailure("systemd starts no other process"))])
        #expect(machine.state == .stopped)

        var silent = Self.left()
        _ = silent.ended()
        let late = silent.deadlinePassed()
        #expect(late.last == .stop(UpgradeFailure("systemd starts no other process")))
    }

    @Test("stops when no program has begun in time; one that has begun may go on")
    func late() {
        var machine = Self.left()
        let late = machine.restartTimePassed()
        #expect(late == [.cancelDeadline, .stop(UpgradeFailure("no process has taken over within 90 s"))])

        var begun = Self.left()
        _ = begun.received(Self.hello)
        let patient = begun.restartTimePassed()
        #expect(patient.isEmpty)
        let ended = begun.ended()
        #expect(ended.last == .stop(UpgradeFailure("no process has taken over within 90 s")))
        #expect(ended.contains(.takeBack))
    }

    @Test("a stop that reaches the program first is told here, before and during the take-over")
    func stop() {
        for isReady in [false, true] {
            var machine = Self.left()
            _ = machine.received(Self.hello)
            if isReady { _ = machine.received(.ready) }
            let stopped = machine.received(.stop(withinSeconds: 1))
            #expect(stopped == [.cancelDeadline, .stop(UpgradeFailure("the service was stopped"))])
            let ended = machine.ended()
            #expect(ended.isEmpty)
        }
    }

    @Test("what cannot be left with systemd makes it a stop, at once or later")
    func impossible() {
        let failure = UpgradeFailure("no descriptors")
        var machine = Self.left()
        let failed = machine.startFailed(failure)
        #expect(failed == [.cancelDeadline, .hangUp, .decline(failure)])
        #expect(machine.state == .serving)

        var later = Self.left()
        _ = later.ended()
        _ = later.answered(mayStart: true)
        let failedLater = later.startFailed(failure)
        #expect(failedLater == [.cancelDeadline, .stop(failure)])
    }

    @Test("an upgrade that is under way is not disturbed")
    func busy() {
        var machine = PredecessorStateMachine()
        _ = machine.upgradeRequested()
        let asked = machine.restartRequested()
        #expect(asked == [.decline(nil)])
        let upgraded = Self.left()
        var other = upgraded
        let second = other.upgradeRequested()
        #expect(second == [.answer(.busy)])
        #expect(other == upgraded)
    }

    @Test("not for ever, whatever systemd says")
    func bounded() {
        var machine = Self.left()
        for _ in 0..<1_000 {
            _ = machine.ended()
            _ = machine.answered(mayStart: true)
        }
        #expect(machine.state == .stopped)
    }
}
