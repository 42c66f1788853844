// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
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
        case operatorRequest(OperatorRequest)
        /// The ``StallDetector`` checks that requests are taken.
        case probe(StallDetector.Answer)
        case stop
    }

    /// How long a stop may take beyond the drain: closing sessions, and writing the last log lines.
    private static let stopTimeout = Duration.seconds(15)

    private let initial: DaemonConfiguration
    private let load: Load
    private let shares: DescriptorShares
    let streams: StreamTable
    private let dependencies: RunningConfiguration.Dependencies
    private let level: LogLevelSwitch
    private let format: LogFormatSwitch
    private let sink: LogSink?
    private let adminListeners: AdminListeners
    let stallDetector: StallDetector
    var statusStore: StatusStore { dependencies.statusStore }
    let eventLoopGroup: any EventLoopGroup
    private let notifier = ServiceNotifier()
    let logger: Logger
    /// The running sessions, for ``stopNow()``, which does not wait for the request loop. Guarded by a mutex.
    private let running = Lock<[EngineSession]>([])
    private let requests: AsyncStream<Request>
    let send: AsyncStream<Request>.Continuation

    /// Creates a daemon for `configuration`; it dials nothing before ``run()``.
    ///
    /// `load` reads the files for a reload; `level` and `format` are the parts of the log that a reload may change, and
    /// `sink` is where its lines go, if they can be dropped.
    /// `defaultSocket` is the path where clients look for the admin socket by default; it leads to the socket wherever
    /// that is.
    package convenience init(
        _ configuration: DaemonConfiguration,
        load: @escaping Load,
        state: StateDirectory,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        level: LogLevelSwitch = LogLevelSwitch(.info),
        format: LogFormatSwitch = LogFormatSwitch(.auto),
        sink: LogSink? = nil,
        defaultSocket: String? = nil
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
            defaultSocket: defaultSocket
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
        let statusStore = StatusStore(notifier: notifier)
        ProcessFigures.prepare()
        Heap.prepare()
        let shares = DescriptorShares()
        self.shares = shares
        streams = StreamTable(capacity: shares.budget(for: configuration).streams)
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
        dependencies = RunningConfiguration.Dependencies(
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
        stallDetector = StallDetector(eventLoopGroup) { answer in send.yield(.probe(answer)) }
    }

    /// Requests a reload of the configuration files; the log has the outcome.
    package func reload(_ reason: ReloadReason) { send.yield(.reload(reason)) }

    /// Opens the admin socket, and the metrics port if one is configured. Must be called once, before ``run()``.
    ///
    /// - Parameter inherited: Listening sockets that replace the configured admin socket.
    /// - Throws: ``RstreamError`` with ``RstreamError/Code/listenerUnavailable`` when a socket cannot be opened.
    package func open(inherited: [CInt] = []) async throws(RstreamError) {
        let router = AdminRouter(
            statusStore: statusStore,
            streams: streams,
            metrics: MetricsPage(statusStore: statusStore, sink: sink),
            level: level,
            daemon: self,
            logger: logger
        )
        adminListeners.setRouter(router)
        do throws(RstreamError) {
            for socket in inherited { try await adminListeners.open(inherited: socket) }
            try await adminListeners.open(initial, DeferrableMetrics(isStart: true))
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

    /// Cuts every stream and ends every session at once.
    package func stopNow() {
        streams.cut()
        for session in running.withLock({ $0 }) { session.stop() }
        send.yield(.stop)
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
                    logger: logger
                )
            )
            await reconciler.begin(with: initial, in: &group)
            // Admin requests are served, and systemd is notified, only once the first configuration runs.
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
            group.addTask { await self.refuseRequests() }
            await stop(reconciler.running)
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
            case .reload, .networkChanged, .filesChanged, .stop: break
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
        for session in running.sessions { session.drain() }
        for listener in running.listening { await listener.stop() }
        await withTaskGroup(of: Void.self) { group in
            let streams = streams
            group.addTask { await streams.drain() }
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
            }
            // Either task's end is the end of the drain: a cut ends it, too.
            await group.next()
            group.cancelAll()
        }
        for session in running.sessions { session.finish() }
    }
}

#if DEBUG
extension Daemon {
    /// Blocks the request loop until `work` returns, for tests of the watchdog.
    package func occupy(with work: @escaping @Sendable () -> Void) { send.yield(.probe(work)) }
}
#endif
