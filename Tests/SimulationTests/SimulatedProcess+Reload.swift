// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemon
import RstreamDaemonModel
import RstreamModel

/// Comparing the running configuration with the files and carrying the plan out, as `Reconciler` and
/// `RunningConfiguration` do.
extension SimulatedProcess {
    /// The progress of a plan: what the finished steps have produced.
    private struct Transition {
        let next: SimulatedConfiguration
        let drains: Bool
        /// The sessions to run, by their index in the wanted list.
        var sessions: [Int: Running] = [:]
        var changes: [Int: SimulatedSession.Change] = [:]
        /// The wanted index of each running session that continues.
        var wantedIndex: [Int: Int] = [:]
        var movedAcceptors: [String: SimulatedAcceptor] = [:]
        var replaced: [(places: [SimulatedPlace], disposition: StreamDisposition)] = []
    }

    /// Starts the first configuration.
    func start(_ initial: SimulatedConfiguration) {
        readAt = world.now
        carryOut(initial, plans(initial), drains: false)
    }

    func reload() {
        isBusy = true
        // Reading takes a while, in which sessions go on.
        enter(after: Int.random(in: 0...30, using: &world.random)) { [self] in
            isBusy = false
            defer { takeAll() }
            let files = world.host.files
            readAt = world.now
            guard !files.isBroken else { return world.note("process \(number): reload refused") }
            let next = judged(files)
            let plans = plans(next)
            let isUnchanged = plans.tunnels.isEmpty && plans.listeners.changes.isEmpty
            world.note("process \(number): reload \(isUnchanged ? "changes nothing" : "applied")")
            if isUnchanged != next.runs(sameAs: configuration) {
                world.complain("a reload was said to \(isUnchanged ? "change nothing" : "change something")")
            }
            if world.mistake != .appliesNothing { carryOut(next, plans, drains: false) }
            for running in running { running.session.send(.retryRequested) }
            checkApplied(next)
        }
    }

    private typealias Plans = (tunnels: ReloadPlan, listeners: ListenerPlan)

    private func plans(_ next: SimulatedConfiguration) -> Plans {
        let contextKeys = next.contextKeys(from: configuration)
        let tunnels = ReloadPlan(running: running.map(\.wanted), wanted: next.sessions, contextKeys: contextKeys) {
            ledgers[$0]?.open.count ?? 0
        }
        let listeners = ListenerPlan(
            running: configuration.wantedListeners,
            wanted: next.wantedListeners,
            disposition: .drain,
            contextKeys: contextKeys
        ) { ledgers[$0]?.open.count ?? 0 }
        return (tunnels, listeners)
    }

    // MARK: Upstreams and their health

    /// With the tunnels suspended that have no healthy upstream.
    private func judged(_ next: SimulatedConfiguration) -> SimulatedConfiguration {
        var next = next
        for index in next.tunnels.indices {
            let tunnel = next.tunnels[index]
            let closes = tunnel.isEnabled && tunnel.wanted.local.options.health?.onUnhealthy == .close
            let unhealthy = pools[tunnel.wanted.name]?.unhealthy ?? []
            let targets = tunnel.wanted.local.targets
            next.tunnels[index].isSuspended = closes && targets.allSatisfy { unhealthy.contains($0.address) }
        }
        return next
    }

    /// Closes tunnels that have no healthy upstream, and opens those again that have one.
    func judge() {
        let next = judged(configuration)
        guard next != configuration else { return }
        world.note("process \(number): upstreams have changed")
        carryOut(next, plans(next), drains: true)
    }

    private func startChecks(_ next: SimulatedConfiguration) {
        var wanted: [String: SimulatedChecks] = [:]
        for tunnel in next.tunnels where tunnel.isEnabled && tunnel.wanted.local.options.health != nil {
            let (name, local) = (tunnel.wanted.name, tunnel.wanted.local)
            if let running = checks[name], running.local.targets == local.targets {
                wanted[name] = running
            } else if let pool = pools[name] {
                wanted[name] = SimulatedChecks(local, pool, self)
            }
        }
        for (name, running) in checks where wanted[name] !== running { running.stop() }
        checks = wanted
    }

    // MARK: Carrying out

    private func carryOut(_ next: SimulatedConfiguration, _ plans: Plans, drains: Bool) {
        stopListeners(plans.listeners)
        makeLedgers(next)
        makePools(next)
        let replaced = carryOut(plans.tunnels, of: next, drains: drains)
        startListeners(plans.listeners, of: next)
        startChecks(next)
        configuration = next
        for (places, disposition) in replaced {
            switch disposition {
            case .keep: break
            case .cut: for place in places { place.cut() }
            case .drain: _ = timer(after: Self.drainTimeout) { for place in places { place.cut() } }
            }
        }
    }

    private func makeLedgers(_ next: SimulatedConfiguration) {
        let wanted = Set(next.tunnels.map(\.wanted.name) + next.listeners.map(\.name))
        ledgers = ledgers.filter { wanted.contains($0.key) || !$0.value.open.isEmpty }
        for name in wanted where ledgers[name] == nil { ledgers[name] = SimulatedLedger(changes) }
        for name in wanted where keptAddresses[name] == nil { keptAddresses[name] = SimulatedKeptAddress() }
        keptAddresses = keptAddresses.filter { wanted.contains($0.key) }
    }

    private func makePools(_ next: SimulatedConfiguration) {
        let before = pools
        pools = [:]
        for tunnel in next.tunnels {
            let name = tunnel.wanted.name
            let pool = before[name] ?? SimulatedPool(self)
            pools[name] = pool
            guard !tunnel.isOpened else { continue }
            _ = pool.configure(tunnel.wanted.local)
            guard !tunnel.isEnabled else { continue }
            checks[name]?.stop()
            pool.rest()
        }
    }

