// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import Synchronization

/// One session: an engine identity and all tunnels that share it. Connects, opens the tunnels, and reconnects when the
/// channel is lost, as ``SessionStateMachine``, ``SessionTunnelsStateMachine`` and ``TunnelStateMachine`` decide.
///
/// Everything that happens becomes an event, and one task takes the events in order; it owns the state, which needs no
/// other guard. Whatever waits (a connect, a timer, a channel's end) is a child task that ends by sending an event. An
/// event names the attempt, channel or tunnel that it belongs to, so that a late one does not reach a successor.
final class EngineSession: Sendable {
    enum Event: Sendable {
        case connected(attempt: Int, RstreamControlChannel)
        case connectFailed(attempt: Int, RstreamError)
        case channelEnded(epoch: Int, RstreamError?)
        case retryTimerFired(generation: Int)
        case tunnelOpened(epoch: Int, TunnelKey, OpenedTunnel)
        case tunnelFailed(epoch: Int, TunnelKey, RstreamError)
        case tunnelEnded(epoch: Int, TunnelKey, RstreamError?)
        case tunnelTimerFired(TunnelKey, generation: Int)
        case changed(SessionChange)
        case addressFree(TunnelKey)
        case retryRequested
        case renewRequested
        case filesChanged
        case networkChanged
        case tokenCheckDue
        case tokenSeen(TokenExpiry)
        case canaryTimerFired(generation: Int)
        case canaryTunnelOpened(attempt: Int, CanaryTunnel)
        case canaryTunnelEnded(CanaryTunnel)
        case canaryEnded(attempt: Int, CanaryOutcome)
        case canaryRequested(CanaryAnswer)
        case drainRequested
        case drained
        case stopRequested
    }

    /// How long an engine without liveness takes to notice that a session is lost.
    private static let usualLivenessTimeout = Duration.seconds(30)
    /// How long to wait for the files that a stored schedule depends on.
    static let fileTimeout = Duration.seconds(2)
    /// How often the expiry of the token is checked.
    private static let tokenInterval = Duration.seconds(3_600)

    /// The context that the session is named after, and the logger with that name.
    private let named: Lock<(context: String, logger: Logger)>
    let id: StatusStore.SessionID
    let client: RstreamClient
    private let policy: ReconnectPolicy
    private let hostnames: HostnameStore
    /// Where the schedule is stored, and for which context.
    let reconnects: (store: ReconnectStore, context: ContextDefinition)?
    let statusStore: StatusStore
    let addresses: EngineAddresses
    private let events: AsyncStream<Event>
    let send: AsyncStream<Event>.Continuation

    /// Makes a session without tunnels; ``change(_:)`` adds them. Nothing is dialed before ``run()``.
    init(
        contexts: [String],
        client: RstreamClient,
        policy: ReconnectPolicy,
        hostnames: HostnameStore,
        reconnects: (store: ReconnectStore, context: ContextDefinition)? = nil,
        statusStore: StatusStore,
        addresses: EngineAddresses,
        logger: Logger
    ) {
        self.reconnects = reconnects
        self.addresses = addresses
        self.client = client
        self.policy = policy
        self.hostnames = hostnames
        self.statusStore = statusStore
        id = statusStore.makeSession(
            contexts: contexts,
            engine: "\(client.options.engine)",
            verification: client.options.transport.verification
        )
        var logger = logger
        logger[metadataKey: LogKey.engine] = "\(client.options.engine)"
        logger[metadataKey: LogKey.context] = "\(contexts.first ?? "")"
        logger[metadataKey: LogKey.sessionID] = "\(id.number)"
        named = Lock((contexts.first ?? "", logger))
        (events, send) = AsyncStream.makeStream()
    }

    var context: String { named.withLock { $0.context } }
    var logger: Logger { named.withLock { $0.logger } }

    /// Names the session after the first context that it serves.
    func name(after contexts: [String]) {
        let context = contexts.first ?? ""
        named.withLock { named in
            named.context = context
            named.logger[metadataKey: LogKey.context] = "\(context)"
        }
    }

    /// Applies the changes of a reload, in the order of calls.
    func change(_ change: SessionChange) { send.yield(.changed(change)) }

    /// Retries now whatever waits for its next attempt.
    func retry() { send.yield(.retryRequested) }

    /// Reconnects with the current content of the credential's files. Streams stay.
    func renew() { send.yield(.renewRequested) }

