// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("A program that takes over")
struct SuccessorStateMachineTests {
    typealias Machine = SuccessorStateMachine

    private static func inventory(_ tunnels: Set<String>, context: String? = "main") -> Machine.Inventory {
        var inventory = Machine.Inventory()
        inventory.tunnels = tunnels
        inventory.online = tunnels
        inventory.contexts = context.map { [$0] } ?? []
        return inventory
    }

    private static func view(isOnline: Bool = true, _ tunnels: [String: Bool]) -> Machine.View {
        var view = Machine.View()
        view.sessions = ["main": isOnline]
        view.tunnels = tunnels
        return view
    }

    @Test("waits for its session, asks for a tunnel, opens it, and is done when it is online")
    func course() {
        var machine = Machine(Self.inventory(["web"]), drain: .seconds(60))
        let away = Self.view(isOnline: false, ["web": false])
        let started = machine.started(away)
        #expect(started == [.setDeadline(.seconds(20))])
        let online = machine.changed(Self.view(["web": false]))
        #expect(online.first == .send(.ready))
        let begun = machine.received(.begin, Self.view(["web": false]))
        #expect(begun.prefix(2) == [.openOthers, .send(.release(tunnel: "web"))])
        let released = machine.received(.released(tunnel: "web"), Self.view(["web": false]))
        #expect(released.first == .open("web"))
        let nothing = machine.changed(Self.view(["web": false]))
        #expect(nothing.isEmpty)
        let done = machine.changed(Self.view(["web": true]))
        #expect(done.first == .send(.done(drainSeconds: 60)))
        let served = machine.received(.committed(reloads: true), Self.view(["web": true]))
        #expect(served == [.cancelDeadline, .serve(reloads: true)])
        let ended = machine.ended()
        #expect(ended.isEmpty, "the predecessor may end now")
    }

    @Test("a session that is down at the predecessor too is not waited for")
    func bothDown() {
        var machine = Machine(Self.inventory(["web"], context: nil), drain: .seconds(60))
        let started = machine.started(Self.view(isOnline: false, ["web": false]))
        #expect(started.contains(.send(.ready)))
    }