    private func carryOut(
        _ plan: ReloadPlan,
        of next: SimulatedConfiguration,
        drains: Bool
    ) -> [(places: [SimulatedPlace], disposition: StreamDisposition)] {
        let (wanted, before) = (next.sessions, running)
        var transition = Transition(next: next, drains: drains)
        for step in plan.steps { carryOut(step, before, wanted, &transition) }
        running = wanted.indices.compactMap { index in
            guard var running = transition.sessions[index] else { return nil }
            running.wanted = wanted[index]
            if let change = transition.changes[index] { running.session.send(.changed(change)) }
            return running
        }
        return transition.replaced
    }

    private func carryOut(
        _ step: ReloadPlan.Step,
        _ before: [Running],
        _ wanted: [SimulatedConfiguration.Session],
        _ transition: inout Transition
    ) {
        switch step {
        case .keepSession(let old, let new), .renewSession(let old, let new):
            transition.changes[new] = SimulatedSession.Change(
                contexts: wanted[new].contexts,
                renews: before[old].wanted.identity != wanted[new].identity
            )
            transition.wantedIndex[old] = new
            transition.sessions[new] = before[old]
        case .startSession(let new):
            let session = SimulatedSession(wanted[new].context, self)
            sessions.append(session)
            transition.changes[new] = SimulatedSession.Change(contexts: wanted[new].contexts)
            transition.sessions[new] = Running(wanted: wanted[new], session: session)
            session.begin()
        case .stopSession(let old):
            before[old].session.send(.drainRequested)
            before[old].session.send(.drained)
        case .removeTunnel(let name, let old, let disposition):
            guard let acceptor = before[old].acceptors[name] else { return }
            remove(name, before[old], acceptor, transition.drains ? .drain : disposition, &transition)
            if let key = before[old].keys[name] { addresses.unwanted(key) }
            guard let new = transition.wantedIndex[old] else { return }
            transition.sessions[new]?.acceptors[name] = nil
            transition.sessions[new]?.keys[name] = nil
            transition.changes[new]?.removals.append(name)
        case .updateTunnel(let name, _, let new, let disposition):
            guard let tunnel = transition.next[name], let acceptor = transition.sessions[new]?.acceptors[name] else {
                return
            }
            update(acceptor, tunnel, disposition, &transition)
        case .replaceTunnel(let name, let old, let new, let disposition, let closesFirst):
            guard let definition = transition.next[name], let acceptor = before[old].acceptors[name] else { return }
            update(acceptor, definition, disposition, &transition)
            if let key = before[old].keys[name] { addresses.unwanted(key) }
            let tunnel = tunnel(definition, acceptor)
            transition.sessions[new]?.keys[name] = tunnel.key
            transition.changes[new]?.replacements.append((tunnel, closesFirst))
        case .addTunnel(let name, let new):
            guard let definition = transition.next[name], let ledger = ledgers[name], let pool = pools[name] else {
                return
            }
            let acceptor =
                transition.movedAcceptors[name] ?? SimulatedAcceptor(definition.wanted.local, ledger, pool)
            let tunnel = tunnel(definition, acceptor)
            transition.sessions[new]?.acceptors[name] = acceptor
            transition.sessions[new]?.keys[name] = tunnel.key
            transition.changes[new]?.additions.append(tunnel)
        }
    }

    func tunnel(_ tunnel: SimulatedConfiguration.Tunnel, _ acceptor: SimulatedAcceptor) -> SimulatedTunnel {
        SimulatedTunnel(
            addresses.wanted(tunnel),
            named: tunnel.wanted.name,
            tunnel.wanted.properties,
            to: acceptor,
            at: keptAddresses[tunnel.wanted.name] ?? SimulatedKeptAddress()
        )
    }

    private func update(
        _ acceptor: SimulatedAcceptor,
        _ tunnel: SimulatedConfiguration.Tunnel,
        _ disposition: StreamDisposition,
        _ transition: inout Transition
    ) {
        let places = acceptor.update(tunnel.wanted.local)
        if disposition != .keep { transition.replaced.append((places, disposition)) }
    }

    private func remove(
        _ name: String,
        _ old: Running,
        _ acceptor: SimulatedAcceptor,
        _ disposition: StreamDisposition,
        _ transition: inout Transition
    ) {
        let context = old.wanted.tunnels.first { $0.name == name }?.context
        if let tunnel = transition.next[name], tunnel.isOpened, tunnel.wanted.context == context {
            // The tunnel moves to another session of the same context, and its streams stay.
            update(acceptor, tunnel, disposition, &transition)
            transition.movedAcceptors[name] = acceptor
        } else if disposition != .keep {
            transition.replaced.append((acceptor.ledger.retire(), disposition))
        }
    }

    // MARK: Listeners

    private func stopListeners(_ plan: ListenerPlan) {
        for change in plan.changes {
            guard let old = listeners[change.listener] else { continue }
            if let disposition = change.disposition, disposition == .drain {
                let places = old.ledger.retire()
                _ = timer(after: Self.drainTimeout) { for place in places { place.cut() } }
            }
            guard !change.keepsAddress else { continue }
            old.stop()
            listeners[change.listener] = nil
        }
    }

    private func startListeners(_ plan: ListenerPlan, of next: SimulatedConfiguration) {
        for change in plan.changes {
            guard let definition = next.listeners.first(where: { $0.name == change.listener }) else { continue }
            if let old = listeners[change.listener] {
                old.update(definition)
                continue
            }
            let listener = SimulatedListener(definition, ledgers[definition.name] ?? SimulatedLedger(changes), self)
            listeners[change.listener] = listener
            // The address is the predecessor's until this process is the daemon.
            if phase != .succeeding { listener.run() }
        }
    }
}
