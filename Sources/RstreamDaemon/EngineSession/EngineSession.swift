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
/// marked with the channel it belongs to, so that a late one cannot touch a successor.
final class EngineSession: Sendable {
    enum Event: Sendable {
        case connected(ControlChannel)
        case connectFailed(RstreamError)
        case channelEnded(epoch: Int, RstreamError?)
        case retryTimerFired(generation: Int)
        case tunnelOpened(epoch: Int, tunnel: Int, OpenedTunnel)
        case tunnelFailed(epoch: Int, tunnel: Int, RstreamError)
        case tunnelEnded(epoch: Int, tunnel: Int, RstreamError?)
        case tunnelTimerFired(tunnel: Int, generation: Int)
        case drainRequested
        case drained
        case stopRequested
    }

    let context: ContextDefinition
    private let client: Client
    private let tunnels: [SessionTunnel]
    private let policy: ReconnectPolicy
    private let board: StatusBoard
    private let logger: Logger
    private let events: AsyncStream<Event>
    private let send: AsyncStream<Event>.Continuation

    init(
        _ context: ContextDefinition,
        client: Client,
        tunnels: [SessionTunnel],
        policy: ReconnectPolicy,
        board: StatusBoard,
        logger: Logger
    ) {
        self.context = context
        self.client = client
        self.tunnels = tunnels
        self.policy = policy
        self.board = board
        var logger = logger
        if case .address(let engine) = context.engine { logger[metadataKey: LogKey.engine] = "\(engine)" }
        logger[metadataKey: LogKey.context] = "\(context.name)"
        self.logger = logger
        (events, send) = AsyncStream.makeStream()
    }

    /// Closes the tunnels; streams that were accepted go on.
    func drain() { send.yield(.drainRequested) }

    /// Closes the channel in order: no stream is left.
    func finish() { send.yield(.drained) }

    /// Ends now, without saying goodbye.
    func stop() { send.yield(.stopRequested) }

    /// Serves until it was drained and finished, or stopped.
    func run() async {
        var state = State(
            session: SessionStateMachine(policy: policy),
            tunnels: tunnels.map(\.machine)
        )
        await withDiscardingTaskGroup { group in
            perform(state.session.started(), &state, &group)
            for await event in events {
                if case .stopRequested = event { break }
                handle(event, &state, &group)
                if state.session.state == .closed { break }
            }
            // Children wait for its end, and an engine may never bring it about. It has ended already after a drain.
            state.channel?.abort()
            group.cancelAll()
        }
        // A channel that came about after the last event was taken has no other owner.
        send.finish()
        for await event in events {
            if case .connected(let channel) = event { await channel.close() }
        }
    }

    /// What changes while the session runs; lives in the one task that takes events.
    private struct State {
        var session: SessionStateMachine
        var tunnels: [TunnelStateMachine]
        var channel: ControlChannel?
        /// Counts channels, so that events of an earlier one are recognised.
        var epoch = 0
        var outageSince: ContinuousClock.Instant?
        var random = SystemRandomNumberGenerator()
    }

    // MARK: Events

    private func handle(_ event: Event, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        switch event {
        case .connected(let channel): connected(channel, &state, &group)
        case .connectFailed(let error):
            perform(state.session.connectFailed(error, using: &state.random), &state, &group)
        case .channelEnded(let epoch, let error):
            guard epoch == state.epoch else { return }
            channelEnded(error, &state, &group)
        case .retryTimerFired(let generation):
            perform(state.session.retryTimerFired(generation: generation), &state, &group)
        case .tunnelOpened(let epoch, let index, let opened):
            guard epoch == state.epoch else { return }
            watch(opened, index, &state, &group)
            perform(state.tunnels[index].opened(opened.properties), index, &state, &group)
        case .tunnelFailed(let epoch, let index, let error):
            guard epoch == state.epoch else { return }
            perform(state.tunnels[index].openFailed(error, using: &state.random), index, &state, &group)
        case .tunnelEnded(let epoch, let index, let error):
            guard epoch == state.epoch else { return }
            perform(state.tunnels[index].ended(error, using: &state.random), index, &state, &group)
        case .tunnelTimerFired(let index, let generation):
            perform(state.tunnels[index].retryTimerFired(generation: generation), index, &state, &group)
        case .drainRequested:
            perform(state.session.drainRequested(), &state, &group)
            for index in state.tunnels.indices {
                perform(state.tunnels[index].drainRequested(), index, &state, &group)
            }
        case .drained: perform(state.session.drained(), &state, &group)
        case .stopRequested: break
        }
        publish(state)
    }