    @Test("a session that is online at the predecessor only ends the take-over")
    func worse() {
        var machine = Machine(Self.inventory(["web"]), drain: .seconds(60))
        let away = Self.view(isOnline: false, ["web": false])
        _ = machine.started(away)
        let late = machine.deadlinePassed(away)
        #expect(
            late.last == .fail(UpgradeFailure("the new program cannot reach the engine of context main"))
        )
    }

    @Test("a session that the engine rejects ends the take-over at once, unless it is down at the predecessor too")
    func rejected() {
        var away = Self.view(isOnline: false, ["web": false])
        away.rejected = ["main"]
        away.problems = ["main": "unauthorized"]
        var machine = Machine(Self.inventory(["web"]), drain: .seconds(60))
        let started = machine.started(away)
        let failure = UpgradeFailure("the new program cannot reach the engine of context main: unauthorized")
        #expect(started.last == .fail(failure))
        var other = Machine(Self.inventory(["web"], context: nil), drain: .seconds(60))
        let ready = other.started(away)
        #expect(ready.contains(.send(.ready)))
    }

    @Test("tunnels that are not wanted any more are closed before new ones are opened")
    func orphans() {
        var machine = Machine(Self.inventory(["old", "web"]), drain: .seconds(60))
        let view = Self.view(["web": false, "new": false])
        _ = machine.started(view)
        let begun = machine.received(.begin, view)
        #expect(begun.first == .send(.release(tunnel: "old")))
        #expect(!begun.contains(.openOthers))
        let released = machine.received(.released(tunnel: "old"), view)
        #expect(released.first == .openOthers)
        #expect(released.contains(.send(.release(tunnel: "web"))))
    }

    @Test("a tunnel that the engine does not give ends the take-over")
    func refused() {
        var machine = Machine(Self.inventory(["web"]), drain: .seconds(60))
        let view = Self.view(["web": false])
        _ = machine.started(view)
        _ = machine.received(.begin, view)
        _ = machine.received(.released(tunnel: "web"), view)
        let late = machine.deadlinePassed(view)
        #expect(late.last == .fail(UpgradeFailure("the engine does not give the new program tunnel web")))
    }

    @Test("looks at each of many tunnels a few times, and not at all of them each time")
    func effort() {
        let names = (0..<10_000).map { "tunnel-\($0)" }
        var machine = Machine(Self.inventory(Set(names)), drain: .seconds(1))
        var (online, looks): (Set<String>, Int) = ([], 0)
        func view(of tunnels: Set<String>) -> Machine.View {
            looks += tunnels.count
            return Self.view(Dictionary(uniqueKeysWithValues: tunnels.map { ($0, online.contains($0)) }))
        }
        var actions = machine.started(view(of: machine.awaited))
        actions += machine.received(.begin, view(of: machine.awaited))
        while machine.state != .confirming, !actions.isEmpty {
            var next: [Machine.Action] = []
            for case .send(.release(let tunnel)) in actions {
                next += machine.received(.released(tunnel: tunnel), view(of: machine.awaited))
                online.insert(tunnel)
                next += machine.changed(view(of: machine.awaited))
            }
            actions = next
        }
        #expect(machine.state == .confirming)
        #expect(looks <= names.count * (1 + 2 * Machine.window))
    }

    @Test("whatever happens, few tunnels are away at a time, each is asked for once, and all are before it is done")
    func walk() {
        for seed in UInt64(0)..<500 {
            var walk = Walk(seed: seed)
            walk.run()
        }
    }

    /// A predecessor that answers in any order, and an engine that opens tunnels in any order.
    private struct Walk {
        var random: SplitMix
        var machine: Machine
        var whole = Machine.View()
        /// No more than it is asked about.
        var view: Machine.View {
            var view = whole
            view.tunnels = whole.tunnels.filter { machine.awaited.contains($0.key) }
            return view
        }
        let wanted: Set<String>
        let had: Set<String>
        var asked: Set<String> = []
        var waiting: [String] = []
        var opening: [String] = []
        var isDone = false
        let seed: UInt64

        init(seed: UInt64) {
            self.seed = seed
            random = SplitMix(seed: seed)
            let names = (0..<Int.random(in: 0...30, using: &random)).map { "tunnel-\($0)" }
            var (wanted, had): (Set<String>, Set<String>) = ([], [])
            for name in names {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: wanted.insert(name)
                case 1: had.insert(name)
                default:
                    wanted.insert(name)
                    had.insert(name)
                }
            }
            (self.wanted, self.had) = (wanted, had)
            machine = Machine(SuccessorStateMachineTests.inventory(had), drain: .seconds(1))
            whole.sessions = ["main": true]
            whole.tunnels = Dictionary(uniqueKeysWithValues: wanted.map { ($0, false) })
        }

        mutating func run() {
            let started = machine.started(view)
            perform(started)
            let begun = machine.received(.begin, view)
            perform(begun)
            while !waiting.isEmpty || !opening.isEmpty {
                let takesOpening = waiting.isEmpty || (!opening.isEmpty && Bool.random(using: &random))
                if takesOpening {
                    let index = Int.random(in: opening.indices, using: &random)
                    whole.tunnels[opening.remove(at: index)] = true
                    let actions = machine.changed(view)
                    perform(actions)
                } else {
                    let index = Int.random(in: waiting.indices, using: &random)
                    let actions = machine.received(.released(tunnel: waiting.remove(at: index)), view)
                    perform(actions)
                }
                if machine.state == .takingOver {
                    #expect(waiting.count <= Machine.window, "seed \(seed)")
                }
            }
            #expect(isDone, "seed \(seed)")
            #expect(asked == had, "seed \(seed)")
        }

        mutating func perform(_ actions: [Machine.Action]) {
            for action in actions {
                switch action {
                case .send(.release(let tunnel)):
                    let isNew = asked.insert(tunnel).inserted
                    #expect(isNew, "seed \(seed)")
                    waiting.append(tunnel)
                case .send(.done):
                    #expect(asked == had && waiting.isEmpty, "seed \(seed)")
                    isDone = true
                case .open(let tunnel):
                    #expect(asked.contains(tunnel), "seed \(seed)")
                    opening.append(tunnel)
                case .fail(let failure), .insist(let failure): Issue.record("seed \(seed): \(failure)")
                case .killPredecessor, .stopPredecessor: Issue.record("seed \(seed): \(action)")
                case .send, .openOthers, .setDeadline, .cancelDeadline, .serve: break
                }
            }
        }
    }
}
