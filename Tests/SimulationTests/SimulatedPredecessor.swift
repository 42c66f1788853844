// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemon
import RstreamModel

/// Carries out what ``PredecessorStateMachine`` decides, as `Predecessor` does in the request loop of `Daemon`.
final class SimulatedPredecessor {
    enum Event {
        case requested
        case restart
        case restartTimePassed
        case planned(attempt: Int, mayStart: Bool)
        case link(attempt: Int, SimulatedLink.Event)
        case deadlinePassed(attempt: Int)
        case released(attempt: Int, tunnel: String)
    }

    private(set) var machine = PredecessorStateMachine()
    private(set) var retirement: (link: SimulatedLink, drain: Duration)?
    private unowned let process: SimulatedProcess
    private var world: SimulatedWorld { process.world }
    private var deadline: SimulatedTimer?
    private var restartTime: SimulatedTimer?
    private var link: SimulatedLink?
    private var successor: Int?
    private var attempt = 0

    init(_ process: SimulatedProcess) {
        self.process = process
    }

    var text: String { "\(machine.state)" }

    // MARK: Events

    func take(_ event: Event) {
        switch event {
        case .requested: if !machine.isUnderWay { perform(machine.upgradeRequested()) }
        case .restart:
            if machine.isUnderWay { return declined() }
            perform(machine.restartRequested())
        case .restartTimePassed: perform(machine.restartTimePassed())
        case .planned(let attempt, let mayStart):
            if attempt == self.attempt { perform(machine.answered(mayStart: mayStart)) }
        case .link(let attempt, _) where attempt != self.attempt: break
        case .link(_, .parcel(.message(let message))): perform(machine.received(message))
        case .link(_, .parcel(.inventory)): break
        case .link(_, .ended): perform(machine.ended())
        case .deadlinePassed(let attempt): if attempt == self.attempt { perform(machine.deadlinePassed()) }
        case .released(let attempt, let tunnel): if attempt == self.attempt { perform(machine.released(tunnel)) }
        }
    }

    func defersReload() -> Bool { machine.reloadRequested() }

    func takeDeferredReload() -> Bool { machine.state == .serving && machine.takeReload() }

    func stop() { perform(machine.stopRequested()) }

    private func send(_ event: Event) { process.send(.upgrade(event)) }

    // MARK: Actions

    private func perform(_ actions: [PredecessorStateMachine.Action]) {
        for action in actions {
            switch action {
            case .start: start()
            case .leave: leave()
            case .ask:
                let attempt = attempt
                process.enter(after: Int.random(in: 1...20, using: &world.random)) { [self] in
                    send(.planned(attempt: attempt, mayStart: world.host.mayStart))
                }
            case .setRestartTime(let wait):
                restartTime?.cancel()
                restartTime = process.timer(after: wait.milliseconds) { [self] in send(.restartTimePassed) }
            case .decline:
                restartTime?.cancel()
                declined()
            case .stop(let failure):
                restartTime?.cancel()
                world.note("process \(process.number): no process takes over, \(failure)")
                process.send(.stop)
            case .setDeadline(let wait):
                deadline?.cancel()
                let attempt = attempt
                deadline = process.timer(after: wait.milliseconds) { [self] in send(.deadlinePassed(attempt: attempt)) }
            case .cancelDeadline: deadline?.cancel()
            case .send(let message): link?.send(message, from: .predecessor)
            case .release(let tunnel):
                let attempt = attempt
                process.release(tunnel) { [self] in send(.released(attempt: attempt, tunnel: tunnel)) }
            case .retire(let drain): retire(drain)
            case .hangUp:
                link?.close(.predecessor)
                link = nil
            case .kill: if let successor { world.host.kill(successor) }
            case .takeBack: if world.mistake != .forgetsTakeBack { process.takeBack() }
            case .answer(let outcome): world.note("process \(process.number): upgrade \(outcome)")
            }
        }
    }

    /// A restart is a stop.
    private func declined() { process.send(.stop) }

    private func start() {
        attempt += 1
        let link = SimulatedLink(process.number, world)
        successor = world.host.startBeside(link)
        world.note("process \(process.number): starts process \(successor ?? 0)")
        tell(link)
    }

    private func leave() {
        attempt += 1
        successor = nil
        let link = SimulatedLink(process.number, world)
        tell(link)
        world.note("process \(process.number): leaves its place")
        world.host.left(process.number, link)
    }

    /// Tells the successor at the other end what there is.
    private func tell(_ link: SimulatedLink) {
        self.link = link
        let attempt = attempt
        link.receive(.predecessor) { [self] in send(.link(attempt: attempt, $0)) }
        link.send(
            .message(.hello(version: UpgradeMessage.version, program: "simulation", pid: process.number)),
            from: .predecessor
        )
        link.send(.inventory(process.inventory), from: .predecessor)
    }

    /// Nothing comes to this process any more.
    private func retire(_ drain: Duration) {
        guard let link else { return }
        restartTime?.cancel()
        for name in process.listeners.keys.sorted() { process.listeners[name]?.stop() }
        process.ownsState = false
        if let successor { world.host.mainIs(successor) }
        let reloads = machine.takeReload() && world.mistake != .losesReload
        link.send(.committed(reloads: reloads), from: .predecessor)
        retirement = (link, drain)
    }
}
