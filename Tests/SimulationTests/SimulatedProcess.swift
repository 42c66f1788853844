// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemon
import RstreamDaemonModel
import RstreamModel

/// One process of the simulated daemon: takes requests in order, one at a time, as the request loop of `Daemon` does, and
/// runs the sessions, listeners and checks of its configuration.
final class SimulatedProcess {
    enum Phase: Hashable {
        /// It waits for what its predecessor tells.
        case beginning
        case succeeding
        case serving
        case retired
        case stopping
        case ended
    }

    enum Request {
        case reload
        case networkChanged
        case filesChanged
        case retry
        case renew
        case servabilityChanged
        case upgrade(SimulatedPredecessor.Event)
        case succession(SimulatedLink.Event)
        case viewChanged
        case successionDeadline
        case drained
        case stop
    }

    struct Running {
        var wanted: SimulatedConfiguration.Session
        let session: SimulatedSession
        var acceptors: [String: SimulatedAcceptor] = [:]
        /// The keys of the configured tunnels.
        var keys: [String: Int] = [:]
    }

    /// For streams of a stop, and of a tunnel that is changed or removed.
    static let drainTimeout = 5_000
    /// For streams of a process that was taken over from.
    static let upgradeDrain = 30_000
    /// An event is on its way within the daemon for this long at most.
    static let slack = 30

    let number: Int
    unowned let world: SimulatedWorld
    let changes = SimulatedChanges()
    var phase = Phase.beginning { didSet { changes.concernConfiguration = true } }
    var configuration = SimulatedConfiguration() { didSet { changes.concernConfiguration = true } }
    var running: [Running] = [] { didSet { changes.concernConfiguration = true } }
    /// Every session that has not ended, also those that a reload has stopped.
    var sessions: [SimulatedSession] = []
    var listeners: [String: SimulatedListener] = [:]
    var checks: [String: SimulatedChecks] = [:]
    var ledgers: [String: SimulatedLedger] = [:] { didSet { changes.concernStreams = true } }
    var pools: [String: SimulatedPool] = [:] { didSet { changes.concernStreams = true } }
    var keptAddresses: [String: SimulatedKeptAddress] = [:]
    let table: SimulatedStreamTable
    let addresses = SimulatedAddresses()
    /// Every half of a stream that there was.
    var halves: [SimulatedEngineHalf] = []
    /// Tunnels that a successor has asked for.
    var released: [String] = [] { didSet { changes.concernConfiguration = true } }
    private(set) lazy var predecessor = SimulatedPredecessor(self)
    var succession: SimulatedSuccession?
    /// Whether the state files are this process's.
    var ownsState = true
    private(set) var queue: [Request] = []
    /// What would change tunnels that are being handed over.
    private var postponed: [Request] = []
    /// A reload reads the files.
    var isBusy = false { didSet { changes.concernConfiguration = true } }
    /// When it last read the files.
    var readAt = 0
    /// Since when it serves, has nothing to do, and has not read the files since a reload was asked for.
    var overlooksReloadSince: Int?
    /// Connections that are warm and have no stream.
    var warmConnections = 0
    /// No stream is left.
    var isDrained = false
    /// It was asked to stop after it was taken over from.
    var isAsked = false
    /// Its sessions close, and then it ends.
    var isFinishing = false
    /// It could not take over.
    var hasFailed = false
    /// It stops before it has taken over, and does not kill its predecessor.
    var sparesPredecessor = false
    private var lastSent = 0
    private var isViewPending = false

    init(_ number: Int, _ world: SimulatedWorld) {
        (self.number, self.world) = (number, world)
        table = SimulatedStreamTable(capacity: 7, changes)
    }

    // MARK: Steps

    func enter(after delay: Int, _ call: @escaping () -> Void) { world.enter(after: delay, .process(number), call) }

    func enter(at time: Int, _ call: @escaping () -> Void) { world.enter(at: time, .process(number), call) }

