// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemon
import RstreamDaemonModel
import RstreamModel

/// Handing tunnels over, taking them back, and the end of a process, as `RunningConfiguration`, `Daemon.retire` and
/// `Daemon.stop` do.
extension SimulatedProcess {
    // MARK: Handing over

    var inventory: SimulatedLink.Inventory {
        var inventory = SimulatedLink.Inventory()
        inventory.process = number
        for running in running {
            for name in running.keys.keys {
                inventory.value.tunnels.insert(name)
                if case .online? = running.session.shown(name)?.machine.state { inventory.value.online.insert(name) }
                if let hostname = keptAddresses[name]?.hostname { inventory.chosen[name] = hostname }
            }
        }
        for session in sessions where session.machine.state == .online || session.machine.state == .draining {
            inventory.value.contexts.insert(session.context)
        }
        inventory.ports = Set(listeners.values.filter(\.isListening).map(\.port))
        return inventory
    }

    /// Closes a tunnel at the engine and calls `whenGone` once none of its name is open there.
    func release(_ name: String, whenGone: @escaping () -> Void) {
        guard let index = running.firstIndex(where: { $0.keys[name] != nil }),
            let key = running[index].keys.removeValue(forKey: name)
        else { return whenGone() }
        released.append(name)
        addresses.unwanted(key)
        guard addresses.whenGone(name, whenGone) else { return whenGone() }
        var change = SimulatedSession.Change(contexts: running[index].wanted.contexts)
        change.removals = [name]
        running[index].session.send(.changed(change))
    }

    /// Opens the tunnels again that a successor had asked for.
    func takeBack() {
        let names = Set(released)
        released = []
        for index in running.indices {
            var change = SimulatedSession.Change(contexts: running[index].wanted.contexts)
            for definition in configuration.tunnels where names.contains(definition.wanted.name) {
                guard let acceptor = running[index].acceptors[definition.wanted.name] else { continue }
                let tunnel = tunnel(definition, acceptor)
                running[index].keys[definition.wanted.name] = tunnel.key
                change.additions.append(tunnel)
            }
            if !change.additions.isEmpty { running[index].session.send(.changed(change)) }
        }
    }

    // MARK: The end of a process that was taken over from

    func beginRetirement() {
        guard let (_, drain) = predecessor.retirement else { return }
        world.note("process \(number): was taken over from")
        phase = .retired
        for running in running { running.session.send(.drainRequested) }
        cut(after: drain.milliseconds)
        table.drain { [self] in send(.drained) }
        _ = timer(after: 5_000) { [self] in for running in running { running.session.send(.drained) } }
    }

    func takeRetired(_ request: Request) {
        switch request {
        case .drained: isDrained = true
        case .succession(.ended): succession?.isOver = true
        case .upgrade(.link(_, .parcel(.message(.stop(let seconds))))):
            isAsked = true
            succession?.link.send(.stop(withinSeconds: seconds), from: .successor)
            cut(after: Int(seconds * 1_000))
        case .upgrade(.link(_, .ended)) where !isAsked, .stop where !isAsked:
            isAsked = true
            cut(after: Self.drainTimeout)
        default: break
        }
        endIfDone()
    }

    /// The earliest of the times counts.
    private func cut(after time: Int) { _ = timer(after: time) { [self] in table.cut() } }

    // MARK: Stop

    func beginStop() {
        world.note("process \(number): stops")
        phase = .stopping
        for check in checks.values { check.stop() }
        for running in running { running.session.send(.drainRequested) }
        for name in listeners.keys.sorted() { listeners[name]?.stop() }
        if let succession, !succession.isOver {
            succession.link.send(.stop(withinSeconds: Double(Self.drainTimeout) / 1_000), from: .successor)
        }
        endStreams(predecessors: 2_000)
    }

    /// Lets streams end, and cuts those that are left; processes before this one cut theirs at the same time, and may take
    /// so much longer, from the cut on: a host may be suspended until then.
    func endStreams(predecessors longest: Int) {
        table.drain { [self] in
            isDrained = true
            finishStop()
        }
        _ = timer(after: Self.drainTimeout) { [self] in
            table.cut()
            _ = timer(after: longest) { [self] in finishStop(isLate: true) }
        }
    }

    func finishStop(isLate: Bool = false) {
        guard phase == .stopping, !isFinishing else { return }
        let isAlone = succession?.isOver != false
        guard isDrained && isAlone || isLate else { return }
        isFinishing = true
        if !isAlone, !sparesPredecessor, let succession { world.host.kill(succession.inventory.process) }
        for running in running { running.session.send(.drained) }
        endIfDone()
    }

    /// A process ends when its last session has.
    func endIfDone() {
        switch phase {
        case .beginning, .succeeding, .serving, .ended: break
        case .retired:
            guard isDrained, succession?.isOver != false else { return }
            if !isFinishing {
                isFinishing = true
                for running in running { running.session.send(.drained) }
            }
            if sessions.isEmpty { end(.done) }
        case .stopping:
            if isFinishing || hasFailed, sessions.isEmpty { end(hasFailed ? .failed : .done) }
        }
    }

    func end(_ status: SimulatedHost.ExitStatus) {
        guard phase != .ended else { return }
        phase = .ended
        if status == .done, !isAsked { checkEnd() }
        for running in running { running.session.clear() }
        world.host.ended(number, status)
    }
}
