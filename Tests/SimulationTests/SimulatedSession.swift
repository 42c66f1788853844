// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport

/// One session of the simulated daemon: takes events in order and carries out what ``SessionStateMachine``,
/// ``SessionTunnelsStateMachine`` and ``TunnelStateMachine`` decide, line by line as `EngineSession` does.
///
/// Whatever waits reports a moment later and in any order, as child tasks do.
final class SimulatedSession {
    enum Event {
        case connected(attempt: Int, SimulatedChannel)
        case connectFailed(attempt: Int, RstreamError)
        case channelEnded(epoch: Int, RstreamError?)
        case retryTimerFired(generation: Int)
        case tunnelOpened(epoch: Int, Int, TunnelProperties)
        case tunnelFailed(epoch: Int, Int, RstreamError)
        case tunnelEnded(epoch: Int, Int, RstreamError?)
        case tunnelTimerFired(Int, generation: Int)
        case addressFree(Int)
        case changed(Change)
        case retryRequested
        case renewRequested
        case filesChanged
        case networkChanged
        case drainRequested
        case drained
    }

    /// What a reload changes in a session that goes on.
    struct Change {
        var contexts: [String]
        /// Whether it has to connect again.
        var renews = false
        var removals: [String] = []
        var replacements: [(tunnel: SimulatedTunnel, closesFirst: Bool)] = []
        var additions: [SimulatedTunnel] = []
    }

    static let policy = ReconnectPolicy(minimum: .seconds(1), maximum: .seconds(30), rejected: .seconds(60))

    /// The context that it is named after.
    private(set) var context: String
    unowned let process: SimulatedProcess
    var world: SimulatedWorld { process.world }
    private(set) var machine = SessionStateMachine(policy: SimulatedSession.policy)
    private(set) var order = SessionTunnelsStateMachine<Int>()
    private(set) var tunnels: [Int: SimulatedTunnel] = [:] {
        didSet { process.changes.concernConfiguration = true }
    }
    private(set) var channel: SimulatedChannel?
    private(set) var timer: SimulatedTimer?
    /// When the next attempt is due, and what the status says of that.
    private(set) var due: Int?
    private(set) var nextAttemptAt: UTCTime?
    /// Attempts that have no result yet.
    private(set) var dialing: Set<Int> = []
    private(set) var attempt = 0
    private var epoch = 0
    private var lostAt: Int?
    /// Takes no events any more.
    private(set) var isOver = false { didSet { process.changes.concernConfiguration = true } }
    /// When the last event comes that was sent: they come in the order in which they were sent.
    private var lastSent = 0
    /// Changes that were sent and have not come.
    private(set) var pendingChanges = 0 { didSet { process.changes.concernConfiguration = true } }
    /// The process before has stored that nothing is dialed sooner.
    private var earliest = 0
    /// Whether something other than the timer asks for an attempt.
    private var isUrged = false

    init(_ context: String, _ process: SimulatedProcess) {
        (self.context, self.process) = (context, process)
    }

    /// Its process is gone. The channel refers to the session.
    func clear() {
        channel?.clear()
        channel = nil
    }

    func begin() {
        let schedule = world.host.schedules[context]
        isUrged = schedule.map { $0.wait(at: world.utc, Self.policy) == .zero } ?? true
        if let schedule {
            let left = world.utc.duration(to: schedule.nextAttemptAt).milliseconds
            let longest = schedule.isRejected ? Self.policy.rejected : Self.policy.maximum
            earliest = world.now + min(max(left, 0), longest.milliseconds)
        }
        if let schedule, world.mistake != .forgetsSchedule {
            perform(machine.started(resuming: schedule, at: world.utc))
        } else {
            perform(machine.started())
        }
        isUrged = false
    }

    /// What the request loop says, in order.
    func send(_ event: Event) {
        lastSent = max(lastSent, world.now + Int.random(in: 0...3, using: &world.random))
        if case .changed = event { pendingChanges += 1 }
        process.enter(at: lastSent) { [self] in handle(event) }
    }

    /// The tunnel to show under a name, as ``SessionTunnelsStateMachine`` has it.
    func shown(_ name: String) -> SimulatedTunnel? { order.shown(name).flatMap { tunnels[$0] } }

    // MARK: Events

    func handle(_ event: Event) {
        if case .changed = event { pendingChanges -= 1 }
        if isOver { return discard(event) }
        isUrged = false
        take(event)
        if machine.state == .closed { end() }
        process.sessionChanged()
    }

    /// Everything that it had is given back.
    private func end() {
        isOver = true
        world.note("session \(context): over")
        channel?.abort()
        timer?.cancel()
        for key in tunnels.keys.sorted() {
            tunnels[key]?.timer?.cancel()
            process.addresses.gone(key)
        }
        tunnels = [:]
    }

    private func discard(_ event: Event) {
        switch event {
        case .connected(_, let channel): channel.close()
        case .changed(let change):
            for tunnel in change.replacements.map(\.tunnel) + change.additions { process.addresses.gone(tunnel.key) }
        default: break
        }
    }

