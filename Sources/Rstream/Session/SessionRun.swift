// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// One run of a session: does what ``SessionStateMachine`` and ``TunnelStateMachine`` decide.
///
/// Everything that happens becomes an event, and one task takes events in order: the state has no other guard. What
/// waits (a connect, a channel's end, a handler) is a child task that ends by sending an event, marked with the attempt
/// or the channel it belongs to, so that a late one does not touch a successor.
struct SessionRun {
    enum Event: Sendable {
        case connected(attempt: Int, RstreamControlChannel)
        case connectFailed(attempt: Int, RstreamError)
        case channelEnded(epoch: Int, RstreamError?)
        case retryTimerFired(generation: Int)
        case tunnelOpened(epoch: Int, tunnel: Int, OpenedTunnel)
        case tunnelFailed(epoch: Int, tunnel: Int, RstreamError)
        case tunnelEnded(epoch: Int, tunnel: Int, RstreamError?)
        case tunnelTimerFired(tunnel: Int, generation: Int)
        case drainRequested
        case drainTimedOut
        case streamAccepted(RstreamAcceptedStream, RstreamSession.Tunnel, StreamSlots)
        case streamEnded
        case acceptingEnded
        case streamsEnded
    }

    /// One tunnel of the session, and the machine that decides about it.
    struct KeptTunnel {
        let definition: RstreamSession.Tunnel
        let queue = AcceptQueue()
        let slots: StreamSlots
        var machine: TunnelStateMachine
        var cancelRetry: @Sendable () -> Void = {}

        init(_ definition: RstreamSession.Tunnel, _ properties: TunnelProperties, policy: ReconnectPolicy) {
            self.definition = definition
            slots = StreamSlots(definition.maxConcurrentStreams)
            machine = TunnelStateMachine(wanted: properties, policy: policy)
        }
    }

    /// What the task that runs the handlers is sent.
    private enum Job: Sendable {
        case handle(RstreamAcceptedStream, RstreamSession.Tunnel, StreamSlots)
        /// Cancels the handlers that still run.
        case cut
    }

    /// How long an engine that does not say so takes to notice that a session is gone.
    private static let usualLivenessTimeout = Duration.seconds(30)

    private let client: RstreamClient
    private let logger: Logger
    private let drainTimeout: Duration
    private let timers: SessionTimers
    private let source: SessionStateSource
    private let send: AsyncStream<Event>.Continuation
    private let jobs: AsyncStream<Job>
    private let sendJob: AsyncStream<Job>.Continuation

    private var randomness: any RandomNumberGenerator & Sendable
    private var session: SessionStateMachine
    private var tunnels: [KeptTunnel]
    private var channel: RstreamControlChannel?
    /// Counts attempts; only the last one counts.
    private var attempt = 0
    /// Counts channels.
    private var epoch = 0
    private var delay = Duration.zero
    private var cancelRetry: @Sendable () -> Void = {}
    private var cancelDrainTimer: @Sendable () -> Void = {}
    private var isDraining = false
    /// Tunnels whose streams are still taken.
    private var accepting: Int
    /// Streams whose handlers run.
    private var openStreams = 0
    private var haveStreamsEnded = false

    init(
        client: RstreamClient,
        tunnels: [KeptTunnel],
        policy: ReconnectPolicy,
        drainTimeout: Duration,
        timers: SessionTimers,
        randomness: any RandomNumberGenerator & Sendable,
        source: SessionStateSource,
        send: AsyncStream<Event>.Continuation
    ) {
        self.client = client
        logger = client.logger
        self.tunnels = tunnels
        session = SessionStateMachine(policy: policy)
        self.drainTimeout = drainTimeout
        self.timers = timers
        self.randomness = randomness
        self.source = source
        self.send = send
        accepting = tunnels.count
        (jobs, sendJob) = AsyncStream.makeStream()
    }

