// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import Testing

@Suite("the tunnels of a session through its reloads")
struct SessionTunnelsTests {
    private typealias Machine = SessionTunnelsStateMachine<Int>

    /// A machine with these tunnels, which are open.
    private func machine(_ tunnels: [Int: String] = [:], hasChannel: Bool = true) -> Machine {
        var machine = Machine()
        if hasChannel { _ = machine.channelOpened() }
        for (tunnel, name) in tunnels.sorted(by: { $0.key < $1.key }) {
            _ = machine.changed(removals: [], replacements: [], additions: [.init(tunnel, named: name)])
            _ = machine.claimed(tunnel, isFree: true)
        }
        return machine
    }

    private func add(_ tunnel: Int, _ name: String, to machine: inout Machine) -> [Machine.Action] {
        machine.changed(removals: [], replacements: [], additions: [.init(tunnel, named: name)])
    }

    private func replace(
        with tunnel: Int,
        _ name: String,
        closesFirst: Bool = false,
        in machine: inout Machine
    ) -> [Machine.Action] {
        machine.changed(
            removals: [],
            replacements: [.init(tunnel, named: name, closesFirst: closesFirst)],
            additions: []
        )
    }

    private func remove(_ names: String..., from machine: inout Machine) -> [Machine.Action] {
        machine.changed(removals: names, replacements: [], additions: [])
    }

    @Test("a new tunnel claims its place and is opened when that is free")
    func addition() {
        var machine = machine()
        #expect(machine.isEmpty)
        #expect(add(1, "web", to: &machine) == [.claim(1)])
        #expect(!machine.isEmpty)
        #expect(machine.shown("web") == nil)
        #expect(machine.claimed(1, isFree: true) == [.open(1)])
        #expect(machine.claimed(1, isFree: true) == [], "a claim has one answer")
        #expect(machine.shown("web") == 1)
        #expect(machine.openTunnels == [1])
    }

    @Test("without a channel tunnels are opened as soon as there is one, in their order, and again on the next one")
    func channel() {
        var machine = machine(hasChannel: false)
        for (tunnel, name) in [(2, "b"), (1, "a")] {
            #expect(add(tunnel, name, to: &machine) == [.claim(tunnel)])
            #expect(machine.claimed(tunnel, isFree: true) == [])
        }
        #expect(machine.channelOpened() == [.open(1), .open(2)])
        machine.channelLost()
        #expect(machine.channelOpened() == [.open(1), .open(2)])
    }

    @Test("a tunnel whose place is taken waits, is shown, and claims again when the place is free")
    func waiting() {
        var machine = machine()
        _ = add(1, "web", to: &machine)
        #expect(machine.claimed(1, isFree: false) == [.publish(name: "web")])
        #expect(machine.shown("web") == 1)
        #expect(machine.openTunnels == [])
        #expect(!machine.isEmpty)
        #expect(machine.addressFreed(1) == [.claim(1)])
        #expect(machine.addressFreed(1) == [], "it does not wait any more")
        #expect(machine.claimed(1, isFree: false) == [.publish(name: "web")])
        #expect(machine.addressFreed(1) == [.claim(1)])
        #expect(machine.claimed(1, isFree: true) == [.open(1)])
    }

    @Test("a replacement is opened beside the tunnel that serves, which is closed when the new one is settled")
    func beside() {
        var machine = machine([1: "web"])
        #expect(replace(with: 2, "web", in: &machine) == [.claimBeside(2, beside: 1)])
        #expect(machine.claimed(2, isFree: true) == [.inherit(2, from: 1), .open(2)])
        #expect(machine.shown("web") == 1)
        #expect(machine.settled(1) == [])
        #expect(machine.settled(2) == [.close(1), .publish(name: "web")])
        #expect(machine.shown("web") == 2)
        #expect(machine.settled(2) == [])
        #expect(machine.closed(1) == [.forget(1)])
        #expect(machine.closed(1) == [])
        #expect(machine.openTunnels == [2])
    }

    @Test("without a channel the old one serves nothing, and is closed at once")
    func besideWithoutChannel() {
        var machine = machine([1: "web"], hasChannel: false)
        #expect(replace(with: 2, "web", in: &machine) == [.claimBeside(2, beside: 1)])
        #expect(machine.claimed(2, isFree: true) == [.inherit(2, from: 1), .close(1)])
        #expect(machine.closed(1) == [.forget(1)])
        #expect(machine.channelOpened() == [.open(2)])
        #expect(machine.settled(2) == [.publish(name: "web")])
        #expect(machine.shown("web") == 2)
    }

    @Test("a replacement whose address is not free closes the old one first, and claims its place like a new tunnel")
    func besideTaken() {
        var machine = machine([1: "web"])
        _ = replace(with: 2, "web", in: &machine)
        #expect(machine.claimed(2, isFree: false) == [.inherit(2, from: 1), .close(1), .claim(2)])
        #expect(machine.claimed(2, isFree: false) == [.publish(name: "web")])
        #expect(machine.shown("web") == 2)
        #expect(machine.closed(1) == [.forget(1)])
        #expect(machine.addressFreed(2) == [.claim(2)])
        #expect(machine.claimed(2, isFree: true) == [.open(2)])
    }

