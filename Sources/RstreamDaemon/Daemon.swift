// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Linux
package import Logging
package import NIOCore
internal import Rstream
internal import RstreamAdmin
package import RstreamConfig
package import RstreamModel
internal import RstreamRelay
internal import RstreamSocket
internal import ServiceLifecycle
internal import Synchronization
internal import Systemd

/// The daemon: one session per engine identity with its tunnels, the listeners, reloads, and an orderly stop.
///
/// It keeps running whatever engines and networks do. One task, the request loop, takes reloads and every other change
/// of what runs in order, so a reload is over before the next one begins. The daemon ends when its service group shuts
/// down gracefully: it closes the tunnels, lets accepted streams last until the drain's timeout, and cuts the rest.
package final class Daemon: Service {
    /// Reads the configuration files.
    package typealias Load = @Sendable () throws(ConfigurationError) -> LoadedConfiguration

    enum Request: Sendable {
        case reload(ReloadReason)
        case networkChanged(String)
        /// Credential or certificate files have changed.
        case filesChanged(Set<String>)
        /// All upstreams of a tunnel have become unhealthy, or the first one healthy again.
        case servabilityChanged
        case operatorRequest(OperatorRequest)
        /// A client's connection has ended that tunnels were opened by.
        case connectionEnded(ClientConnection)
        /// The time of a tunnel by hand is over.
        case timePassed
        /// The ``StallDetector`` checks that requests are taken.
        case probe(StallDetector.Answer)
        /// A program takes over from this daemon.
        case upgrade(UpgradeEvent)
        /// This program takes over from a daemon.
        case succession(SuccessionEvent)
        case stop
    }

    /// How long a stop may take beyond the drain: closing sessions, and writing the last log lines.
    private static let stopTimeout = Duration.seconds(15)
    /// How long a process before this one may take to end after it has cut its streams.
    private static let predecessorTime = Duration.seconds(2)

    let initial: DaemonConfiguration
    private let load: Load
    private let shares: DescriptorShares
    let streams: StreamTable
    let dependencies: RunningConfiguration.Dependencies
    private let level: LogLevelSwitch
    private let format: LogFormatSwitch
    private let sink: LogSink?
    let adminListeners: AdminListeners
    let program: ProgramStart?
    /// What stands for this process where systemd runs it, and the unit wants a restart to be a take-over.
    let standIn: StandIn?
    /// Whether a program that systemd has started could not take over.
    let hasFailedToTakeOver = Lock(false)
    /// What this process takes over, or has taken over.
    var succession: Succession? { dependencies.succession }
    let stallDetector: StallDetector
    var statusStore: StatusStore { dependencies.statusStore }
    var state: StateDirectory { dependencies.state }
    let eventLoopGroup: any EventLoopGroup
    let notifier: ServiceNotifier
    let logger: Logger
    /// The running sessions, for ``stopNow()``, which does not wait for the request loop. Guarded by a mutex.
    let running = Lock<[EngineSession]>([])
    let requests: AsyncStream<Request>
    let send: AsyncStream<Request>.Continuation

    /// Creates a daemon for `configuration`; it dials nothing before ``run()``.
    ///
    /// `load` reads the files for a reload; `level` and `format` are the parts of the log that a reload may change, and
    /// `sink` is where its lines go, if they can be dropped.
    /// `defaultSocket` is the path where clients look for the admin socket by default; it leads to the socket wherever
    /// that is. `program` is how this process was started, for a take-over by the program at the same path; `succession`
    /// is what this process itself takes over, and `standIn` the process that stands for it.
    package convenience init(
        _ configuration: DaemonConfiguration,
        load: @escaping Load,
        state: StateDirectory,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        level: LogLevelSwitch = LogLevelSwitch(.info),
        format: LogFormatSwitch = LogFormatSwitch(.auto),
        sink: LogSink? = nil,
        defaultSocket: String? = nil,
        program: ProgramStart? = nil,
        standIn: StandIn? = nil,
        succession: Succession? = nil
    ) {
        self.init(
            configuration,
            load: load,
            state: state,
            eventLoopGroup: eventLoopGroup,
            logger: logger,
            level: level,
            format: format,
            sink: sink,
            defaultSocket: defaultSocket,
            program: program,
            standIn: standIn,
            succession: succession
        ) { _ in }
    }

    /// The same with other timeouts of admin clients and other options of engine clients, for tests.
    init(
        _ configuration: DaemonConfiguration,
        load: @escaping Load,
        state: StateDirectory,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        level: LogLevelSwitch = LogLevelSwitch(.info),
        format: LogFormatSwitch = LogFormatSwitch(.auto),
        sink: LogSink? = nil,
        defaultSocket: String? = nil,
        program: ProgramStart? = nil,
        standIn: StandIn? = nil,
        succession: Succession? = nil,
        timeouts: RequestBoundsHandler.Timeouts = .init(),
        adjust: @escaping @Sendable (inout RstreamClientOptions) -> Void
    ) {
        initial = configuration
        self.load = load
        self.logger = logger
        self.level = level
        self.format = format
        self.sink = sink
        self.eventLoopGroup = eventLoopGroup
        self.program = program
        self.standIn = standIn
        // systemd listens to every process that it starts.
        notifier = ServiceNotifier(isSilent: succession.map { !$0.isRestart } ?? false)
        let statusStore = StatusStore(notifier: notifier)
        ProcessFigures.prepare()
        Heap.prepare()
        let shares = DescriptorShares()
        self.shares = shares
        streams = StreamTable(capacity: shares.budget(for: configuration).streams)
        streams.tellEnds(configuration.log.streams)
        let reserved = ReservedSockets()
        adminListeners = AdminListeners(
            statusStore: statusStore,
            reserved: reserved,
            group: eventLoopGroup,
            clients: shares.budget(for: configuration).adminClients,
            pointer: AdminPointer(path: defaultSocket),
            timeouts: timeouts,
            logger: logger
        )
        let (requests, send) = AsyncStream<Request>.makeStream()
        dependencies = RunningConfiguration.Dependencies(
            streams: streams,
            state: state,
            statusStore: statusStore,
            succession: succession,
            reserved: reserved,
            group: eventLoopGroup,
            logger: logger,
            servabilityChanged: { send.yield(.servabilityChanged) },
            clientLimits: { configuration in
                var limits = configuration.limits
                limits.openingStreams = shares.budget(for: configuration).openingStreams
                return limits
            },
            makeClient: { context, limits in
                var options = RstreamClientOptions(context, limits: limits)
                adjust(&options)
                return RstreamClient(options, eventLoopGroup: eventLoopGroup, logger: logger.about(context))
            }
        )
        (self.requests, self.send) = (requests, send)
        stallDetector = StallDetector(eventLoopGroup) { answer in send.yield(.probe(answer)) }
    }

    /// Requests a reload of the configuration files; the log has the outcome.
    package func reload(_ reason: ReloadReason) { send.yield(.reload(reason)) }

    /// Requests that the program at this one's path takes over; the log has the outcome.
    package func requestUpgrade() { send.yield(.upgrade(.requested)) }

    /// Whether a program that systemd has started has to be started again, because it could not take over. Known at the end
    /// of ``run()``.
    package var needsAnotherStart: Bool { hasFailedToTakeOver.withLock { $0 } }

    /// Opens the admin socket, and the metrics port if one is configured. Must be called once, before ``run()``.
    ///
    /// - Parameter inherited: Listening sockets that replace the configured admin socket.
    ///
    /// A program that takes over opens them later, with the predecessor's sockets; this finds out whether it can.
    /// - Throws: ``RstreamError`` with ``RstreamError/Code/listenerUnavailable`` when a socket cannot be opened.
    package func open(inherited: [CInt] = []) async throws(RstreamError) {
        let events = StreamEvents(owner: nil, statusStore: statusStore, logger: logger)
        let dials = DirectDials(observer: events, table: streams, group: eventLoopGroup, logger: logger)
        statusStore.counts(dials: dials.ledger)
        let router = AdminRouter(
            statusStore: statusStore,
            streams: streams,
            previousStreams: succession?.streams,
            dials: dials,
            metrics: MetricsPage(statusStore: statusStore, sink: sink),
            level: level,
            daemon: self,
            rules: adminListeners.rules,
            logger: logger
        )
        adminListeners.setRouter(router)
        if let succession {
            // systemd's own sockets, which the predecessor may have, too.
            succession.sockets.add(systemd: inherited)
            await adminListeners.inherit(succession.sockets)
            return try await adminListeners.checkBeforeHandOver(initial)
        }
        do throws(RstreamError) {
            for socket in inherited { try await adminListeners.open(inherited: socket) }
            try await adminListeners.open(initial, DeferrablePorts(isStart: true))
        } catch {
            await adminListeners.stop()
            await adminListeners.run()
            throw error
        }
    }

    /// Serves until the service group shuts down gracefully.
    package func run() async {
        if let shortage = shares.shortage(for: initial) {
            logger.warning("stream limit reduced", metadata: ["reason": "\(shortage)"])
        }
        if let reason = shares.lowLimit(for: initial) {
            logger.warning(
                "low file descriptor limit",
                metadata: ["reason": "\(reason)", LogKey.fix: "raise LimitNOFILE= of the service"]
            )
        }
        logger.info(
            "started",
            metadata: [
                "version": "\(rstreamVersion)",
                "tunnels": .stringConvertible(initial.tunnels.count(where: \.isEnabled)),
            ]
        )
        let (begun, send) = AsyncStream<Never>.makeStream()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.monitorStreams() }
            group.addTask { await self.watchNetwork() }
            group.addTask {
                // Cancelled where the daemon ends by itself, because another process has taken over.
                try? await gracefulShutdown()
                self.stop()
            }
            if let succession { group.addTask { await self.follow(succession) } }
            group.addTask {
                for await _ in begun {}
                await self.adminListeners.run()
            }
            group.addTask {
                await self.stallDetector.watch(self.notifier, watchdog: Watchdog.timeout, logger: self.logger)
            }
            await serve { send.finish() }
            await adminListeners.stop()
            group.cancelAll()
        }
        logger.info("stopped")
    }

    /// Starts the drain, as a graceful shutdown of the service group does. Before it runs: as soon as it does.
    package func stop() {
        send.yield(.stop)
        stallDetector.endWaits()
    }

    /// Cuts every stream and ends every session at once.
    package func stopNow() {
        streams.cut()
        succession?.link.send(.stop(withinSeconds: 0))
        for session in running.withLock({ $0 }) { session.stop() }
        stop()
    }

    /// The request loop. Calls `begun` once the first configuration runs.
    private func serve(_ begun: () -> Void) async {
        let watcher = ConfigurationWatcher(on: eventLoopGroup.any(), stallDetector: stallDetector, logger: logger) {
            self.reload(.files)
        }
        let credentials = CredentialWatcher(on: eventLoopGroup.any(), stallDetector: stallDetector, logger: logger) {
            [send] files in
            send.yield(.filesChanged(files))
        }
        await withDiscardingTaskGroup { group in
            var reconciler = Reconciler(
                RunningConfiguration(dependencies),
                Reconciler.Dependencies(
                    loader: ReloadLoader(load: load, stallDetector: stallDetector),
                    adminListeners: adminListeners,
                    shares: shares,
                    watcher: watcher,
                    credentials: credentials,
                    streams: streams,
                    level: level,
                    format: format,
                    notifier: notifier,
                    statusStore: statusStore,
                    timePassed: { [send] in send.yield(.timePassed) },
                    logger: logger
                )
            )
            if let succession {
                dependencies.addresses.holdAll()
                await reconciler.begin(with: initial, in: &group)
                running.withLock { $0 = reconciler.running.sessions }
                guard await takeOver(succession, &reconciler, in: &group) else {
                    send.finish()
                    return
                }
            } else {
                await reconciler.begin(with: initial, in: &group)
            }
            // Admin requests are served, and systemd is notified, only once the first configuration runs.
            begun()
            notifier.ready()
            running.withLock { $0 = reconciler.running.sessions }
            let retirement = await takeRequests(&reconciler, in: &group)
            if let retirement {
                watcher.close()
                credentials.close()
                // Before the sessions end: to a reader, tunnels that go on in the next process would seem to be closed.
                statusStore.events.close()
                async let leaving: Void = adminListeners.stop()
                await retire(reconciler.running, retirement, in: &group)
                await leaving
            } else {
                group.addTask { await self.refuseRequests() }
                await stop(reconciler.running)
            }
            send.finish()
        }
        watcher.close()
        credentials.close()
        await dependencies.state.waitUntilWritten()
    }

    /// Refuses requests that arrive after the stop, and still answers probes, until the stream of requests ends.
    private func refuseRequests() async {
        for await request in requests {
            switch request {
            case .operatorRequest(let request): request.refuse()
            case .probe(let answer): answer()
            case .upgrade(.restart(let reply)): reply.answer(.stops)
            case .reload, .networkChanged, .filesChanged, .servabilityChanged, .connectionEnded, .timePassed, .upgrade,
                .succession, .stop:
                break
            }
        }
    }

    /// Drains streams and closes what runs.
    private func stop(_ running: RunningConfiguration) async {
        notifier.stopping()
        statusStore.daemonChanged(to: .stopping)
        let timeout = running.configuration.drain.timeout
        logger.info(
            "stopping",
            metadata: [
                LogKey.streams: .stringConvertible(streams.activeCount), LogKey.timeout: .stringConvertible(timeout),
            ]
        )
        notifier.extendTimeout(by: timeout + Self.stopTimeout)
        running.stopChecks()
        for session in running.sessions { session.drain() }
        for listener in running.listening { await listener.stop() }
        await endStreams(within: timeout, predecessors: Self.predecessorTime)
        // systemd ends the main process alone where a restart may be a take-over.
        if standIn != nil, let succession, !succession.isOver { succession.kill() }
        for session in running.sessions { session.finish() }
    }

    /// Lets streams end within a stop's time, also those of processes before this one, and cuts those that are left then.
    /// A process before this one may take so much longer to end.
    func endStreams(within timeout: Duration, predecessors longest: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            let streams = streams
            group.addTask {
                async let previous: Void = self.stopPredecessor(within: timeout)
                await streams.drain()
                await previous
            }
            group.addTask { [logger] in
                // Cancelled when no stream is left, or with the daemon itself, which then does not wait.
                try? await pause(for: timeout)
                let left = streams.activeCount
                if left > 0 {
                    logger.warning(
                        "drain timed out, cutting streams",
                        metadata: [LogKey.streams: .stringConvertible(left)]
                    )
                }
                streams.cut()
                // Processes before this one cut theirs at the same time.
                try? await pause(for: longest)
            }
            // Either task's end is the end of the drain: a cut ends it, too.
            await group.next()
            group.cancelAll()
        }
    }
}

#if DEBUG
extension Daemon {
    /// Blocks the request loop until `work` returns, for tests of the watchdog.
    package func occupy(with work: @escaping @Sendable () -> Void) { send.yield(.probe(work)) }
}
#endif