    /// A file that a connect needs has changed.
    func filesChanged() { send.yield(.filesChanged) }

    /// The host's addresses or routes changed, or it was suspended.
    func networkChanged() { send.yield(.networkChanged) }

    /// Sends a canary now. Calls `answer` once, with the outcome, or with nil when the session is not online.
    func tryCanary(_ answer: @escaping CanaryAnswer) {
        if case .terminated = send.yield(.canaryRequested(answer)) { answer(nil) }
    }

    /// Closes the tunnels; streams that were accepted go on.
    func drain() { send.yield(.drainRequested) }

    /// Closes the channel in order: all streams have ended.
    func finish() { send.yield(.drained) }

    /// Ends now, without telling the engine.
    func stop() { send.yield(.stopRequested) }

    /// Serves until it is drained and finished, or stopped.
    func run() async {
        var state = State(client: client, session: SessionStateMachine(policy: policy))
        await withDiscardingTaskGroup { group in
            state.place = await findPlace()
            if let place = state.place, let schedule = reconnects?.store.schedule(of: place) {
                perform(state.session.started(resuming: schedule, at: .now), &state, &group)
            } else {
                perform(state.session.started(), &state, &group)
            }
            publish(state)
            group.addTask { [send] in
                repeat { send.yield(.tokenCheckDue) } while (try? await pause(for: Self.tokenInterval)) != nil
            }
            for await event in events {
                if case .stopRequested = event { break }
                handle(event, &state, &group)
                if state.session.state == .closed { break }
            }
            // Child tasks wait for its end, which an engine may delay for ever. After a drain it has ended already.
            state.channel?.abort()
            state.cancelTimers()
            state.canary.stop()
            group.cancelAll()
        }
        statusStore.remove(id)
        giveUp(state)
        // Results that arrived after the last event have no other owner.
        send.finish()
        for await event in events {
            if case .connected(_, let channel) = event { await channel.close() }
            if case .changed(let change) = event { giveUp(change) }
            if case .canaryRequested(let answer) = event { answer(nil) }
        }
    }

    // MARK: Events

    private func handle(_ event: Event, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        switch event {
        case .connected(let attempt, let channel):
            guard attempt == state.attempt, state.session.state == .connecting else {
                // The attempt was replaced by another one, or the session is draining.
                return group.addTask { await channel.close() }
            }
            connected(channel, &state, &group)
        case .connectFailed(let attempt, let error):
            guard attempt == state.attempt else { return }
            statusStore.connected(id, error.retry == .afterBackoff ? .failed : .rejected)
            let error = error.withFix(for: state.client.options.credential)
            perform(state.session.connectFailed(error, using: &state.random), &state, &group)
        case .channelEnded(let epoch, let error):
            guard epoch == state.epoch, state.channel != nil else { return }
            channelEnded(error, &state, &group)
        case .retryTimerFired(let generation):
            perform(state.session.retryTimerFired(generation: generation), &state, &group)
        case .tunnelOpened(let epoch, let key, let opened):
            guard epoch == state.epoch else { return }
            watch(opened, key, &state, &group)
            decide(key, &state, &group) { machine, _ in machine.opened(opened.properties) }
            run(state.sessionTunnels.settled(key), &state, &group)
        case .tunnelFailed(let epoch, let key, let error):
            guard epoch == state.epoch else { return }
            decide(key, &state, &group) { machine, random in machine.openFailed(error, using: &random) }
            run(state.sessionTunnels.settled(key), &state, &group)
        case .tunnelEnded(let epoch, let key, let error):
            guard epoch == state.epoch else { return }
            decide(key, &state, &group) { machine, random in machine.ended(error, using: &random) }
        case .tunnelTimerFired(let key, let generation):
            decide(key, &state, &group) { machine, _ in machine.retryTimerFired(generation: generation) }
        case .changed(let change): changed(change, &state, &group)
        case .addressFree(let key): run(state.sessionTunnels.addressFreed(key), &state, &group)
        case .retryRequested:
            perform(state.session.retryRequested(), &state, &group)
            for key in state.openTunnels { decide(key, &state, &group) { machine, _ in machine.retryRequested() } }
        case .renewRequested: perform(state.session.renewRequested(), &state, &group)
        case .filesChanged:
            checkToken(state, &group)
            let isRefused = state.openTunnels.contains { state.tunnels[$0]?.machine.needsOtherCredential == true }
            perform(state.session.credentialChanged(hasRejectedTunnels: isRefused), &state, &group)
        case .networkChanged:
            probe(state, &group)
            perform(state.session.networkChanged(), &state, &group)
        case .tokenCheckDue: checkToken(state, &group)
        case .tokenSeen(let expiry): tokenSeen(expiry, &state)
        case .canaryTimerFired, .canaryTunnelOpened, .canaryTunnelEnded, .canaryEnded, .canaryRequested:
            handleCanary(event, &state, &group)
        case .drainRequested:
            state.channel?.stopPrewarming()
            perform(state.session.drainRequested(), &state, &group)
            run(state.sessionTunnels.drainRequested(), &state, &group)
        case .drained: perform(state.session.drained(), &state, &group)
        case .stopRequested: break
        }
        followCanary(&state, &group)
        publish(state)
    }

