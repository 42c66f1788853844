internal import Linux
package import Logging
package import NIOCore
internal import Rstream
internal import RstreamAdmin
package import RstreamConfig
internal import RstreamCore
package import RstreamModel
internal import RstreamRelay
internal import RstreamSocket
internal import ServiceLifecycle
internal import Synchronization
internal import Systemd

/// The daemon: one session per engine identity, all tunnels of the configuration on them, reloads, and an orderly end.
///
/// It keeps running whatever engines and networks do. Reloads and everything else that changes what runs are requests
/// that one task takes in order, so a reload is over before the next one begins. It ends when its service group shuts
/// down gracefully: tunnels are closed, streams that were accepted may last until the drain's timeout, then what is
/// left is cut.
package final class Daemon: Service {
    /// Reads the configuration again.
    package typealias Load = @Sendable () throws(ConfigurationError) -> LoadedConfiguration

    enum Request: Sendable {
        case reload(ReloadReason)
        case networkChanged(String)
        /// These files, which connects need, are others by now.
        case filesChanged(Set<String>)
        case asked(OperatorRequest)
        /// A sign of life is wanted, and nothing else.
        case sign(@Sendable () -> Void)
        case stop
    }

    /// How long a stop may take beside the drain: goodbyes to engines, the last lines of the log.
    private static let stopPatience = Duration.seconds(15)

    private let initial: DaemonConfiguration
    private let load: Load
    private let shares: DescriptorShares
    private let streams: StreamTable
    private let parts: RunningConfiguration.Dependencies
    private let level: LogLevelSwitch
    private let format: LogFormatSwitch
    private let doors: AdminListeners
    let stallDetector: StallDetector
    var statusStore: StatusStore { parts.statusStore }
    private let eventLoopGroup: any EventLoopGroup
    private let notifier = ServiceNotifier()
    private let logger: Logger
    /// The sessions that run, for whoever cannot wait for its turn. Guarded by a mutex.
    private let running = Mutex<[EngineSession]>([])
    private let requests: AsyncStream<Request>
    let send: AsyncStream<Request>.Continuation

    /// Wires a daemon for `configuration`; nothing is dialed before ``run()``.
    ///
    /// `load` reads the files again for a reload; `level` and `format` are what a reload may change about the log.
    /// `usualSocket` is where the admin socket is looked for by who knows nothing else, and leads to it.
    package convenience init(
        _ configuration: DaemonConfiguration,
        load: @escaping Load,
        state: StateDirectory,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        level: LogLevelSwitch = LogLevelSwitch(.info),
        format: LogFormatSwitch = LogFormatSwitch(.auto),
        usualSocket: String? = nil
    ) {
        self.init(
            configuration,
            load: load,
            state: state,
            eventLoopGroup: eventLoopGroup,
            logger: logger,
            level: level,
            format: format,
            usualSocket: usualSocket
        ) { _ in }
    }

    /// The same with other options for its clients, for tests that cannot wait for half a minute, and with other patience
    /// with those who ask it.
    init(
        _ configuration: DaemonConfiguration,
        load: @escaping Load,
        state: StateDirectory,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        level: LogLevelSwitch = LogLevelSwitch(.info),
        format: LogFormatSwitch = LogFormatSwitch(.auto),
        usualSocket: String? = nil,
        patience: RequestBoundsHandler.Patience = .init(),
        adjust: @escaping @Sendable (inout RstreamClientOptions) -> Void
    ) {
        initial = configuration
        self.load = load
        self.logger = logger
        self.level = level
        self.format = format
        self.eventLoopGroup = eventLoopGroup
        let statusStore = StatusStore(notifier: notifier)
        ProcessFigures.prepare()
        Heap.prepare()
        let shares = DescriptorShares()
        self.shares = shares
        streams = StreamTable(capacity: shares.budget(for: configuration).streams)
        let reserved = ReservedSockets()
        doors = AdminListeners(
            statusStore: statusStore,
            reserved: reserved,
            group: eventLoopGroup,
            clients: shares.budget(for: configuration).adminClients,
            pointer: AdminPointer(place: usualSocket),
            patience: patience,
            logger: logger
        )
        parts = RunningConfiguration.Dependencies(
            streams: streams,
            state: state,
            statusStore: statusStore,
            reserved: reserved,
            group: eventLoopGroup,
            logger: logger
        ) { configuration in
            var limits = configuration.limits
            limits.openingStreams = shares.budget(for: configuration).openingStreams
            return limits
        } makeClient: { context, limits in
            var options = RstreamClientOptions(context, limits: limits)
            adjust(&options)
            return RstreamClient(options, eventLoopGroup: eventLoopGroup, logger: logger.about(context))
        }
        let (requests, send) = AsyncStream<Request>.makeStream()
        (self.requests, self.send) = (requests, send)
        stallDetector = StallDetector(eventLoopGroup) { answer in send.yield(.sign(answer)) }
    }

    /// Reads the configuration again and makes it what runs; the log says what became of it.
    package func reload(_ reason: ReloadReason) { send.yield(.reload(reason)) }

    /// Opens the admin socket, and the port for metrics if there is one. Has to be done once, before ``run()``.
    ///
    /// `inherited` are listening sockets that take the place of the configured one.
    /// Throws ``RstreamError`` with ``RstreamError/Code/listenerUnavailable`` for what cannot be had.
    package func open(inherited: [CInt] = []) async throws(RstreamError) {
        let router = AdminRouter(
            statusStore: parts.statusStore,
            streams: streams,
            metrics: MetricsPage(statusStore: parts.statusStore),
            level: level,
            daemon: self,
            logger: logger
        )
        doors.answer(with: router)
        do throws(RstreamError) {
            for socket in inherited { try await doors.open(inherited: socket) }
            try await doors.open(initial, MetricsTimeouts(isStart: true))
        } catch {
            await doors.stop()
            await doors.run()
            throw error
        }
    }

    /// Serves until the service group shuts down gracefully.
    package func run() async {
        if let complaint = shares.complaint(about: initial) {
            logger.warning("fewer streams than configured", metadata: ["reason": "\(complaint)"])
        }
        if let smallness = shares.smallness(for: initial) {
            logger.warning(
                "few file descriptors",
                metadata: ["reason": "\(smallness)", LogKey.fix: "raise LimitNOFILE= of the service"]
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
            group.addTask { await self.watchStreams() }
            group.addTask { await self.watchNetwork() }
            group.addTask {
                for await _ in begun {}
                await self.doors.run()
            }
            group.addTask {
                await self.stallDetector.watch(self.notifier, watchdog: Watchdog.timeout, logger: self.logger)
            }
            await serve { send.finish() }
            await doors.stop()
            group.cancelAll()
        }
        logger.info("stopped")
    }

    /// Cuts every stream and ends every session at once.
    package func stopNow() {
        streams.cut()
        for session in running.withLock({ $0 }) { session.stop() }
        send.yield(.stop)
    }

    /// `begun` is called once the first configuration is carried out.
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
                RunningConfiguration(parts),
                Reconciler.Dependencies(
                    loading: ConfigurationLoading(load: load, stallDetector: stallDetector),
                    doors: doors,
                    shares: shares,
                    watcher: watcher,
                    credentials: credentials,
                    streams: streams,
                    level: level,
                    format: format,
                    notifier: notifier,
                    statusStore: parts.statusStore,
                    logger: logger
                )
            )
            await reconciler.begin(with: initial, in: &group)
            // Nobody is answered, or told that the daemon is ready, before it is known what is wanted.
            begun()
            notifier.ready()
            running.withLock { $0 = reconciler.running.sessions }
            group.addTask {
                try? await gracefulShutdown()
                self.send.yield(.stop)
            }
            for await request in requests {
                if case .stop = request { break }
                await reconciler.take(request, in: &group)
                running.withLock { $0 = reconciler.running.sessions }
            }
            group.addTask { await self.declineRequests() }
            await stop(reconciler.running)
            send.finish()
        }
        watcher.close()
        credentials.close()
        await parts.state.waitUntilKept()
    }

    /// Tells whoever asks too late, and still gives signs of life, until there are no requests any more.
    private func declineRequests() async {
        for await request in requests {
            switch request {
            case .asked(let request): request.stopping()
            case .sign(let answer): answer()
            case .reload, .networkChanged, .filesChanged, .stop: break
            }
        }
    }

    // MARK: Watches

    /// Looks at the streams now and then: memory that a crowd needed goes back, and that visitors are turned away is told
    /// once, and that it is over.
    private func watchStreams() async {
        var trimmer = HeapTrimmer(idle: await BlockingThreads.kernel.run { Heap.idleBytes })
        var turnAway = RefusalStateMachine()
        while (try? await pause(for: HeapTrimmer.interval)) != nil {
            if let idle = await BlockingThreads.kernel.run({ Heap.idleBytes }), trimmer.shouldTrim(idle: idle) {
                let left = await BlockingThreads.kernel.run {
                    Heap.trim()
                    return Heap.idleBytes
                }
                trimmer.trimmed(idle: left ?? idle)
            }
            let (now, refused) = (ContinuousClock.now, streams.takeRefused())
            if turnAway.turnedAway(refused, at: now) {
                logger.warning(
                    "streams refused",
                    metadata: [
                        LogKey.streams: .stringConvertible(streams.activeCount), "refused": .stringConvertible(refused),
                        LogKey.fix: "raise limits.streams, or LimitNOFILE= and MemoryMax= of the service",
                    ]
                )
            }
            if let past = turnAway.looked(at: now) {
                logger.notice(
                    "streams are taken again",
                    metadata: [
                        "refused": .stringConvertible(past.count), LogKey.duration: .stringConvertible(past.lasted),
                    ]
                )
            }
            parts.statusStore.settleRefusals(at: now)
        }
    }

    private func watchNetwork() async {
        let watcher = NetworkWatcher(on: eventLoopGroup.any(), logger: logger) { [send] what in
            send.yield(.networkChanged(what))
        }
        await watcher.run()
    }

    // MARK: The end

    private func stop(_ running: RunningConfiguration) async {
        notifier.stopping()
        parts.statusStore.daemonChanged(to: .stopping)
        let timeout = running.configuration.drain.timeout
        logger.info(
            "stopping, streams may end",
            metadata: [
                LogKey.streams: .stringConvertible(streams.activeCount), LogKey.timeout: .stringConvertible(timeout),
            ]
        )
        notifier.extendTimeout(by: timeout + Self.stopPatience)
        for session in running.sessions { session.drain() }
        for listener in running.listening { await listener.stop() }
        await withTaskGroup(of: Void.self) { group in
            let streams = streams
            group.addTask { await streams.drain() }
            group.addTask { [logger] in
                // Cancelled when nothing is left to cut, or with the daemon itself, which then waits for nobody.
                try? await pause(for: timeout)
                let left = streams.activeCount
                if left > 0 { logger.warning("cutting streams", metadata: [LogKey.streams: .stringConvertible(left)]) }
                streams.cut()
            }
            // Cutting ends the drain, so the drain is what is waited for.
            await group.next()
            group.cancelAll()
        }
        for session in running.sessions { session.finish() }
    }
}