    /// A step that follows this one, in order.
    func later(_ call: @escaping () -> Void) { enter(after: 1, call) }

    /// A step that follows this one in no certain order, as child tasks report.
    func sometime(_ call: @escaping () -> Void) { enter(after: Int.random(in: 0...3, using: &world.random), call) }

    func timer(after delay: Int, _ call: @escaping () -> Void) -> SimulatedTimer {
        let timer = SimulatedTimer(due: world.now + delay)
        enter(after: delay) {
            guard timer.isArmed else { return }
            timer.cancel()
            call()
        }
        return timer
    }

    // MARK: Requests

    /// Requests come in the order in which they were sent.
    func send(_ request: Request) {
        lastSent = max(lastSent, world.now + Int.random(in: 0...3, using: &world.random))
        enter(at: lastSent) { [self] in
            queue.append(request)
            takeAll()
        }
    }

    func takeAll() {
        while !isBusy, phase != .ended, !queue.isEmpty { take(queue.removeFirst()) }
    }

    private func take(_ request: Request) {
        if case .reload = request, phase == .succeeding || phase == .serving { world.host.reloadTakenAt = world.now }
        switch phase {
        case .beginning: break
        case .succeeding: takeSucceeding(request)
        case .serving: takeServing(request)
        case .retired: takeRetired(request)
        case .stopping: takeStopping(request)
        case .ended: break
        }
    }

    private func takeServing(_ request: Request) {
        switch request {
        case .stop:
            predecessor.stop()
            return beginStop()
        case .upgrade(let event): predecessor.take(event)
        case .reload where predecessor.defersReload(): break
        case .succession, .viewChanged, .successionDeadline, .drained: break
        case .servabilityChanged where predecessor.machine.isUnderWay: postponed.append(request)
        case .filesChanged where predecessor.machine.isUnderWay && predecessor.machine.isRestart:
            postponed.append(request)
        case .retry where predecessor.machine.isUnderWay, .renew where predecessor.machine.isUnderWay: break
        case .reload, .networkChanged, .filesChanged, .retry, .renew, .servabilityChanged: reconcile(request)
        }
        if predecessor.retirement != nil { return beginRetirement() }
        if !postponed.isEmpty, !predecessor.machine.isUnderWay {
            for request in postponed { send(request) }
            postponed = []
        }
        if predecessor.takeDeferredReload(), world.mistake != .losesReload { send(.reload) }
    }

    private func takeStopping(_ request: Request) {
        guard case .succession(.ended) = request else { return }
        succession?.isOver = true
        finishStop()
        endIfDone()
    }

    /// What changes nothing about which process serves.
    func reconcile(_ request: Request) {
        switch request {
        case .reload: reload()
        case .networkChanged: for running in running { running.session.send(.networkChanged) }
        case .filesChanged: for running in running { running.session.send(.filesChanged) }
        case .retry: for running in running { running.session.send(.retryRequested) }
        case .renew: for running in running { running.session.send(.renewRequested) }
        case .servabilityChanged: judge()
        default: break
        }
    }

    /// A session or one of its tunnels may have changed.
    func sessionChanged() {
        let over = sessions.filter(\.isOver)
        if !over.isEmpty {
            sessions.removeAll { $0.isOver }
            endIfDone()
        }
        guard phase == .succeeding, !isViewPending else { return }
        isViewPending = true
        send(.viewChanged)
    }

    func viewSeen() { isViewPending = false }

    // MARK: What sessions ask

    func store(_ schedule: ReconnectSchedule?, of session: SimulatedSession) {
        if ownsState { world.host.schedules[session.context] = schedule }
    }

    /// A tunnel of that name is asked for.
    func asks(for name: String) {
        guard phase == .succeeding, let succession, succession.inventory.value.tunnels.contains(name),
            let other = world.host.processes[succession.inventory.process], other.phase == .serving
        else { return }
        if other.running.contains(where: { $0.keys[name] != nil }) {
            world.complain("\(name) was asked for before the predecessor had closed it")
        }
    }
}