    private func connected(_ channel: RstreamControlChannel, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        state.epoch += 1
        state.channel = channel
        let (epoch, send) = (state.epoch, send)
        group.addTask { send.yield(.channelEnded(epoch: epoch, await channel.waitUntilClosed())) }
        channel.log(LogKey.sessionID, "\(id.number)")
        channel.observePrewarming { [statusStore, id] in statusStore.prewarmed(id, $0, warm: $1) }
        channel.observeHeartbeats { [statusStore, id] in statusStore.heartbeatAnswered(id, after: $0) }
        statusStore.connected(id, .connected)
        checkToken(state, &group)
        logger.info("engine connected", metadata: [LogKey.clientID: "\(channel.clientID)"])
        perform(state.session.connected(), &state, &group)
        // Published before the changes of its tunnels.
        publish(state)
        run(state.sessionTunnels.channelOpened(), &state, &group)
        if state.sessionTunnels.isEmpty { serving(&state, &group) }
    }

    /// The session serves traffic: the next failure begins a new outage, also for the next process.
    func serving(_ state: inout State, _ group: inout DiscardingTaskGroup) {
        perform(state.session.serving(), &state, &group)
        storeSchedule(&state)
    }

    func channelOpened(_ key: TunnelKey, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        guard let channel = state.channel, let tunnel = state.tunnels[key] else { return }
        var stableHostname: String?
        if tunnel.takesStableHostname, let engine = channel.projectEngine {
            stableHostname = hostnames.hostname(for: tunnel.name, at: engine, using: &state.random)
        }
        let outage = state.lostAt?.duration(to: .now) ?? .zero
        decide(key, &state, &group) { machine, _ in
            if let stableHostname { machine.suggest(hostname: stableHostname) }
            return machine.channelOpened(after: outage)
        }
    }

    private func channelEnded(_ error: RstreamError?, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        // The engine holds nothing for a channel that was closed in order.
        let noticed = error == nil ? .zero : state.channel?.livenessTimeout ?? Self.usualLivenessTimeout
        state.channel = nil
        state.lostAt = .now
        state.sessionTunnels.channelLost()
        for key in state.openTunnels {
            decide(key, &state, &group) { machine, _ in machine.channelLost(noticedAfter: noticed) }
        }
        if let error {
            perform(state.session.channelLost(error, using: &state.random), &state, &group)
        } else {
            perform(state.session.channelClosed(), &state, &group)
        }
    }

    private func watch(
        _ opened: OpenedTunnel,
        _ key: TunnelKey,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        guard let channel = state.channel else { return }
        let (epoch, send) = (state.epoch, send)
        group.addTask {
            let error = await opened.waitUntilEnded()
            // The end of the channel is one event for all its tunnels.
            guard await !channel.hasEnded() else { return }
            send.yield(.tunnelEnded(epoch: epoch, key, error))
        }
    }

    /// Checks whether the channel survived a change of the network. If not, the session reconnects at once: the backoff
    /// protects engines, and the engine was not the cause.
    private func probe(_ state: State, _ group: inout DiscardingTaskGroup) {
        guard let channel = state.channel else { return }
        let (epoch, send) = (state.epoch, send)
        group.addTask {
            await channel.networkChanged()
            guard await channel.hasEnded() else { return }
            send.yield(.channelEnded(epoch: epoch, await channel.waitUntilClosed()))
            send.yield(.networkChanged)
        }
    }
}
