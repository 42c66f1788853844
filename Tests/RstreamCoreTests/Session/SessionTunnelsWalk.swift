// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamTestSupport
import Testing

/// Drives the tunnels of one session with random reloads, answers of the engine and losses of the channel, and keeps its
/// own account of who holds which address.
///
/// It plays the session (which carries out actions in order), the table of addresses (a tunnel waits for those that are
/// on their way out under its name or address) and the engine (which answers and closes when it likes).
struct SessionTunnelsWalk {
    typealias Machine = SessionTunnelsStateMachine<Int>

    private struct Tunnel {
        let name: String
        let address: Int
        /// A reload does not want it any more; it holds its place until it is forgotten.
        var isUnwanted = false
        /// It was opened, so the engine may know it.
        var isOpen = false
        var isClosing = false
        var isSettled = false
        /// Those that have to be forgotten before it may claim its place again.
        var awaited: Set<Int> = []
    }

    private final class Verdict {
        var isBroken = false
    }

    private static let names = ["a", "b", "c", "d"]

    let seed: UInt64
    private(set) var counts: [String: Int] = [:]
    private var random: SplitMix
    private var machine = Machine()
    private var step = 0
    private var lastTunnel = 0
    /// Every tunnel that is not forgotten.
    private var tunnels: [Int: Tunnel] = [:]
    private var forgotten: Set<Int> = []
    /// The tunnel that the configuration wants under each name.
    private var wanted: [String: Int] = [:]
    /// Tunnels whose place is free, and which do not know it yet.
    private var freed: [Int] = []
    private var hasChannel = false
    private let verdict = Verdict()

    init(seed: UInt64) {
        self.seed = seed
        random = SplitMix(seed: seed)
    }

    mutating func run(steps: Int) {
        while step < steps, !verdict.isBroken {
            step += 1
            takeStep()
            checkAll()
        }
        finish()
    }

