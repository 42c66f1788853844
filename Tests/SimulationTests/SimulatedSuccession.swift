// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemon
import RstreamModel

/// What a simulated process takes over: what `Succession` is, with the state machine that `Daemon.takeOver` drives.
final class SimulatedSuccession {
    let link: SimulatedLink
    let isRestart: Bool
    var inventory = SimulatedLink.Inventory()
    var isOver = false
    var machine: SuccessorStateMachine
    var deadline: SimulatedTimer?
    var wantsReload = false
    /// It takes over although not everything is there.
    var hasInsisted = false
    /// systemd restarts the service once more.
    var wantsRestart = false

    init(_ link: SimulatedLink, isRestart: Bool) {
        (self.link, self.isRestart) = (link, isRestart)
        machine = SuccessorStateMachine(.init(), drain: .zero)
    }
}

/// Taking over from a predecessor.
extension SimulatedProcess {
    /// Waits for what there is.
    func begin(after succession: SimulatedSuccession) {
        self.succession = succession
        ownsState = false
        succession.link.receive(.successor) { [self] event in
            switch (phase, event) {
            case (.beginning, .parcel(.inventory(let inventory))): begin(with: inventory)
            case (.beginning, .parcel(.message(.hello))): break
            // It cannot take over; where systemd has started it, another one starts for itself.
            case (.beginning, _): end(.failed)
            case (_, .parcel(.inventory)): break
            default:
                if case .ended = event { succession.isOver = true }
                send(.succession(event))
            }
        }
    }

    private func begin(with inventory: SimulatedLink.Inventory) {
        guard let succession else { return }
        succession.inventory = inventory
        let files = world.host.files
        guard !files.isBroken else {
            succession.link.send(.refused(reason: "the configuration has errors", diagnostics: []), from: .successor)
            return end(.misconfigured)
        }
        succession.link.send(
            .hello(version: UpgradeMessage.version, program: "simulation", pid: number),
            from: .successor
        )
        phase = .succeeding
        for port in inventory.ports.sorted() { world.host.copy(port, to: number) }
        if world.mistake != .opensEarly { addresses.holdAll() }
        for (name, hostname) in inventory.chosen {
            guard let tunnel = files[name] else { continue }
            keptAddresses[name] = .inherited(hostname, tunnel.wanted.properties)
        }
        start(files)
        succession.machine = SuccessorStateMachine(
            inventory.value,
            drain: .milliseconds(Self.upgradeDrain),
            isRestart: succession.isRestart
        )
        perform(succession.machine.started(view))
    }

    /// What ``SuccessorStateMachine`` has to know, and no more tunnels than it asks about.
    private var view: SuccessorStateMachine.View {
        var view = whole
        let awaited = succession?.machine.awaited ?? []
        view.tunnels = view.tunnels.filter { awaited.contains($0.key) }
        return view
    }

    private var whole: SuccessorStateMachine.View {
        var view = SuccessorStateMachine.View()
        for session in sessions {
            let isOnline = session.machine.state == .online || session.machine.state == .draining
            view.sessions[session.context] = (view.sessions[session.context] ?? true) && isOnline
            if session.machine.state == .rejected { view.rejected.insert(session.context) }
        }
        for tunnel in configuration.tunnels where tunnel.isOpened { view.tunnels[tunnel.wanted.name] = false }
        for running in running {
            for name in running.keys.keys {
                if case .online? = running.session.shown(name)?.machine.state { view.tunnels[name] = true }
            }
        }
        return view
    }

    func takeSucceeding(_ request: Request) {
        guard let succession else { return }
        switch request {
        case .succession(.parcel(.message(let message))): perform(succession.machine.received(message, view))
        case .succession(.ended): perform(succession.machine.ended())
        case .viewChanged:
            viewSeen()
            perform(succession.machine.changed(view))
        case .successionDeadline: perform(succession.machine.deadlinePassed(view))
        case .stop: perform(succession.machine.stopRequested())
        case .reload: succession.wantsReload = true
        case .upgrade(.restart): succession.wantsRestart = true
        case .upgrade, .succession, .drained: break
        case .networkChanged, .filesChanged, .servabilityChanged: reconcile(request)
        case .retry, .renew: break
        }
    }

    private func perform(_ actions: [SuccessorStateMachine.Action]) {
        guard let succession else { return }
        for action in actions {
            switch action {
            case .send(let message):
                if case .done = message { checkDone(succession) }
                succession.link.send(message, from: .successor)
            case .open(let tunnel): addresses.free([tunnel])
            case .openOthers: addresses.free(Set(whole.tunnels.keys).subtracting(succession.inventory.value.tunnels))
            case .setDeadline(let wait):
                succession.deadline?.cancel()
                succession.deadline = timer(after: wait.milliseconds) { [self] in send(.successionDeadline) }
            case .cancelDeadline: succession.deadline?.cancel()
            case .serve(let reloads): serve(succession, reloads: reloads)
            case .insist(let failure):
                succession.hasInsisted = true
                world.note("process \(number): restart goes on, \(failure)")
            case .killPredecessor: world.host.kill(succession.inventory.process)
            case .stopPredecessor: stopBoth(succession)
            case .fail(let failure): if world.mistake != .outlivesFailure { giveUp(succession, failure) }
            }
        }
        if phase == .succeeding, succession.machine.state == .failed {
            world.complain("process \(number) cannot take over, and goes on")
        }
    }

    /// Unless it insists, it has asked for everything by then.
    private func checkDone(_ succession: SimulatedSuccession) {
        guard !succession.hasInsisted, let other = world.host.processes[succession.inventory.process],
            other.phase == .serving
        else { return }
        let left = other.running.flatMap(\.keys.keys)
        if !left.isEmpty { world.complain("a successor is done, and its predecessor has \(left.sorted())") }
        let names = succession.inventory.value.tunnels
        for tunnel in other.sessions.flatMap(\.tunnels.values) where names.contains(tunnel.name) {
            world.complain("a successor is done, and its predecessor has not closed \(tunnel.name)")
        }
    }

    private func serve(_ succession: SimulatedSuccession, reloads: Bool) {
        world.note("process \(number): has taken over")
        (phase, ownsState) = (.serving, true)
        addresses.freeAll()
        for name in listeners.keys.sorted() { listeners[name]?.run() }
        for port in succession.inventory.ports.subtracting(listeners.values.map(\.port)).sorted() {
            world.host.close(port, by: number)
        }
        if reloads || succession.wantsReload { send(.reload) }
        if succession.wantsRestart { send(.upgrade(.restart)) }
        world.host.serves(number)
    }

    private func giveUp(_ succession: SimulatedSuccession, _ failure: UpgradeFailure) {
        world.note("process \(number): taking over failed, \(failure)")
        succession.link.send(.refused(reason: failure.description, diagnostics: []), from: .successor)
        (phase, hasFailed) = (.stopping, true)
        for running in running {
            running.session.send(.drainRequested)
            running.session.send(.drained)
        }
        table.cut()
        endIfDone()
    }

    /// The service is stopped before this process has taken over.
    private func stopBoth(_ succession: SimulatedSuccession) {
        (phase, sparesPredecessor) = (.stopping, true)
        for running in running { running.session.send(.drainRequested) }
        succession.link.send(.stop(withinSeconds: Double(Self.drainTimeout) / 1_000), from: .successor)
        endStreams(predecessors: 10_000)
    }
}