    /// Serves until the session was drained, or the task is cancelled.
    consuming func serve(_ events: AsyncStream<Event>) async {
        var run = self
        let (jobs, send, logger) = (run.jobs, run.send, run.logger)
        await withDiscardingTaskGroup { group in
            group.addTask {
                await Self.handle(jobs, logger) { send.yield(.streamEnded) }
                send.yield(.streamsEnded)
            }
            for tunnel in run.tunnels {
                let (queue, slots, definition) = (tunnel.queue, tunnel.slots, tunnel.definition)
                group.addTask {
                    while await slots.take() {
                        guard let stream = await queue.next() else { break }
                        send.yield(.streamAccepted(stream, definition, slots))
                    }
                    send.yield(.acceptingEnded)
                }
            }
            run.finishWithoutStreams()
            run.perform(run.session.started(), &group)
            run.publish()
            for await event in events {
                run.take(event, &group)
                run.publish()
                if run.session.state == .closed, run.haveStreamsEnded { break }
            }
            run.stop(&group)
        }
        // What came about after the last event was taken has no other owner.
        send.finish()
        for await event in events {
            switch event {
            case .connected(_, let channel): channel.abort()
            case .streamAccepted(let stream, _, _): stream.channel.abort()
            default: break
            }
        }
        run.source.publish(
            RstreamSession.State(connection: .closed, tunnels: run.tunnels.map { _ in .closed })
        )
        run.source.finish()
    }

    /// Runs the handlers, each in a child task.
    private static func handle(
        _ jobs: AsyncStream<Job>,
        _ logger: Logger,
        streamEnded: @escaping @Sendable () -> Void
    ) async {
        await withDiscardingTaskGroup { group in
            for await job in jobs {
                switch job {
                case .handle(let stream, let tunnel, let slots):
                    group.addTask {
                        await stream.handle(logger, tunnel.handler)
                        slots.give()
                        streamEnded()
                    }
                case .cut: group.cancelAll()
                }
            }
        }
    }

    /// Ends what still runs, which nothing else ends when the task was cancelled.
    private func stop(_ group: inout DiscardingTaskGroup) {
        channel?.abort()
        cancelRetry()
        cancelDrainTimer()
        for tunnel in tunnels {
            tunnel.cancelRetry()
            tunnel.queue.tunnelEnded(nil)
        }
        sendJob.finish()
        group.cancelAll()
    }

    // MARK: Events

    private mutating func take(_ event: Event, _ group: inout DiscardingTaskGroup) {
        switch event {
        case .connected(let attempt, let channel):
            guard attempt == self.attempt, session.state == .connecting else {
                // A shutdown has begun meanwhile.
                return group.addTask { await channel.close() }
            }
            connected(channel, &group)
        case .connectFailed(let attempt, let error):
            guard attempt == self.attempt else { return }
            perform(session.connectFailed(error, using: &randomness), &group)
        case .channelEnded(let epoch, let error):
            guard epoch == self.epoch, channel != nil else { return }
            channelEnded(error, &group)
        case .retryTimerFired(let generation): perform(session.retryTimerFired(generation: generation), &group)
        case .tunnelOpened(let epoch, let tunnel, let opened):
            guard epoch == self.epoch else { return }
            watch(opened, tunnel, &group)
            perform(tunnels[tunnel].machine.opened(opened.properties), tunnel, &group)
        case .tunnelFailed(let epoch, let tunnel, let error):
            guard epoch == self.epoch else { return }
            perform(tunnels[tunnel].machine.openFailed(error, using: &randomness), tunnel, &group)
        case .tunnelEnded(let epoch, let tunnel, let error):
            guard epoch == self.epoch else { return }
            perform(tunnels[tunnel].machine.ended(error, using: &randomness), tunnel, &group)
        case .tunnelTimerFired(let tunnel, let generation):
            perform(tunnels[tunnel].machine.retryTimerFired(generation: generation), tunnel, &group)
        case .drainRequested: drain(&group)
        case .drainTimedOut: sendJob.yield(.cut)
        case .streamAccepted(let stream, let tunnel, let slots):
            openStreams += 1
            sendJob.yield(.handle(stream, tunnel, slots))
        case .streamEnded:
            openStreams -= 1
            finishWithoutStreams()
        case .acceptingEnded:
            accepting -= 1
            finishWithoutStreams()
        case .streamsEnded:
            haveStreamsEnded = true
            cancelDrainTimer()
            if isDraining { perform(session.drained(), &group) }
        }
    }

