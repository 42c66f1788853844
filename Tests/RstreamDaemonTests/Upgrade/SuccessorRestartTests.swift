// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import RstreamDaemon

@Suite("A program that systemd has started in a restart")
struct SuccessorRestartTests {
    typealias Machine = SuccessorStateMachine

    private static func machine(_ tunnels: Set<String> = ["web"]) -> Machine {
        var inventory = Machine.Inventory()
        (inventory.tunnels, inventory.online, inventory.contexts) = (tunnels, tunnels, ["main"])
        return Machine(inventory, drain: .seconds(60), isRestart: true)
    }

    private static func view(isOnline: Bool = true, _ tunnels: [String: Bool] = ["web": false]) -> Machine.View {
        var view = Machine.View()
        (view.sessions, view.tunnels) = (["main": isOnline], tunnels)
        return view
    }

    private static let done = UpgradeMessage.done(drainSeconds: 60)

    @Test("takes over without what is not there in time, and serves once the predecessor has given everything up")
    func insists() {
        var machine = Self.machine()
        let away = Self.view(isOnline: false)
        _ = machine.started(away)
        let late = machine.deadlinePassed(away)
        #expect(late.first == .insist(UpgradeFailure("the new program cannot reach the engine of context main")))
        #expect(late.contains(.send(Self.done)))
        let served = machine.received(.committed(reloads: false), away)
        #expect(served == [.cancelDeadline, .serve(reloads: false)])
    }

    @Test("an engine that rejects it, and a tunnel that is not given, are no way back either")
    func rejected() {
        var away = Self.view(isOnline: false)
        away.rejected = ["main"]
        var first = Self.machine()
        let started = first.started(away)
        #expect(started.contains(.send(Self.done)))

        var second = Self.machine()
        _ = second.started(Self.view())
        _ = second.received(.begin, Self.view())
        let unreleased = second.deadlinePassed(Self.view())
        #expect(unreleased.contains(.send(Self.done)))
        let crossing = second.received(.released(tunnel: "web"), Self.view())
        #expect(crossing.isEmpty, "it was on its way")
    }

    @Test("a predecessor that does not answer is killed, and one that has ended is not waited for")
    func silent() {
        var machine = Self.machine()
        _ = machine.started(Self.view())
        let late = machine.deadlinePassed(Self.view())
        #expect(late == [.killPredecessor, .cancelDeadline, .serve(reloads: false)])
        let ended = machine.ended()
        #expect(ended.isEmpty)

        var other = Self.machine()
        _ = other.started(Self.view())
        let gone = other.ended()
        #expect(gone == [.cancelDeadline, .serve(reloads: false)])
    }

    @Test("a stop stops the predecessor too")
    func stop() {
        var machine = Self.machine()
        _ = machine.started(Self.view())
        let stopped = machine.stopRequested()
        #expect(stopped == [.cancelDeadline, .stopPredecessor])
        let late = machine.deadlinePassed(Self.view())
        #expect(late.isEmpty)
    }

    @Test("a predecessor that calls it off ends it: systemd starts it again")
    func aborted() {
        var machine = Self.machine()
        _ = machine.started(Self.view())
        let aborted = machine.received(.abort(reason: "late"), Self.view())
        #expect(aborted.last == .fail(UpgradeFailure("late")))
    }
}
