// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// The warm connections of a control channel's engine: does what ``PrewarmStateMachine`` decides.
///
/// It has connections from ``start(connectedTo:)`` until ``close()``, that is while the control channel is open. All of
/// them were dialed with the same certificates; when those change, they are dropped. Guarded by a lock, outside of
/// which connections are dialed and closed, each on its own event loop.
final class PrewarmedConnections: Sendable {
    /// A connection that a stream has got. It may have died on the way.
    struct Taken: Sendable {
        let eventLoop: any EventLoop
        fileprivate let box: NIOLoopBoundBox<WarmConnection?>

        /// On the event loop.
        var connection: WarmConnection? { box.value }
    }

    private struct State {
        var machine: PrewarmStateMachine
        /// Those that streams have got are here until they are used.
        var connections: [PrewarmStateMachine.ConnectionID: Taken] = [:]
        /// With which they were dialed; nil before the start and after the end.
        var dialing: (connector: EngineConnector, rule: RedirectRule)?
        var timer: (at: ContinuousClock.Instant, task: Scheduled<Void>)?
        var observe: (@Sendable (PrewarmCounts, _ warm: Int) -> Void)?
    }

    /// What was decided, to be carried out without the lock.
    private struct Work {
        var dials: [(id: PrewarmStateMachine.ConnectionID, made: Taken)] = []
        var drops: [Taken] = []
        var dialing: (connector: EngineConnector, rule: RedirectRule)?
    }

    private let engine: EngineAddress
    /// As it is now: certificates may be renewed while the channel lives.
    private let connector: @Sendable () -> EngineConnector
    private let timeout: Duration
    private let loops: [any EventLoop]
    private let state: Lock<State>

    /// Dials nothing yet. Each dial may take as long as `timeout`.
    init(
        _ policy: TransportOptions.Prewarm,
        engine: EngineAddress,
        connector: @escaping @Sendable () -> EngineConnector,
        within timeout: Duration,
        on group: any EventLoopGroup
    ) {
        self.engine = engine
        self.connector = connector
        self.timeout = timeout
        loops = Array(group.makeIterator())
        state = Lock(State(machine: PrewarmStateMachine(policy, loops: loops.count)))
    }

    /// The control channel is open, at this address.
    func start(connectedTo address: IPAddress?) {
        let connector = connector()
        decide { state, now in
            state.dialing = (connector, connector.redirectRule(connectedTo: address))
            return state.machine.started(at: now)
        }
    }

    /// The control channel has ended: closes all connections in order. None is given out or dialed any more, and the
    /// observer hears nothing more.
    func close() {
        decide { state, _ in
            state.dialing = nil
            return state.machine.stopped()
        }
        // It may have the connections of the next control channel to tell of.
        state.withLock { $0.observe = nil }
    }

    /// The host's addresses or routes have changed: connections may go nowhere.
    func networkChanged() {
        decide { state, now in state.machine.changed(at: now) }
    }

    /// Keeps no more than `most`, whatever the policy says.
    func limit(to most: Int) {
        decide { state, now in state.machine.limited(to: most, at: now) }
    }

    /// Calls `body` with what became of connections and streams so far and with how many connections are warm, and then
    /// with what was added, each time that one of them changes. It is called with the lock held, so that the calls are in
    /// order: it must not come back here.
    func observe(_ body: @escaping @Sendable (_ added: PrewarmCounts, _ warm: Int) -> Void) {
        state.withLock { state in
            state.observe = body
            body(state.machine.counts, state.machine.warm)
        }
    }

    /// A warm connection for a stream to `address` that would be dialed with `connector`; nil when there is none. Unless
    /// `eventLoop` is nil, the connection lives on it.
    func take(
        to address: EngineAddress,
        with connector: EngineConnector,
        on eventLoop: (any EventLoop)? = nil
    ) -> Taken? {
        guard address == engine else { return nil }
        let loop = eventLoop.map { eventLoop in loops.firstIndex { $0 === eventLoop } }
        // A loop of another group.
        if case .some(nil) = loop { return nil }
        var taken: Taken?
        decide { state, now in
            guard state.dialing != nil else { return PrewarmStateMachine.Action() }
            let changed = Self.renew(connector, &state, at: now)
            let (id, action) = state.machine.arrived(on: loop ?? nil, at: now)
            taken = id.flatMap { state.connections[$0] }
            return PrewarmStateMachine.Action(dials: changed.dials + action.dials, drops: changed.drops + action.drops)
        }
        return taken
    }