    /// No handler runs, and no stream comes any more. Before that, open handlers may still have to be cancelled.
    private func finishWithoutStreams() {
        if accepting == 0, openStreams == 0 { sendJob.finish() }
    }

    private mutating func connected(_ channel: RstreamControlChannel, _ group: inout DiscardingTaskGroup) {
        epoch += 1
        self.channel = channel
        let (epoch, send) = (epoch, send)
        group.addTask { send.yield(.channelEnded(epoch: epoch, await channel.waitUntilClosed())) }
        logger.info("engine connected", metadata: ["engine": "\(channel.engine)", "client_id": "\(channel.clientID)"])
        perform(session.connected(), &group)
        for tunnel in tunnels.indices { perform(tunnels[tunnel].machine.channelOpened(), tunnel, &group) }
        if tunnels.isEmpty { perform(session.serving(), &group) }
    }

    private mutating func channelEnded(_ error: RstreamError?, _ group: inout DiscardingTaskGroup) {
        // One that was closed in order holds no address any more.
        let noticed = error == nil ? .zero : channel?.livenessTimeout ?? Self.usualLivenessTimeout
        channel = nil
        for tunnel in tunnels.indices {
            perform(tunnels[tunnel].machine.channelLost(noticedAfter: noticed), tunnel, &group)
        }
        if let error {
            perform(session.channelLost(error, using: &randomness), &group)
        } else {
            perform(session.channelClosed(), &group)
        }
    }

    private func watch(_ opened: OpenedTunnel, _ tunnel: Int, _ group: inout DiscardingTaskGroup) {
        guard let channel else { return }
        let (epoch, send) = (epoch, send)
        group.addTask {
            let error = await opened.waitUntilEnded()
            // A tunnel that ended with its channel is handled with the channel.
            guard await !channel.hasEnded() else { return }
            send.yield(.tunnelEnded(epoch: epoch, tunnel: tunnel, error))
        }
    }

    private mutating func drain(_ group: inout DiscardingTaskGroup) {
        guard !isDraining else { return }
        isDraining = true
        logger.info("draining")
        let send = send
        cancelDrainTimer = timers.schedule(drainTimeout) { send.yield(.drainTimedOut) }
        channel?.stopPrewarming()
        perform(session.drainRequested(), &group)
        for tunnel in tunnels.indices {
            perform(tunnels[tunnel].machine.drainRequested(), tunnel, &group)
            tunnels[tunnel].queue.tunnelEnded(nil)
        }
        if haveStreamsEnded { perform(session.drained(), &group) }
    }

    // MARK: What was decided

    private mutating func perform(_ actions: [SessionStateMachine.Action], _ group: inout DiscardingTaskGroup) {
        let send = send
        for action in actions {
            switch action {
            case .connect:
                attempt += 1
                let (client, attempt) = (client, attempt)
                group.addTask {
                    do throws(RstreamError) {
                        let channel = try await client.connect()
                        let sent = send.yield(.connected(attempt: attempt, channel))
                        if case .terminated = sent { channel.abort() }
                    } catch {
                        send.yield(.connectFailed(attempt: attempt, error))
                    }
                }
            case .scheduleRetry(let generation, let after, let change):
                delay = after
                cancelRetry()
                cancelRetry = timers.schedule(after) { send.yield(.retryTimerFired(generation: generation)) }
                log(change, retryIn: after)
            case .closeChannel:
                guard let channel else { continue }
                group.addTask { await channel.close() }
            case .outageEnded(let attempts):
                logger.notice("session restored", metadata: ["attempts": "\(attempts)"])
            case .finished:
                cancelRetry()
            }
        }
    }

