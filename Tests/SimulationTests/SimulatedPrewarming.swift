// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel

/// The warm connections of a control channel: does what ``PrewarmStateMachine`` decides, as `PrewarmedConnections` does.
final class SimulatedPrewarming {
    static let policy = TransportOptions.Prewarm(mode: .auto, maximum: 3, maxAge: .seconds(5))

    private unowned let process: SimulatedProcess
    private var machine = PrewarmStateMachine(SimulatedPrewarming.policy, loops: 1)
    /// Those that streams have got are here until they are used.
    private(set) var connections: [PrewarmStateMachine.ConnectionID: SimulatedWarmConnection] = [:]
    private var isDialing = false
    private var timer: SimulatedTimer?

    init(_ process: SimulatedProcess) {
        self.process = process
    }

    func start() {
        isDialing = true
        decide { $0.started(at: $1) }
    }

    func close() {
        isDialing = false
        decide { machine, _ in machine.stopped() }
    }

    func networkChanged() { decide { $0.changed(at: $1) } }

    func take() -> SimulatedWarmConnection? {
        guard isDialing else { return nil }
        var taken: SimulatedWarmConnection?
        decide { machine, now in
            let (id, action) = machine.arrived(at: now)
            taken = id.flatMap { connections[$0] }
            return action
        }
        return taken
    }

    // MARK: What connections report

    func dialed(_ id: PrewarmStateMachine.ConnectionID) {
        decide { machine, now in
            machine.dialed(id, at: now)
            return PrewarmStateMachine.Action()
        }
    }

    func dialFailed(_ id: PrewarmStateMachine.ConnectionID) {
        connections[id] = nil
        decide { machine, now in
            machine.dialFailed(id, at: now)
            return PrewarmStateMachine.Action()
        }
    }

    func closedByEngine(_ id: PrewarmStateMachine.ConnectionID) {
        connections[id] = nil
        decide { $0.closedByEngine(id, at: $1) }
    }

    func used(_ id: PrewarmStateMachine.ConnectionID) {
        connections[id] = nil
        decide { $0.used(id, at: $1) }
    }

    func returned(_ id: PrewarmStateMachine.ConnectionID) { decide { $0.returned(id, at: $1) } }

    func takenDied(age: Duration) { decide { $0.takenDied(age: age, at: $1) } }

    // MARK: Carrying out

    private func decide(
        _ decision: (inout PrewarmStateMachine, ContinuousClock.Instant) -> PrewarmStateMachine.Action
    ) {
        let now = process.world.instant
        let action = decision(&machine, now)
        var made: [SimulatedWarmConnection] = []
        for dial in action.dials {
            let connection = SimulatedWarmConnection(dial.id, of: self, process)
            connections[dial.id] = connection
            made.append(connection)
        }
        let dropped = action.drops.compactMap { connections.removeValue(forKey: $0) }
        setTimer(at: now)
        for connection in made where isDialing {
            process.later { [self] in
                if connections[connection.id] === connection { connection.dial() }
            }
        }
        if process.world.mistake == .keepsWarm { return }
        for connection in dropped { connection.drop() }
    }

    private func setTimer(at now: ContinuousClock.Instant) {
        guard let deadline = machine.deadline(at: now) else {
            timer?.cancel()
            return
        }
        let due = process.world.now + max(0, now.duration(to: deadline).milliseconds)
        if let timer, timer.isArmed, timer.due <= due { return }
        timer?.cancel()
        timer = process.timer(after: due - process.world.now) { [self] in decide { $0.timerFired(at: $1) } }
    }
}

/// A connection to the engine that no stream uses yet: what `WarmConnection` does.
final class SimulatedWarmConnection {
    private enum State {
        case dialing
        case warm(since: Int)
        case used(age: Duration)
        case ended
    }

    typealias Receive = (SimulatedNetwork.Packet, _ link: Int) -> Void

    let id: PrewarmStateMachine.ConnectionID
    private weak var pool: SimulatedPrewarming?
    private unowned let process: SimulatedProcess
    private var state = State.dialing
    private var link: Int?
    /// The stream that uses it.
    private var receive: Receive?

    init(_ id: PrewarmStateMachine.ConnectionID, of pool: SimulatedPrewarming, _ process: SimulatedProcess) {
        (self.id, self.pool, self.process) = (id, pool, process)
    }

    func dial() {
        link = process.world.network.dial(
            timeout: SimulatedEngineHalf.dialTimeout,
            of: process,
            { [self] packet, link in
                if let receive { return receive(packet, link) }
                lost()
            },
            then: { [self] result, _ in
                guard case .connected = result else { return lost() }
                guard case .dialing = state else { return }
                state = .warm(since: process.world.now)
                process.warmConnections += 1
                pool?.dialed(id)
            }
        )
    }

    func drop() {
        switch state {
        case .dialing: end(.reset)
        case .warm: end(.end)
        case .used, .ended: break
        }
    }

    private func lost() {
        switch state {
        case .dialing:
            end(.reset)
            pool?.dialFailed(id)
        case .warm:
            end(.reset)
            pool?.closedByEngine(id)
        case .used, .ended: break
        }
    }

    /// The connection, which reports to its stream from now on; nil if it is dead.
    func hand(to receive: @escaping Receive) -> Int? {
        guard case .warm(let since) = state, let link else { return nil }
        state = .used(age: .milliseconds(process.world.now - since))
        process.warmConnections -= 1
        self.receive = receive
        pool?.used(id)
        return link
    }

    func diedInUse() {
        guard case .used(let age) = state else { return }
        state = .ended
        pool?.takenDied(age: age)
    }

    /// Another stream may get it if this one has not used it.
    func giveUp() {
        guard case .warm = state else { return }
        if let pool { pool.returned(id) } else { drop() }
    }

    private func end(_ packet: SimulatedNetwork.Packet) {
        if case .warm = state { process.warmConnections -= 1 }
        state = .ended
        if let link { process.world.network.close(link, at: .daemon, packet) }
        link = nil
    }
}