    private func take(_ event: Event) {
        switch event {
        case .connected(let attempt, let channel):
            dialing.remove(attempt)
            guard attempt == self.attempt, machine.state == .connecting else { return channel.close() }
            connected(channel)
        case .connectFailed(let attempt, let error):
            dialing.remove(attempt)
            guard attempt == self.attempt else { return }
            perform(machine.connectFailed(error, using: &world.random))
        case .channelEnded(let epoch, let error):
            guard epoch == self.epoch, channel != nil, world.mistake != .missesLoss else { return }
            channelEnded(error)
        case .retryTimerFired(let generation): perform(machine.retryTimerFired(generation: generation))
        case .tunnelOpened(let epoch, let key, let properties):
            guard epoch == self.epoch else { return }
            watch(key, properties.id ?? "")
            decide(key) { machine, _ in machine.opened(properties) }
            run(order.settled(key))
        case .tunnelFailed(let epoch, let key, let error):
            guard epoch == self.epoch else { return }
            decide(key) { machine, random in machine.openFailed(error, using: &random) }
            run(order.settled(key))
        case .tunnelEnded(let epoch, let key, let error):
            guard epoch == self.epoch else { return }
            decide(key) { machine, random in machine.ended(error, using: &random) }
        case .tunnelTimerFired(let key, let generation):
            decide(key) { machine, _ in machine.retryTimerFired(generation: generation) }
        case .addressFree(let key): run(order.addressFreed(key))
        case .changed(let change): changed(change)
        case .retryRequested:
            isUrged = true
            perform(machine.retryRequested())
            checkUrged()
            for key in order.openTunnels { decide(key) { machine, _ in machine.retryRequested() } }
        case .renewRequested:
            isUrged = true
            perform(machine.renewRequested())
            checkUrged()
        case .filesChanged:
            isUrged = true
            let isRefused = order.openTunnels.contains { tunnels[$0]?.machine.needsOtherCredential == true }
            perform(machine.credentialChanged(hasRejectedTunnels: isRefused))
        case .networkChanged:
            isUrged = true
            probe()
            perform(machine.networkChanged())
            checkUrged()
        case .drainRequested:
            channel?.prewarming.close()
            perform(machine.drainRequested())
            run(order.drainRequested())
        case .drained: perform(machine.drained())
        }
    }

    private func connected(_ channel: SimulatedChannel) {
        epoch += 1
        self.channel = channel
        let epoch = epoch
        channel.whenEnded { [self] cause in handle(.channelEnded(epoch: epoch, Self.error(of: cause))) }
        world.note("session \(context): online")
        perform(machine.connected())
        run(order.channelOpened())
        if order.isEmpty { serving() }
    }

    private func serving() {
        perform(machine.serving())
        process.store(machine.schedule(at: world.utc, wait: nil, using: &world.random), of: self)
    }

    private func channelEnded(_ error: RstreamError?) {
        let noticed: Duration = error == nil ? .zero : channel?.liveness ?? .seconds(30)
        channel = nil
        lostAt = world.now
        order.channelLost()
        for key in order.openTunnels { decide(key) { machine, _ in machine.channelLost(noticedAfter: noticed) } }
        if let error {
            // A session that changes to another channel does not wait.
            isUrged = machine.state == .renewing
            perform(machine.channelLost(error, using: &world.random))
            if isUrged { checkUrged() }
        } else {
            isUrged = true
            perform(machine.channelClosed())
        }
    }

    private func probe() {
        guard let channel else { return }
        let epoch = epoch
        channel.networkChanged { [self] in
            guard channel.hasEnded else { return }
            process.sometime { [self] in
                handle(.channelEnded(epoch: epoch, Self.lost))
                handle(.networkChanged)
            }
        }
    }

    private func watch(_ key: Int, _ tunnelID: String) {
        guard let channel else { return }
        let epoch = epoch
        channel.watch(tunnelID) { [self] error in
            if !channel.hasEnded { handle(.tunnelEnded(epoch: epoch, key, error)) }
        }
    }

    // MARK: Tunnels

    private func changed(_ change: Change) {
        context = change.contexts.first ?? ""
        for replacement in change.replacements { tunnels[replacement.tunnel.key] = replacement.tunnel }
        for tunnel in change.additions {
            tunnel.address.hand(to: &tunnel.machine)
            tunnels[tunnel.key] = tunnel
        }
        run(
            order.changed(
                removals: change.removals,
                replacements: change.replacements.map {
                    .init($0.tunnel.key, named: $0.tunnel.name, closesFirst: $0.closesFirst)
                },
                additions: change.additions.map { .init($0.key, named: $0.name) }
            )
        )
        if change.renews {
            isUrged = true
            perform(machine.renewRequested())
        }
        if order.isEmpty { serving() }
    }