    private mutating func perform(
        _ actions: [TunnelStateMachine.Action],
        _ tunnel: Int,
        _ group: inout DiscardingTaskGroup
    ) {
        let (epoch, send) = (epoch, send)
        let acceptor = SessionAcceptor(queue: tunnels[tunnel].queue)
        for action in actions {
            switch action {
            case .open(let properties):
                guard let channel else { continue }
                group.addTask {
                    do throws(RstreamError) {
                        let opened = try await channel.openTunnel(properties, acceptor: acceptor)
                        send.yield(.tunnelOpened(epoch: epoch, tunnel: tunnel, opened))
                    } catch {
                        guard await !channel.hasEnded() else { return }
                        send.yield(.tunnelFailed(epoch: epoch, tunnel: tunnel, error))
                    }
                }
            case .scheduleRetry(let generation, let after, let failure):
                tunnels[tunnel].cancelRetry()
                tunnels[tunnel].cancelRetry = timers.schedule(after) {
                    send.yield(.tunnelTimerFired(tunnel: tunnel, generation: generation))
                }
                guard let failure else { continue }
                logger.log(
                    level: failure.followsLoss ? .info : .warning,
                    "tunnel not open, retrying",
                    metadata: Self.facts(of: failure.error, retryIn: after).merging(name(of: tunnel)) { $1 }
                )
            case .close(let tunnelID): channel?.closeTunnel(tunnelID)
            case .opened(let properties, let opening):
                var facts = name(of: tunnel)
                facts["address"] = "\(properties.forwardingAddress)"
                logger.log(level: opening == .moved ? .warning : .info, "tunnel open", metadata: facts)
                perform(session.serving(), &group)
            }
        }
    }

    // MARK: What is seen from outside

    private func publish() {
        source.publish(RstreamSession.State(connection: connectionState, tunnels: tunnels.map(Self.state)))
    }

    private var connectionState: RstreamSession.State.Connection {
        if isDraining { return .draining }
        switch session.state {
        case .idle: return .idle
        case .connecting: return .connecting
        case .online, .renewing:
            guard let channel else { return .connecting }
            return .online(clientID: channel.clientID, engine: channel.engine)
        case .waiting, .rejected:
            guard let error = session.outage else { return .connecting }
            return .waiting(error, delay: delay)
        case .draining, .closed: return .draining
        }
    }

    private static func state(_ tunnel: KeptTunnel) -> RstreamSession.State.Tunnel {
        let machine = tunnel.machine
        switch machine.state {
        case .pending, .rejected: return .pending(machine.lastFailure?.error)
        case .opening: return .opening
        case .online(let id): return machine.granted.map { .online(id: id, $0) } ?? .opening
        case .draining, .closed: return .closed
        }
    }

    private func log(_ change: SessionStateMachine.OutageChange?, retryIn delay: Duration) {
        switch change {
        case .began(let error):
            logger.warning("session lost, reconnecting", metadata: Self.facts(of: error, retryIn: delay))
        case .causeChanged(let error):
            logger.info("connect failed, retrying", metadata: Self.facts(of: error, retryIn: delay))
        case nil: break
        }
    }

    private func name(of tunnel: Int) -> Logger.Metadata {
        tunnels[tunnel].definition.spec.name.map { ["tunnel": "\($0)"] } ?? [:]
    }

    private static func facts(of error: RstreamError, retryIn delay: Duration) -> Logger.Metadata {
        ["error": "\(error)", "error_code": "\(error.code)", "retry_in": "\(delay.secondsText)"]
    }
}
