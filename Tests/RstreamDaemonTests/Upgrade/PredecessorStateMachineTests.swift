// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import Testing

@testable import RstreamDaemon

@Suite("A daemon that hands over")
struct PredecessorStateMachineTests {
    private static let timeouts = PredecessorStateMachine.Timeouts()
    private static let hello = UpgradeMessage.hello(version: UpgradeMessage.version, program: "2.0", pid: 7)

    private static func handingOver() -> PredecessorStateMachine {
        var machine = PredecessorStateMachine()
        _ = machine.upgradeRequested()
        _ = machine.received(hello)
        _ = machine.received(.ready)
        return machine
    }

    @Test("starts the program, closes the tunnels that it asks for, and gives everything up when it is done")
    func course() {
        var machine = PredecessorStateMachine()
        let asked = machine.upgradeRequested()
        #expect(asked == [.start, .setDeadline(Self.timeouts.ready)])
        let started = machine.received(.started(pid: 7))
        #expect(started.isEmpty)
        let greeted = machine.received(Self.hello)
        #expect(greeted.isEmpty)
        let ready = machine.received(.ready)
        #expect(ready == [.send(.begin), .setDeadline(Self.timeouts.progress)])
        let release = machine.received(.release(tunnel: "web"))
        #expect(release == [.release("web"), .setDeadline(Self.timeouts.progress)])
        let released = machine.released("web")
        #expect(released == [.send(.released(tunnel: "web"))])
        let done = machine.received(.done(drainSeconds: 60))
        #expect(
            done == [.cancelDeadline, .retire(drain: .seconds(60)), .answer(.takenOver(pid: 7, program: "2.0"))]
        )
        #expect(machine.state == .retired)
        let ended = machine.ended()
        #expect(ended.isEmpty, "what was given up is not taken back")
    }

    @Test("takes everything back when the program ends, and only then")
    func takesBack() {
        var machine = Self.handingOver()
        let refused = machine.received(.refused(reason: "no engine", diagnostics: []))
        #expect(refused == [.send(.abort(reason: "no engine")), .setDeadline(Self.timeouts.ending)])
        #expect(machine.isUnderWay)
        let ended = machine.ended()
        #expect(ended == [.cancelDeadline, .hangUp, .takeBack, .answer(.failed(UpgradeFailure("no engine")))])
        #expect(machine.state == .serving)
        let again = machine.upgradeRequested()
        #expect(again.first == .start)
    }

    @Test("a program that is not ready in time is asked to leave, killed, and given up")
    func late() {
        var machine = PredecessorStateMachine()
        _ = machine.upgradeRequested()
        let late = machine.deadlinePassed()
        #expect(late.last == .setDeadline(Self.timeouts.ending))
        let killed = machine.deadlinePassed()
        #expect(killed == [.kill, .setDeadline(Self.timeouts.ending)])
        let over = machine.deadlinePassed()
        #expect(over.contains(.takeBack))
        #expect(machine.state == .serving)
    }

    @Test("a program that ends without a word ends the take-over")
    func dies() {
        var machine = PredecessorStateMachine()
        _ = machine.upgradeRequested()
        let ended = machine.ended("with status 77")
        #expect(ended.last == .answer(.failed(UpgradeFailure("the new program ended with status 77"))))
        #expect(machine.state == .serving)
    }

    @Test(
        "what it does not understand ends the take-over",
        arguments: [
            UpgradeMessage.hello(version: UpgradeMessage.version + 1, program: "9", pid: 7), .ready,
            .done(drainSeconds: 1), .release(tunnel: "web"), .begin,
        ]
    )
    func mistakes(message: UpgradeMessage) {
        var machine = PredecessorStateMachine()
        _ = machine.upgradeRequested()
        _ = machine.received(message)
        if case .ending = machine.state {} else { Issue.record("\(machine.state)") }
    }

    @Test("one take-over at a time")
    func busy() {
        var machine = Self.handingOver()
        let second = machine.upgradeRequested()
        #expect(second == [.answer(.busy)])
        #expect(machine.state == .handingOver)
    }

    @Test("a reload that is asked for meanwhile is the successor's, or waits for the failure")
    func reload() {
        var machine = Self.handingOver()
        let isDeferred = machine.reloadRequested()
        #expect(isDeferred)
        _ = machine.received(.refused(reason: "no", diagnostics: []))
        _ = machine.ended()
        let isDue = machine.takeReload()
        #expect(isDue)
        let isDueAgain = machine.takeReload()
        #expect(!isDueAgain)
        let isDeferredLater = machine.reloadRequested()
        #expect(!isDeferredLater)
    }

    @Test("a stop ends the program")
    func stop() {
        var machine = Self.handingOver()
        let actions = machine.stopRequested()
        #expect(actions.contains(.kill))
        #expect(!actions.contains(.takeBack), "what stops opens nothing")
        let later = machine.upgradeRequested()
        #expect(later == [.answer(.stopping)])
    }
}