    private func decide(
        _ key: Int,
        _ decision: (inout TunnelStateMachine, inout SplitMix) -> [TunnelStateMachine.Action]
    ) {
        guard let tunnel = tunnels[key] else { return }
        let actions = decision(&tunnel.machine, &world.random)
        let isClosed = tunnel.state == .closed
        perform(actions, key)
        if isClosed { run(order.closed(key)) }
    }

    private func run(_ actions: [SessionTunnelsStateMachine<Int>.Action]) {
        for action in actions {
            switch action {
            case .claim(let key):
                let isFree = process.addresses.mayOpen(key) { [self] in send(.addressFree(key)) }
                run(order.claimed(key, isFree: isFree))
            case .claimBeside(let key, let old):
                run(order.claimed(key, isFree: process.addresses.mayOpen(key, beside: old)))
            case .inherit(let key, let old):
                guard let predecessor = tunnels[old]?.machine else { continue }
                tunnels[key]?.machine.inherit(from: predecessor)
            case .open(let key): channelOpened(key)
            case .close(let key): decide(key) { machine, _ in machine.drainRequested() }
            case .forget(let key): forget(key)
            case .publish: break
            }
        }
    }

    private func channelOpened(_ key: Int) {
        guard channel != nil else { return }
        let outage = lostAt.map { Duration.milliseconds(world.now - $0) } ?? .zero
        decide(key) { machine, _ in machine.channelOpened(after: outage) }
    }

    private func forget(_ key: Int) {
        tunnels.removeValue(forKey: key)?.timer?.cancel()
        process.addresses.gone(key)
    }

    // MARK: Actions

    private func perform(_ actions: [SessionStateMachine.Action]) {
        for action in actions {
            switch action {
            case .connect: connect()
            case .scheduleRetry(let generation, let after, _):
                nextAttemptAt = world.utc.advanced(by: after)
                world.note("session \(context): next attempt after \(after)")
                checkWait(after)
                process.store(machine.schedule(at: world.utc, wait: after, using: &world.random), of: self)
                timer?.cancel()
                if world.mistake == .neverRetries { continue }
                let wait = world.mistake == .dialsEarly ? after.milliseconds / 2 : after.milliseconds
                timer = process.timer(after: wait) { [self] in send(.retryTimerFired(generation: generation)) }
                due = world.now + after.milliseconds
            case .closeChannel: channel?.close()
            case .outageEnded: world.note("session \(context): restored")
            case .finished: world.note("session \(context): finished")
            }
        }
    }

    private func connect() {
        if let due, world.now < due, !isUrged { world.complain("session \(context) dials \(due - world.now) ms early") }
        if world.now < earliest, !isUrged { world.complain("session \(context) dials before the stored time") }
        earliest = 0
        if due == nil, !isUrged { world.complain("session \(context) dials without a reason") }
        due = nil
        attempt += 1
        nextAttemptAt = nil
        process.store(machine.schedule(at: world.utc, wait: nil, using: &world.random), of: self)
        world.note("session \(context): dials")
        let attempt = attempt
        dialing.insert(attempt)
        SimulatedChannel(self).open { [self] channel, error in
            if let error { return handle(.connectFailed(attempt: attempt, error)) }
            handle(.connected(attempt: attempt, channel))
        }
    }

    private static func error(of cause: ChannelEnd) -> RstreamError? {
        if case .closedByUs = cause { nil } else { cause.error }
    }

    /// What asks for an attempt ends a wait.
    private func checkUrged() {
        if machine.state == .waiting || machine.state == .rejected {
            world.complain("session \(context) waits although it was asked not to")
        }
    }

    private func checkWait(_ wait: Duration) {
        let longest = machine.state == .rejected ? Self.policy.rejected : Self.policy.maximum
        if wait < .zero || wait > longest { world.complain("session \(context) waits for \(wait)") }
    }

    private func perform(_ actions: [TunnelStateMachine.Action], _ key: Int) {
        for action in actions {
            switch action {
            case .open(let properties):
                guard let channel, let acceptor = tunnels[key]?.acceptor else { return }
                channel.openTunnel(properties, key, acceptor, epoch: epoch)
                if world.mistake == .opensTwice { channel.openTunnel(properties, key, acceptor, epoch: epoch) }
            case .scheduleRetry(let generation, let after, _):
                tunnels[key]?.timer?.cancel()
                tunnels[key]?.timer = process.timer(after: after.milliseconds) { [self] in
                    send(.tunnelTimerFired(key, generation: generation))
                }
                if tunnels[key]?.machine.isOnStandby == true { serving() }
            case .close(let tunnelID): channel?.closeTunnel(tunnelID)
            case .opened:
                if let tunnel = tunnels[key] { tunnel.address.keep(tunnel.machine) }
                serving()
            }
        }
    }

    private static let lost = RstreamError(
        code: .engineUnreachable,
        origin: .engine,
        retry: .afterBackoff,
        what: "the network changed"
    )
}