    // MARK: What connections report

    func dialed(_ id: PrewarmStateMachine.ConnectionID) {
        decide { state, now in
            state.machine.dialed(id, at: now)
            return PrewarmStateMachine.Action()
        }
    }

    func dialFailed(_ id: PrewarmStateMachine.ConnectionID) {
        decide { state, now in
            state.connections[id] = nil
            state.machine.dialFailed(id, at: now)
            return PrewarmStateMachine.Action()
        }
    }

    func closedByEngine(_ id: PrewarmStateMachine.ConnectionID) {
        decide { state, now in
            state.connections[id] = nil
            return state.machine.closedByEngine(id, at: now)
        }
    }

    func used(_ id: PrewarmStateMachine.ConnectionID) {
        decide { state, now in
            state.connections[id] = nil
            return state.machine.used(id, at: now)
        }
    }

    /// It is dropped if it is not kept.
    func returned(_ id: PrewarmStateMachine.ConnectionID) {
        decide { state, now in state.machine.returned(id, at: now) }
    }

    func takenDied(age: Duration) {
        decide { state, now in state.machine.takenDied(age: age, at: now) }
    }

    // MARK: Carrying out

    private func timerFired() {
        let connector = connector()
        decide { state, now in
            state.timer = nil
            let changed = Self.renew(connector, &state, at: now)
            let action = state.machine.timerFired(at: now)
            return PrewarmStateMachine.Action(dials: changed.dials + action.dials, drops: changed.drops + action.drops)
        }
    }

    /// Dials with `connector` from now on, and drops what was dialed with other certificates.
    private static func renew(
        _ connector: EngineConnector,
        _ state: inout State,
        at now: ContinuousClock.Instant
    ) -> PrewarmStateMachine.Action {
        guard let before = state.dialing else { return PrewarmStateMachine.Action() }
        state.dialing = (connector, before.rule)
        return before.connector.contexts == connector.contexts
            ? PrewarmStateMachine.Action() : state.machine.changed(at: now)
    }

    private func decide(
        _ decision: (inout State, ContinuousClock.Instant) -> PrewarmStateMachine.Action
    ) {
        let work = state.withLock { state in
            let now = ContinuousClock.now
            let (counts, warm) = (state.machine.counts, state.machine.warm)
            let action = decision(&state, now)
            if state.machine.counts != counts || state.machine.warm != warm {
                state.observe?(state.machine.counts - counts, state.machine.warm)
            }
            var work = Work(dialing: state.dialing)
            for dial in action.dials {
                let eventLoop = loops[dial.loop]
                let made = Taken(eventLoop: eventLoop, box: .makeEmptyBox(eventLoop: eventLoop))
                state.connections[dial.id] = made
                work.dials.append((dial.id, made))
            }
            work.drops = action.drops.compactMap { state.connections.removeValue(forKey: $0) }
            setTimer(&state, at: now)
            return work
        }
        carryOut(work)
    }

    private func carryOut(_ work: Work) {
        if let (connector, rule) = work.dialing {
            for (id, made) in work.dials {
                made.eventLoop.execute { [engine, timeout] in
                    // Work is queued without the lock: another thread may have dropped it before it is dialed.
                    guard self.state.withLock({ $0.connections[id] != nil }) else { return }
                    let connection = WarmConnection(id, of: self, on: made.eventLoop)
                    made.box.value = connection
                    connection.dial(engine, connector, under: rule, within: timeout)
                }
            }
        }
        for dropped in work.drops { dropped.eventLoop.execute { dropped.connection?.drop() } }
    }

    /// A timer that fires too early does no harm, so one that is set stays until it is too late.
    private func setTimer(_ state: inout State, at now: ContinuousClock.Instant) {
        guard let deadline = state.machine.deadline(at: now) else {
            state.timer?.task.cancel()
            state.timer = nil
            return
        }
        if let timer = state.timer, timer.at <= deadline { return }
        state.timer?.task.cancel()
        guard let eventLoop = loops.first else { return }
        let task = eventLoop.scheduleTask(in: TimeAmount(now.duration(to: deadline))) { [weak self] () -> Void in
            self?.timerFired()
        }
        state.timer = (deadline, task)
    }
}
