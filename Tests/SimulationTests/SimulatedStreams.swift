// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemon
import RstreamDaemonModel
import RstreamModel
import RstreamRelay

/// All open streams of a simulated process: what `StreamTable` does.
final class SimulatedStreamTable {
    let capacity: Int
    private let changes: SimulatedChanges
    private var machine = DrainStateMachine() { didSet { changes.concernStreams = true } }
    private(set) var streams: [Int: SimulatedPlace] = [:] { didSet { changes.concernStreams = true } }
    private var lastID = 0
    private var drained: (() -> Void)? { didSet { changes.concernStreams = true } }

    init(capacity: Int, _ changes: SimulatedChanges) {
        (self.capacity, self.changes) = (capacity, changes)
    }

    /// The id of the stream's place, unless it is refused.
    func insert(_ place: SimulatedPlace) -> Int? {
        guard streams.count < capacity, machine.streamOpened() else { return nil }
        lastID += 1
        streams[lastID] = place
        return lastID
    }

    func remove(_ id: Int) {
        guard streams.removeValue(forKey: id) != nil, machine.streamClosed() == .close else { return }
        drained?()
        drained = nil
    }

    func drain(_ drained: @escaping () -> Void) {
        if machine.drainRequested() == .close { return drained() }
        self.drained = drained
    }

    func cut() { for id in streams.keys.sorted() { streams[id]?.cut() } }

    /// Its process is gone, which both refer to.
    func clear() {
        for place in streams.values { place.whenCut = nil }
        drained = nil
    }

    /// Whether the machine counts what there is.
    var isTrue: Bool { machine.openStreams == streams.count }

    /// Whether the last stream has ended, and who waits for that was not told.
    var isForgotten: Bool { drained != nil && streams.isEmpty }
}

/// The streams of one tunnel or listener: what `StreamLedger` does.
final class SimulatedLedger {
    private let changes: SimulatedChanges
    private var limit = 0
    /// The highest limit that there was; nil where there was none.
    private var highest: Int? = 0 { didSet { changes.concernStreams = true } }
    private(set) var open: [Int: SimulatedPlace] = [:] { didSet { changes.concernStreams = true } }
    private var generation = 0

    init(_ changes: SimulatedChanges) {
        self.changes = changes
    }

    func setLimit(_ limit: Int) {
        self.limit = limit
        highest = limit == 0 ? nil : highest.map { max($0, limit) }
    }

    func beginGeneration() -> Int {
        generation += 1
        return generation
    }

    func insert(_ place: SimulatedPlace, as id: Int) -> Bool {
        guard limit == 0 || open.count < limit || place.ignoresLimit else { return false }
        open[id] = place
        return true
    }

    func remove(_ id: Int) { open[id] = nil }

    /// Whether no more streams are open than were ever permitted.
    var isWithinLimit: Bool { highest.map { open.count <= $0 } ?? true }

    /// The streams that are open now, or those among them that came before a generation.
    func retire(before generation: Int = .max) -> [SimulatedPlace] {
        open.sorted { $0.key < $1.key }.map(\.value).filter { $0.generation < generation }
    }
}

/// A stream's place among the others, and the upstream that it has: what `RelayedStream` does.
final class SimulatedPlace {
    private let table: SimulatedStreamTable
    private let ledger: SimulatedLedger
    private(set) var id: Int?
    private(set) var generation = 0
    private var used: (pool: SimulatedPool, lease: UpstreamPoolStateMachine.Lease?)?
    /// Ends the stream now, with a reset.
    var whenCut: (() -> Void)?
    let ignoresLimit: Bool

    init(_ process: SimulatedProcess, _ ledger: SimulatedLedger) {
        (table, self.ledger) = (process.table, ledger)
        ignoresLimit = process.world.mistake == .ignoresLimit
    }

    /// Whether there is room.
    func enter() -> Bool {
        guard let id = table.insert(self) else { return false }
        guard ledger.insert(self, as: id) else {
            table.remove(id)
            return false
        }
        self.id = id
        return true
    }

    func belongs(to generation: Int) { self.generation = generation }

    func connected(_ pool: SimulatedPool, _ lease: UpstreamPoolStateMachine.Lease?) { used = (pool, lease) }

