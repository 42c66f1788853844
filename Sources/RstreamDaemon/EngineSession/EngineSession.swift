internal import Linux
internal import Logging
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import Synchronization

/// One engine identity and all tunnels that share it: connects, opens the tunnels, and starts again when the channel
/// is lost, as ``SessionStateMachine`` and ``TunnelStateMachine`` decide.
///
/// Everything that happens becomes an event, and one task takes events in order: the state has no other guard and
/// needs none. Whatever waits (a connect, a timer, a channel's end) is a child task that ends by sending an event,
/// marked with the attempt, channel or tunnel it belongs to, so that a late one cannot touch a successor.
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
        case addressFree(String, TunnelKey)
        case retryRequested
        case renewRequested
        case filesChanged
        case networkChanged
        case tokenLookDue
        case tokenSeen(TokenExpiry)
        case drainRequested
        case drained
        case stopRequested
    }

    /// How long an engine that does not say so takes to notice that a session is gone.
    private static let usualLivenessTimeout = Duration.seconds(30)
    /// How long files may take that say whether a schedule is still good.
    private static let filePatience = Duration.seconds(2)
    /// How often the token is asked for its end.
    private static let tokenInterval = Duration.seconds(3_600)

    /// The context that the session is named after, and what is logged with that name.
    private let named: Mutex<(context: String, logger: Logger)>
    let id: StatusStore.SessionID
    let client: RstreamClient
    private let policy: ReconnectPolicy
    private let hostnames: HostnameStore
    /// Where the schedule is kept, and for which context.
    private let reconnects: (store: ReconnectStore, context: ContextDefinition)?
    let statusStore: StatusStore
    let addresses: EngineAddresses
    private let events: AsyncStream<Event>
    let send: AsyncStream<Event>.Continuation

    /// A session without tunnels, which come by ``change(_:)``. Nothing is dialed before ``run()``.
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
        named = Mutex((contexts.first ?? "", logger))
        (events, send) = AsyncStream.makeStream()
    }

    var context: String { named.withLock { $0.context } }
    var logger: Logger { named.withLock { $0.logger } }

    /// Takes the name of the first context that it serves now.
    func name(after contexts: [String]) {
        let context = contexts.first ?? ""
        named.withLock { named in
            named.context = context
            named.logger[metadataKey: LogKey.context] = "\(context)"
        }
    }

    /// Does what a reload wants, in the order of calls.
    func change(_ change: SessionChange) { send.yield(.changed(change)) }

    /// Tries again at once what waits for its next attempt.
    func retry() { send.yield(.retryRequested) }

    /// Connects anew, with what the credential's files say by now. Streams stay.
    func renew() { send.yield(.renewRequested) }

    /// A file that a connect needs is another one by now.
    func filesChanged() { send.yield(.filesChanged) }

    /// The host has other addresses or routes now, or has slept.
    func networkChanged() { send.yield(.networkChanged) }

    /// Closes the tunnels; streams that were accepted go on.
    func drain() { send.yield(.drainRequested) }

    /// Closes the channel in order: no stream is left.
    func finish() { send.yield(.drained) }

    /// Ends now, without saying goodbye.
    func stop() { send.yield(.stopRequested) }

    /// Serves until it was drained and finished, or stopped.
    func run() async {
        var state = State(client: client, session: SessionStateMachine(policy: policy))
        await withDiscardingTaskGroup { group in
            state.place = await lookForPlace()
            if let place = state.place, let schedule = reconnects?.store.schedule(of: place) {
                perform(state.session.started(resuming: schedule, at: .now), &state, &group)
            } else {
                perform(state.session.started(), &state, &group)
            }
            publish(state)
            group.addTask { [send] in
                repeat { send.yield(.tokenLookDue) } while (try? await pause(for: Self.tokenInterval)) != nil
            }
            for await event in events {
                if case .stopRequested = event { break }
                handle(event, &state, &group)
                if state.session.state == .closed { break }
            }
            // Children wait for its end, and an engine may never bring it about. It has ended already after a drain.
            state.channel?.abort()
            state.cancelTimers()
            group.cancelAll()
        }
        statusStore.remove(id)
        giveUp(state)
        // What came about after the last event was taken has no other owner.
        send.finish()
        for await event in events {
            if case .connected(_, let channel) = event { await channel.close() }
            if case .changed(let change) = event { giveUp(change) }
        }
    }

    // MARK: Events

    private func handle(_ event: Event, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        switch event {
        case .connected(let attempt, let channel):
            guard attempt == state.attempt, state.session.state == .connecting else {
                // Nobody wants it any more.
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
            settled(key, &state, &group)
        case .tunnelFailed(let epoch, let key, let error):
            guard epoch == state.epoch else { return }
            decide(key, &state, &group) { machine, random in machine.openFailed(error, using: &random) }
            settled(key, &state, &group)
        case .tunnelEnded(let epoch, let key, let error):
            guard epoch == state.epoch else { return }
            decide(key, &state, &group) { machine, random in machine.ended(error, using: &random) }
        case .tunnelTimerFired(let key, let generation):
            decide(key, &state, &group) { machine, _ in machine.retryTimerFired(generation: generation) }
        case .changed(let change): changed(change, &state, &group)
        case .addressFree(let name, let key): addressFree(name, key, &state, &group)
        case .retryRequested:
            perform(state.session.retryRequested(), &state, &group)
            for key in state.keys { decide(key, &state, &group) { machine, _ in machine.retryRequested() } }
        case .renewRequested: perform(state.session.renewRequested(), &state, &group)
        case .filesChanged:
            lookAtToken(state, &group)
            perform(state.session.credentialChanged(), &state, &group)
        case .networkChanged:
            probe(state, &group)
            perform(state.session.networkChanged(), &state, &group)
        case .tokenLookDue: lookAtToken(state, &group)
        case .tokenSeen(let expiry): tokenSeen(expiry, &state)
        case .drainRequested:
            perform(state.session.drainRequested(), &state, &group)
            // What waits for them is not wanted any more either.
            for name in state.waiting.keys { dropWaiting(name, &state) }
            for key in state.keys { remove(key, &state, &group) }
        case .drained: perform(state.session.drained(), &state, &group)
        case .stopRequested: break
        }
        publish(state)
    }

    private func connected(_ channel: RstreamControlChannel, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        state.epoch += 1
        state.channel = channel
        let (epoch, send) = (state.epoch, send)
        group.addTask { send.yield(.channelEnded(epoch: epoch, await channel.waitUntilClosed())) }
        channel.observeHeartbeats { [statusStore, id] in statusStore.heartbeatAnswered(id, after: $0) }
        statusStore.connected(id, .connected)
        lookAtToken(state, &group)
        logger.info("engine connected", metadata: [LogKey.clientID: "\(channel.clientID)"])
        perform(state.session.connected(), &state, &group)
        // Told before what its tunnels do from here on.
        publish(state)
        for key in state.keys { channelOpened(key, &state, &group) }
        if state.isIdle { serving(&state, &group) }
    }

    /// Traffic flows: the next trouble is a new one, for a process after this one too.
    func serving(_ state: inout State, _ group: inout DiscardingTaskGroup) {
        perform(state.session.serving(), &state, &group)
        keepSchedule(state)
    }

    func channelOpened(_ key: TunnelKey, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        guard let channel = state.channel, let tunnel = state.tunnels[key] else { return }
        var stableHostname: String?
        if tunnel.takesStableHostname, let engine = channel.projectEngine {
            stableHostname = hostnames.hostname(for: tunnel.name, at: engine, using: &state.random)
        }
        decide(key, &state, &group) { machine, _ in
            if let stableHostname { machine.suggest(hostname: stableHostname) }
            return machine.channelOpened()
        }
    }

    private func channelEnded(_ error: RstreamError?, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        // One that was closed in order holds nothing any more.
        let noticed = error == nil ? .zero : state.channel?.livenessTimeout ?? Self.usualLivenessTimeout
        state.channel = nil
        for key in state.keys {
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
            // What ends with its channel is told by the channel, once for all tunnels.
            guard await !channel.hasEnded() else { return }
            send.yield(.tunnelEnded(epoch: epoch, key, error))
        }
    }

    /// Finds out whether the channel outlives a change of the network. One that does not is replaced at once: the
    /// backoff is for engines, and this was not the engine's doing.
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

    // MARK: What was decided

    /// For a process after this one, which may end at any moment.
    private func keepSchedule(_ state: State) {
        guard let reconnects, let place = state.place else { return }
        let now = UTCTime.now
        let wait = state.nextAttemptAt.map { now.duration(to: $0) }
        reconnects.store.keep(state.session.schedule(at: now, wait: wait), of: place)
    }

    /// Where the schedule is kept. Without files that can be looked at nothing is known of them, and nothing is kept.
    private func lookForPlace() async -> ReconnectStore.Place? {
        guard let context = reconnects?.context else { return nil }
        let engine = "\(client.options.engine)"
        return await BlockingThreads.files.run(within: Self.filePatience) {
            ReconnectStore.Place(context, engine: engine)
        }
    }

    func decide(
        _ key: TunnelKey,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup,
        _ decision: (inout TunnelStateMachine, inout SystemRandomNumberGenerator) -> [TunnelStateMachine.Action]
    ) {
        guard var tunnel = state.tunnels[key] else { return }
        let actions = decision(&tunnel.machine, &state.random)
        state.tunnels[key] = tunnel
        perform(actions, key, &state, &group)
        prune(key, &state)
        publish(tunnel.name, state)
    }

    func perform(
        _ actions: [SessionStateMachine.Action],
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        let send = send
        for action in actions {
            switch action {
            case .connect:
                state.attempt += 1
                state.nextAttemptAt = nil
                keepSchedule(state)
                let (client, attempt) = (state.client, state.attempt)
                logger.debug(
                    "dialing the engine",
                    metadata: [LogKey.attempts: .stringConvertible(state.session.attempt)]
                )
                group.addTask {
                    do throws(RstreamError) {
                        send.yield(.connected(attempt: attempt, try await client.connect()))
                    } catch {
                        send.yield(.connectFailed(attempt: attempt, error))
                    }
                }
            case .scheduleRetry(let generation, let after, let news):
                state.nextAttemptAt = UTCTime.now.advanced(by: after)
                keepSchedule(state)
                state.retry.set(after) { send.yield(.retryTimerFired(generation: generation)) }
                tell(news, retryIn: after, &state)
            case .closeChannel:
                guard let channel = state.channel else { return }
                group.addTask { await channel.close() }
            case .outageEnded(let attempts): tellOfEnd(after: attempts, &state)
            case .finished: break
            }
        }
    }

    func perform(
        _ actions: [TunnelStateMachine.Action],
        _ key: TunnelKey,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        guard let tunnel = state.tunnels[key] else { return }
        let (name, acceptor) = (tunnel.name, tunnel.acceptor)
        let (epoch, send) = (state.epoch, send)
        for action in actions {
            switch action {
            case .open(let properties):
                guard let channel = state.channel else { return }
                logger.debug("asking for the tunnel", metadata: [LogKey.tunnel: "\(name)"])
                group.addTask {
                    do throws(RstreamError) {
                        let opened = try await channel.openTunnel(properties, acceptor: acceptor)
                        send.yield(.tunnelOpened(epoch: epoch, key, opened))
                    } catch {
                        guard await !channel.hasEnded() else { return }
                        send.yield(.tunnelFailed(epoch: epoch, key, error))
                    }
                }
            case .scheduleRetry(let generation, let after, let failure):
                state.tunnels[key]?.nextAttemptAt = UTCTime.now.advanced(by: after)
                tunnel.retry.set(after) { send.yield(.tunnelTimerFired(key, generation: generation)) }
                guard let failure else { continue }
                // Whoever reads the line may ask for the status at once.
                publish(name, state)
                tell(failure, of: name, key, retryIn: after, &state)
            case .close(let tunnelID):
                state.channel?.closeTunnel(tunnelID)
            case .opened(let properties, let opening):
                tunnel.address.keep(tunnel.machine)
                state.causes.mended(key)
                publish(name, state)
                tell(opening, of: name, properties)
                serving(&state, &group)
            }
        }
    }
}