    private mutating func takeStep() {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<30: reload()
        case ..<60: settle()
        case ..<80: finishClosing()
        case ..<90: tellFreed()
        case ..<93: endByItself()
        case ..<97: hasChannel ? loseChannel() : openChannel()
        default: if !hasChannel { openChannel() }
        }
    }

    // MARK: Inputs

    private mutating func reload() {
        var removals: [String] = []
        var replaced: [(name: String, tunnel: Int)] = []
        var additions: [Machine.Addition] = []
        var addresses = Set(0..<8)
        var coming: Set<Int> = []
        var going: Set<Int> = []
        var fresh: [String] = []
        for name in Self.names {
            switch (wanted[name], Int.random(in: 0..<6, using: &random)) {
            case (let old?, 0):
                removals.append(name)
                going.insert(tunnels[old]?.address ?? -1)
            case (let old?, 1...2):
                fresh.append(name)
                going.insert(tunnels[old]?.address ?? -1)
            case (let old?, _): addresses.remove(tunnels[old]?.address ?? -1)
            case (nil, 0...2): fresh.append(name)
            case (nil, _): break
            }
        }
        for name in removals {
            if let old = wanted.removeValue(forKey: name) { tunnels[old]?.isUnwanted = true }
        }
        for name in fresh {
            guard let address = addresses.sorted().randomElement(using: &random) else { continue }
            // Wanted tunnels have addresses of their own: that two want the same one is for the engine to refuse.
            addresses.remove(address)
            lastTunnel += 1
            tunnels[lastTunnel] = Tunnel(name: name, address: address)
            coming.insert(address)
            if let old = wanted[name] {
                tunnels[old]?.isUnwanted = true
                replaced.append((name, lastTunnel))
            } else {
                additions.append(.init(lastTunnel, named: name))
            }
        }
        let replacements = replaced.map { name, tunnel in
            let old = wanted[name].flatMap { tunnels[$0]?.address } ?? -1
            let isHeld = going.contains(tunnels[tunnel]?.address ?? -1)
            return Machine.Replacement(tunnel, named: name, closesFirst: isHeld || coming.contains(old))
        }
        for (name, tunnel) in replaced { wanted[name] = tunnel }
        for addition in additions { wanted[addition.name] = addition.tunnel }
        carryOut(machine.changed(removals: removals, replacements: replacements, additions: additions))
    }

    private mutating func settle() {
        guard hasChannel, let tunnel = randomTunnel(where: { $0.isOpen && !$0.isSettled }) else { return }
        tunnels[tunnel]?.isSettled = true
        carryOut(machine.settled(tunnel))
    }

    private mutating func finishClosing() {
        guard let tunnel = randomTunnel(where: { $0.isClosing }) else { return }
        closed(tunnel)
    }

    private mutating func endByItself() {
        guard let tunnel = randomTunnel(where: { $0.isOpen && $0.isSettled && !$0.isClosing }) else { return }
        note("ended by itself")
        let name = tunnels[tunnel]?.name ?? ""
        if wanted[name] == tunnel { wanted[name] = nil }
        tunnels[tunnel]?.isClosing = true
        closed(tunnel)
    }

    private mutating func tellFreed() {
        guard !freed.isEmpty else { return }
        carryOut(machine.addressFreed(freed.removeFirst()))
    }

    private mutating func openChannel() {
        hasChannel = true
        carryOut(machine.channelOpened())
    }

    private mutating func loseChannel() {
        hasChannel = false
        machine.channelLost()
        for (tunnel, facts) in tunnels.sorted(by: { $0.key < $1.key }) where facts.isOpen {
            tunnels[tunnel]?.isSettled = false
            if facts.isClosing { closed(tunnel) }
        }
    }

    private mutating func closed(_ tunnel: Int) {
        carryOut(machine.closed(tunnel))
        check(tunnels[tunnel] == nil, "\(tunnel) is closed, and not forgotten")
    }

    /// Takes everything away, and lets the engine close it.
    private mutating func finish() {
        if seed.isMultiple(of: 2) {
            for tunnel in wanted.values { tunnels[tunnel]?.isUnwanted = true }
            carryOut(machine.changed(removals: wanted.keys.sorted(), replacements: [], additions: []))
        } else {
            carryOut(machine.drainRequested())
        }
        wanted = [:]
        for tunnel in tunnels.keys.sorted() where tunnels[tunnel]?.isClosing == true { closed(tunnel) }
        check(freed.isEmpty, "tunnels that may still come: \(freed)")
        check(machine.isEmpty, "the machine still has tunnels")
        check(tunnels.isEmpty, "tunnels that were not forgotten: \(tunnels.keys.sorted())")
        check(forgotten.count == lastTunnel, "not every tunnel was forgotten once")
        for name in Self.names { check(machine.shown(name) == nil, "\(name) is still shown") }
    }

    // MARK: The session

    private mutating func carryOut(_ actions: [Machine.Action]) {
        for action in actions where !verdict.isBroken {
            switch action {
            case .claim(let tunnel):
                check(tunnels[tunnel]?.isOpen == false, "\(tunnel) is claimed, and not new")
                let holders = holders(tunnel) { $0.name == $1.name || $0.address == $1.address }
                tunnels[tunnel]?.awaited = holders
                note(holders.isEmpty ? "free" : "waits")
                if holders.isEmpty { tunnels[tunnel]?.isOpen = true }
                carryOut(machine.claimed(tunnel, isFree: holders.isEmpty))
            case .claimBeside(let tunnel, let old):
                check(tunnels[old]?.isOpen == true && tunnels[old]?.isClosing == false, "\(old) does not serve")
                check(tunnels[old]?.name == tunnels[tunnel]?.name, "\(tunnel) replaces a tunnel of another name")
                let isFree = holders(tunnel) { $0.address == $1.address }.subtracting([old]).isEmpty
                note(isFree ? "beside" : "not beside")
                if isFree { tunnels[tunnel]?.isOpen = true }
                carryOut(machine.claimed(tunnel, isFree: isFree))
            case .inherit(let tunnel, let old):
                check(tunnels[tunnel] != nil && tunnels[old] != nil, "\(tunnel) inherits from \(old)")
            case .open(let tunnel): opened(tunnel)
            case .close(let tunnel):
                check(tunnels[tunnel]?.isOpen == true, "\(tunnel) is closed, and was not opened")
                check(tunnels[tunnel]?.isClosing == false, "\(tunnel) is closed twice")
                tunnels[tunnel]?.isClosing = true
                // Without a channel nothing has to be asked of the engine.
                if !hasChannel { closed(tunnel) }
            case .forget(let tunnel): forget(tunnel)
            case .publish(let name): check(Self.names.contains(name), "\(name) is shown")
            }
        }
    }

    private mutating func opened(_ tunnel: Int) {
        check(hasChannel, "\(tunnel) is opened without a channel")
        guard let facts = tunnels[tunnel], facts.isOpen else { return check(false, "\(tunnel) has no claim") }
        for (other, held) in tunnels where other != tunnel && held.isOpen {
            check(held.address != facts.address, "\(tunnel) and \(other) hold address \(facts.address)")
        }
    }

    private mutating func forget(_ tunnel: Int) {
        guard let facts = tunnels.removeValue(forKey: tunnel) else {
            return check(false, "\(tunnel) is forgotten twice")
        }
        check(!facts.isOpen || facts.isClosing, "\(tunnel) is forgotten, and was not closed")
        check(forgotten.insert(tunnel).inserted, "\(tunnel) is forgotten twice")
        note(facts.isOpen ? "forgotten" : "forgotten while waiting")
        freed.removeAll { $0 == tunnel }
        for (other, waiting) in tunnels where waiting.awaited.contains(tunnel) {
            tunnels[other]?.awaited.remove(tunnel)
            if waiting.awaited.count == 1 { freed.append(other) }
        }
        freed.sort()
    }

    private func holders(_ tunnel: Int, _ conflict: (Tunnel, Tunnel) -> Bool) -> Set<Int> {
        guard let facts = tunnels[tunnel] else { return [] }
        return Set(tunnels.filter { $0.key != tunnel && $0.value.isUnwanted && conflict($0.value, facts) }.keys)
    }

    // MARK: Invariants

    private mutating func checkAll() {
        for name in Self.names {
            let all = tunnels.filter { $0.value.name == name }
            let open = all.filter { $0.value.isOpen && !$0.value.isClosing }
            let shown = machine.shown(name)
            check((shown == nil) == all.isEmpty, "\(name) is shown as \(String(describing: shown)) of \(all.keys)")
            if let shown { check(all[shown] != nil, "\(name) is shown as a tunnel of another name") }
            guard let tunnel = wanted[name] else {
                check(open.isEmpty, "\(name) is not wanted, and open: \(open.keys.sorted())")
                continue
            }
            check(all[tunnel]?.isClosing == false, "\(name) is wanted, and closing")
            for (other, facts) in open where other != tunnel {
                check(facts.isUnwanted, "\(name) has two wanted tunnels")
                check(all[tunnel]?.isOpen == true, "\(other) serves while \(tunnel) waits for it")
                check(all[tunnel]?.isSettled == false || !hasChannel, "\(other) stays although \(tunnel) is settled")
            }
            if open.count > 1 { note("two serve") }
        }
        check(Set(machine.openTunnels) == Set(tunnels.filter { $0.value.isOpen }.keys), "other tunnels are open")
    }

    private mutating func randomTunnel(where predicate: (Tunnel) -> Bool) -> Int? {
        tunnels.filter { predicate($0.value) }.keys.sorted().randomElement(using: &random)
    }

    private mutating func note(_ event: String) { counts[event, default: 0] += 1 }

    /// Records the first complaint; what follows it is mostly its echo.
    private func check(_ holds: Bool, _ complaint: @autoclosure () -> String) {
        guard !holds, !verdict.isBroken else { return }
        verdict.isBroken = true
        Issue.record("seed \(seed), step \(step): \(complaint())")
    }
}

@Suite("any walk of a session's tunnels")
struct SessionTunnelsWalkTests {
    @Test(
        "each is closed and forgotten once, an address is one tunnel's, and nothing is left at the end",
        arguments: 1...200 as ClosedRange<UInt64>
    )
    func walk(seed: UInt64) {
        var walk = SessionTunnelsWalk(seed: seed)
        walk.run(steps: 400)
    }

    @Test("the walks come everywhere")
    func coverage() {
        var counts: [String: Int] = [:]
        for seed in 1...50 as ClosedRange<UInt64> {
            var walk = SessionTunnelsWalk(seed: seed)
            walk.run(steps: 400)
            counts.merge(walk.counts, uniquingKeysWith: +)
        }
        for event in [
            "free", "waits", "beside", "not beside", "two serve", "forgotten", "forgotten while waiting",
            "ended by itself",
        ] {
            #expect(counts[event, default: 0] > 0, "\(event) never happened: \(counts)")
        }
    }
}