    func releaseUpstream(isBroken: Bool = false) {
        if let used, let lease = used.lease { used.pool.released(lease, isBroken: isBroken) }
        used = nil
    }

    func cut() { whenCut?() }

    func ended(isBroken: Bool = false) {
        guard let id else { return }
        self.id = nil
        whenCut = nil
        releaseUpstream(isBroken: isBroken)
        ledger.remove(id)
        table.remove(id)
    }
}

/// The upstreams of one tunnel: what `UpstreamPool` does.
final class SimulatedPool {
    private(set) var machine = UpstreamPoolStateMachine() { didSet { process.changes.concernStreams = true } }
    private unowned let process: SimulatedProcess
    /// Streams that dial or use each upstream, by the id of its lease.
    private var leases: [Int: Int] = [:] { didSet { process.changes.concernStreams = true } }

    init(_ process: SimulatedProcess) {
        self.process = process
    }

    func configure(_ local: WantedTunnel.LocalSettings) -> SimulatedLineup {
        machine.configured(
            local.targets.map { ($0.address, $0.weight, $0.isBackup) },
            balance: local.options.balance,
            health: local.options.health
        )
        return SimulatedLineup(number: machine.lineup, pool: self, local: local)
    }

    func rest() { machine.rested() }

    var unhealthy: Set<UpstreamAddress> { Set(machine.members.filter { !$0.health.isGood }.map(\.address)) }

    func pick(besides tried: UpstreamSet, in lineup: Int) -> UpstreamPoolStateMachine.Pick {
        let pick = machine.pick(for: nil, besides: tried, in: lineup, at: process.world.instant)
        if case .upstream(_, let lease) = pick {
            leases[lease.id, default: 0] += 1
        }
        return pick
    }

    func connected(_ lease: UpstreamPoolStateMachine.Lease) { _ = machine.connected(lease, at: process.world.instant) }

    func failed(_ lease: UpstreamPoolStateMachine.Lease, _ error: RstreamError, since start: ContinuousClock.Instant) {
        leases[lease.id, default: 0] -= 1
        _ = machine.failed(lease, error, since: start, at: process.world.instant)
    }

    func released(_ lease: UpstreamPoolStateMachine.Lease, isBroken: Bool) {
        leases[lease.id, default: 0] -= 1
        if process.world.mistake == .leaksLease { return }
        machine.released(lease, isBroken: isBroken)
    }

    func checked(_ address: UpstreamAddress, _ error: RstreamError?) {
        let effects = machine.checked(address, error, after: .milliseconds(1), at: process.world.instant)
        for case .servable in effects { process.send(.servabilityChanged) }
    }

    /// Whether no stream has an upstream.
    var isIdle: Bool { leases.values.allSatisfy { $0 == 0 } }

    /// Whether the machine counts what there is.
    var isTrue: Bool { machine.members.allSatisfy { $0.active == leases[$0.id] ?? 0 } }
}

/// The upstreams that were in force when a stream came.
struct SimulatedLineup {
    let number: Int
    let pool: SimulatedPool
    let local: WantedTunnel.LocalSettings

    func pick(besides tried: UpstreamSet) -> (place: Int, lease: UpstreamPoolStateMachine.Lease?)? {
        switch pool.pick(besides: tried, in: number) {
        case .upstream(let place, let lease): (place, lease)
        case .exhausted: nil
        case .outdated: local.targets.indices.first { !tried.contains($0) }.map { ($0, nil) }
        }
    }
}

/// Takes the streams of a tunnel: what `RelayAcceptor` does.
final class SimulatedAcceptor {
    let ledger: SimulatedLedger
    private let pool: SimulatedPool
    private(set) var lineup: SimulatedLineup
    private(set) var generation: Int

    init(_ local: WantedTunnel.LocalSettings, _ ledger: SimulatedLedger, _ pool: SimulatedPool) {
        (self.ledger, self.pool) = (ledger, pool)
        lineup = pool.configure(local)
        generation = ledger.beginGeneration()
        ledger.setLimit(local.streamLimit)
    }

    /// From now on streams go to other upstreams. Returns those that came before.
    func update(_ local: WantedTunnel.LocalSettings) -> [SimulatedPlace] {
        ledger.setLimit(local.streamLimit)
        lineup = pool.configure(local)
        generation = ledger.beginGeneration()
        return ledger.retire(before: generation)
    }
}