    private func connected(_ channel: ControlChannel, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        state.epoch += 1
        state.channel = channel
        let (epoch, send) = (state.epoch, send)
        group.addTask { send.yield(.channelEnded(epoch: epoch, await channel.waitUntilClosed())) }
        logger.info("engine connected", metadata: [LogKey.clientID: "\(channel.clientID)"])
        perform(state.session.connected(), &state, &group)
        for index in state.tunnels.indices {
            perform(state.tunnels[index].channelOpened(), index, &state, &group)
        }
        if state.tunnels.isEmpty { perform(state.session.serving(), &state, &group) }
    }

    private func channelEnded(_ error: RstreamError?, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        state.channel = nil
        for index in state.tunnels.indices {
            perform(state.tunnels[index].channelLost(), index, &state, &group)
        }
        if let error {
            perform(state.session.channelLost(error, using: &state.random), &state, &group)
        } else {
            perform(state.session.channelClosed(), &state, &group)
        }
    }

    private func watch(
        _ opened: OpenedTunnel,
        _ index: Int,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        guard let channel = state.channel else { return }
        let (epoch, send) = (state.epoch, send)
        group.addTask {
            let error = await opened.waitUntilEnded()
            // What ends with its channel is told by the channel, once for all tunnels.
            guard await !channel.hasEnded() else { return }
            send.yield(.tunnelEnded(epoch: epoch, tunnel: index, error))
        }
    }

    // MARK: What was decided

    private func perform(
        _ actions: [SessionStateMachine.Action],
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        let send = send
        for action in actions {
            switch action {
            case .connect:
                let client = client
                group.addTask {
                    do throws(RstreamError) {
                        send.yield(.connected(try await client.connect()))
                    } catch {
                        send.yield(.connectFailed(error))
                    }
                }
            case .scheduleRetry(let generation, let after):
                group.addTask {
                    guard (try? await Task.sleep(for: after)) != nil else { return }
                    send.yield(.retryTimerFired(generation: generation))
                }
            case .closeChannel:
                guard let channel = state.channel else { return }
                group.addTask { await channel.close() }
            case .outageBegan(let error):
                state.outageSince = .now
                logger.warning("no session with the engine, trying again", metadata: .facts(of: error))
            case .outageGoesOn(let error):
                logger.info("still no session with the engine", metadata: .facts(of: error))
            case .outageEnded(let attempts):
                let since = state.outageSince ?? .now
                state.outageSince = nil
                logger.notice(
                    "the session with the engine is back",
                    metadata: [
                        LogKey.attempts: "\(attempts)", LogKey.duration: "\(since.duration(to: .now).inSeconds)",
                    ]
                )
            case .finished: break
            }
        }
    }

    private func perform(
        _ actions: [TunnelStateMachine.Action],
        _ index: Int,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        let (name, acceptor) = (tunnels[index].name, tunnels[index].acceptor)
        let (epoch, send) = (state.epoch, send)
        for action in actions {
            switch action {
            case .open(let properties):
                guard let channel = state.channel else { return }
                group.addTask {
                    do throws(RstreamError) {
                        let opened = try await channel.openTunnel(properties, acceptor: acceptor)
                        send.yield(.tunnelOpened(epoch: epoch, tunnel: index, opened))
                    } catch {
                        guard await !channel.hasEnded() else { return }
                        send.yield(.tunnelFailed(epoch: epoch, tunnel: index, error))
                    }
                }
            case .scheduleRetry(let generation, let after):
                group.addTask {
                    guard (try? await Task.sleep(for: after)) != nil else { return }
                    send.yield(.tunnelTimerFired(tunnel: index, generation: generation))
                }
            case .close(let tunnelID): state.channel?.closeTunnel(tunnelID)
            case .opened(let properties, let moved):
                log(properties, moved: moved, of: name)
                perform(state.session.serving(), &state, &group)
            case .failed(let error):
                logger.warning(
                    "tunnel not online, trying again",
                    metadata: Logger.Metadata.facts(of: error).merging([LogKey.tunnel: "\(name)"]) { $1 }
                )
            }
        }
    }

    private func log(_ properties: TunnelProperties, moved: Bool, of name: String) {
        let facts: Logger.Metadata = [
            LogKey.tunnel: "\(name)", LogKey.address: "\(properties.forwardingAddress)",
            LogKey.tunnelID: "\(properties.id ?? "")",
        ]
        if moved {
            logger.warning("tunnel online at another address", metadata: facts)
        } else {
            logger.info("tunnel online", metadata: facts)
        }
    }

    private func publish(_ state: State) {
        let online = state.tunnels.filter { if case .online = $0.state { true } else { false } }.count
        board.update(context.name, online: online, of: state.tunnels.count)
    }
}