    @Test("what goes goes before anything comes: two that exchange addresses close both, then claim both")
    func exchange() {
        var machine = machine([1: "a", 2: "b", 3: "c"])
        let actions = machine.changed(
            removals: ["c"],
            replacements: [
                .init(4, named: "a", closesFirst: true), .init(5, named: "b", closesFirst: true),
            ],
            additions: [.init(6, named: "d")]
        )
        #expect(
            actions == [
                .close(3), .inherit(4, from: 1), .close(1), .inherit(5, from: 2), .close(2), .claim(4), .claim(5),
                .claim(6),
            ]
        )
        // Until it is closed or its successor waits, the closing one is shown.
        #expect(machine.shown("a") == 1)
    }

    @Test("a replacement of a tunnel that waits takes its place: the engine does not know that one")
    func replaceWaiting() {
        for closesFirst in [true, false] {
            var machine = machine()
            _ = add(1, "web", to: &machine)
            _ = machine.claimed(1, isFree: false)
            #expect(
                replace(with: 2, "web", closesFirst: closesFirst, in: &machine) == [
                    .inherit(2, from: 1), .forget(1), .claim(2),
                ]
            )
            #expect(machine.addressFreed(1) == [], "it was forgotten")
        }
    }

    @Test("a replacement of nothing is a new tunnel")
    func replaceNothing() {
        for closesFirst in [true, false] {
            var machine = machine([1: "web"])
            _ = remove("web", from: &machine)
            #expect(replace(with: 2, "web", closesFirst: closesFirst, in: &machine) == [.claim(2)])
        }
    }

    @Test("a replacement that is replaced before it is settled takes the whole chain with it, the oldest first")
    func chain() {
        var machine = machine([1: "web"])
        for tunnel in [2, 3] {
            #expect(replace(with: tunnel, "web", in: &machine) == [.claimBeside(tunnel, beside: tunnel - 1)])
            #expect(machine.claimed(tunnel, isFree: true) == [.inherit(tunnel, from: tunnel - 1), .open(tunnel)])
            #expect(machine.shown("web") == 1)
        }
        #expect(machine.settled(3) == [.close(1), .close(2), .publish(name: "web")])
        #expect(machine.settled(2) == [], "the engine answers late")
        #expect(machine.shown("web") == 3)
    }

    @Test("a removal closes the tunnel, and the one that it was to replace")
    func removal() {
        var machine = machine([1: "web"])
        _ = replace(with: 2, "web", in: &machine)
        _ = machine.claimed(2, isFree: true)
        #expect(remove("web", "other", from: &machine) == [.close(1), .close(2)])
        #expect(remove("web", from: &machine) == [], "both are closing")
        #expect(machine.closed(2) == [.forget(2)])
        #expect(machine.closed(1) == [.forget(1)])
        #expect(machine.isEmpty)
        #expect(machine.shown("web") == nil)
    }

    @Test("a removal forgets a tunnel that waits")
    func removeWaiting() {
        var machine = machine()
        _ = add(1, "web", to: &machine)
        _ = machine.claimed(1, isFree: false)
        #expect(remove("web", from: &machine) == [.forget(1)])
        #expect(machine.isEmpty)
        #expect(machine.addressFreed(1) == [])
        #expect(machine.claimed(1, isFree: true) == [])
    }

    @Test("a tunnel that ends by itself is forgotten, and its successor goes on alone")
    func endsByItself() {
        var machine = machine([1: "web"])
        _ = replace(with: 2, "web", in: &machine)
        _ = machine.claimed(2, isFree: true)
        #expect(machine.closed(1) == [.forget(1)])
        #expect(machine.shown("web") == 2)
        #expect(machine.settled(2) == [.publish(name: "web")])
        #expect(machine.closed(2) == [.forget(2)])
        #expect(machine.isEmpty)
    }

    @Test("a drain forgets what waits and closes everything else, once")
    func drain() {
        var machine = machine([1: "a", 2: "b"])
        _ = add(3, "c", to: &machine)
        _ = machine.claimed(3, isFree: false)
        _ = replace(with: 4, "b", in: &machine)
        _ = machine.claimed(4, isFree: true)
        #expect(machine.drainRequested() == [.forget(3), .close(1), .close(2), .close(4)])
        #expect(machine.drainRequested() == [])
        for tunnel in [1, 2, 4] { #expect(machine.closed(tunnel) == [.forget(tunnel)]) }
        #expect(machine.isEmpty)
    }

    @Test("news of a tunnel that is not known changes nothing")
    func unknown() {
        var machine = machine()
        #expect(machine.claimed(9, isFree: true) == [])
        #expect(machine.addressFreed(9) == [])
        #expect(machine.settled(9) == [])
        #expect(machine.closed(9) == [])
        #expect(machine.isEmpty)
    }
}
