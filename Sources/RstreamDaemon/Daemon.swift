internal import Linux
package import Logging
package import NIOCore
internal import Rstream
package import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
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

    private enum Request: Sendable {
        case reload(ReloadReason)
        case networkChanged(String)
        case stop
    }

    private let initial: DaemonConfiguration
    private let load: Load
    private let streams: StreamTable
    private let parts: House.Parts
    private let level: LogLevelSwitch?
    private let eventLoopGroup: any EventLoopGroup
    private let notifier = ServiceNotifier()
    private let logger: Logger
    /// The sessions that run, for whoever cannot wait for its turn. Guarded by a mutex.
    private let running = Mutex<[EngineSession]>([])
    private let requests: AsyncStream<Request>
    private let send: AsyncStream<Request>.Continuation

    /// Wires a daemon for `configuration`; nothing is dialed before ``run()``.
    ///
    /// `load` reads the files again for a reload; `level` is what a reload may change about the log.
    package convenience init(
        _ configuration: DaemonConfiguration,
        load: @escaping Load,
        hostnames: HostnameStore,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        level: LogLevelSwitch? = nil
    ) {
        self.init(
            configuration,
            load: load,
            hostnames: hostnames,
            eventLoopGroup: eventLoopGroup,
            logger: logger,
            level: level
        ) { _ in }
    }

    /// The same with other options for its clients, for tests that cannot wait for half a minute.
    init(
        _ configuration: DaemonConfiguration,
        load: @escaping Load,
        hostnames: HostnameStore,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        level: LogLevelSwitch? = nil,
        adjust: @escaping @Sendable (inout ClientOptions) -> Void
    ) {
        initial = configuration
        self.load = load
        self.logger = logger
        self.level = level
        self.eventLoopGroup = eventLoopGroup
        streams = StreamTable(capacity: Self.capacity(configuration.limits))
        parts = House.Parts(
            streams: streams,
            hostnames: hostnames,
            board: StatusBoard(notifier: notifier),
            group: eventLoopGroup,
            logger: logger
        ) { context, limits in
            var options = ClientOptions(context, limits: limits)
            adjust(&options)
            return Client(options, eventLoopGroup: eventLoopGroup, logger: logger)
        }
        (requests, send) = AsyncStream.makeStream()
    }

    private static func capacity(_ limits: LimitSettings) -> Int {
        limits.streams > 0 ? limits.streams : FileDescriptors.streams(within: FileDescriptors.raiseLimit())
    }

    /// Reads the configuration again and makes it what runs; the log says what became of it.
    package func reload(_ reason: ReloadReason) { send.yield(.reload(reason)) }

    /// Serves until the service group shuts down gracefully.
    package func run() async {
        notifier.ready()
        notifier.status(initial.tunnels.contains(where: \.isEnabled) ? "connecting" : "no tunnels configured")
        logger.info(
            "started",
            metadata: [
                "version": "\(rstreamVersion)", "tunnels": "\(initial.tunnels.filter(\.isEnabled).count)",
            ]
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.trimHeap() }
            group.addTask { await self.watchNetwork() }
            await serve()
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

    private func serve() async {
        let watcher = ConfigurationWatcher(on: eventLoopGroup.any(), logger: logger) { self.reload(.files) }
        await withDiscardingTaskGroup { group in
            var house = House(parts)
            let (plan, listeners) = (house.plan(initial), house.listenerPlan(initial))
            _ = await house.carryOut(plan, listeners, of: initial, in: &group)
            running.withLock { $0 = house.sessions }
            await watcher.follow(initial)
            group.addTask {
                try? await gracefulShutdown()
                self.send.yield(.stop)
            }
            for await request in requests {
                if case .stop = request { break }
                await handle(request, &house, watcher, &group)
            }
            await stop(house)
        }
        watcher.close()
    }

    private func handle(
        _ request: Request,
        _ house: inout House,
        _ watcher: ConfigurationWatcher,
        _ group: inout DiscardingTaskGroup
    ) async {
        switch request {
        case .reload(let reason):
            notifier.reloading()
            watcher.refresh()
            let outcome = await reload(&house, &group)
            var mistaken: [String] = []
            // What is complained about is where the mending will be seen.
            if case .refused(let diagnostics) = outcome { mistaken = Set(diagnostics.map(\.file)).sorted() }
            await watcher.follow(house.configuration, and: mistaken)
            report(outcome, reason)
            notifier.ready()
            parts.board.tell()
        case .networkChanged(let what):
            logger.debug("the network changed", metadata: ["change": "\(what)"])
            for session in house.sessions { session.networkChanged() }
        case .stop: break
        }
    }

    // MARK: Reload

    private func reload(_ house: inout House, _ group: inout DiscardingTaskGroup) async -> ReloadOutcome {
        let next: DaemonConfiguration
        do throws(ConfigurationError) {
            let loaded = try load()
            for warning in loaded.warnings { log(warning, at: .warning) }
            next = loaded.configuration
        } catch {
            return .refused(error.diagnostics)
        }
        let (plan, listeners) = (house.plan(next), house.listenerPlan(next))
        let timeout = next.drain.timeout
        for (streams, fate) in await house.carryOut(plan, listeners, of: next, in: &group) {
            switch fate {
            case .keep: break
            case .cut: streams.cut()
            case .drain: group.addTask { await Self.drain(streams, within: timeout) }
            }
        }
        running.withLock { $0 = house.sessions }
        streams.limit(to: Self.capacity(next.limits))
        level?.set(next.log.level)
        // Whatever was refused or waits may have been mended by what was changed outside of the files.
        for session in house.sessions { session.retry() }
        return plan.isEmpty && listeners.changes.isEmpty ? .unchanged : .applied(plan, listeners)
    }

    private static func drain(_ retired: RetiredStreams, within timeout: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await retired.waitUntilEnded() }
            group.addTask {
                guard (try? await Task.sleep(for: timeout)) != nil else { return }
                retired.cut()
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func report(_ outcome: ReloadOutcome, _ reason: ReloadReason) {
        switch outcome {
        case .unchanged:
            parts.board.reloaded(refusal: nil)
            logger.info("reloaded, nothing changed", metadata: ["reason": "\(reason.rawValue)"])
        case .applied(let plan, let listeners):
            parts.board.reloaded(refusal: nil)
            for change in listeners.changes {
                logger.info(
                    "listener changed",
                    metadata: [
                        LogKey.listener: "\(change.listener)", "action": "\(change.action.rawValue)",
                        LogKey.streams: "\(change.streams)",
                    ]
                )
            }
            for change in plan.changes {
                var facts: Logger.Metadata = [
                    LogKey.tunnel: "\(change.tunnel)", "action": "\(change.action.rawValue)",
                    LogKey.streams: "\(change.streams)",
                ]
                if let fate = change.fate { facts["fate"] = "\(fate.rawValue)" }
                logger.info("tunnel changed", metadata: facts)
            }
            // Last, so that who waits for it has read everything.
            let changes = plan.changes.count + listeners.changes.count
            logger.notice("reloaded", metadata: ["reason": "\(reason.rawValue)", "changes": "\(changes)"])
        case .refused(let diagnostics):
            for diagnostic in diagnostics { log(diagnostic, at: .error) }
            let first = diagnostics.first.map { "\($0.file):\($0.line): \($0.message)" } ?? "unknown"
            parts.board.reloaded(refusal: first)
            logger.error(
                "reload refused, keeping the running configuration",
                metadata: ["reason": "\(reason.rawValue)", "errors": "\(diagnostics.count)", LogKey.error: "\(first)"]
            )
        }
    }

    private func log(_ diagnostic: Diagnostic, at level: Logger.Level) {
        var facts: Logger.Metadata = [
            LogKey.file: "\(diagnostic.file)", "line": "\(diagnostic.line)", "column": "\(diagnostic.column)",
            LogKey.error: "\(diagnostic.message)",
        ]
        if let hint = diagnostic.hint { facts[LogKey.fix] = "\(hint)" }
        logger.log(level: level, "configuration", metadata: facts)
    }

    // MARK: Watches

    private func trimHeap() async {
        var trimmer = HeapTrimmer()
        while (try? await Task.sleep(for: HeapTrimmer.interval)) != nil {
            let peak = streams.takePeak()
            if trimmer.shouldTrim(peak: peak, active: streams.activeCount) { Heap.trim() }
        }
    }

    private func watchNetwork() async {
        let watcher = NetworkWatcher(on: eventLoopGroup.any(), logger: logger) { [send] what in
            send.yield(.networkChanged(what))
        }
        await watcher.run()
    }

    // MARK: The end

    private func stop(_ house: House) async {
        notifier.stopping()
        let timeout = house.configuration.drain.timeout
        logger.info(
            "stopping, streams may end",
            metadata: [LogKey.streams: "\(streams.activeCount)", "timeout": "\(timeout.inSeconds)"]
        )
        for session in house.sessions { session.drain() }
        for listener in house.listening { await listener.stop() }
        await withTaskGroup(of: Void.self) { group in
            let streams = streams
            group.addTask { await streams.drain() }
            group.addTask { [logger] in
                // Cancelled when nothing is left to cut, or with the daemon itself, which then waits for nobody.
                try? await Task.sleep(for: timeout)
                let left = streams.activeCount
                if left > 0 { logger.warning("cutting streams", metadata: [LogKey.streams: "\(left)"]) }
                streams.cut()
            }
            // Cutting ends the drain, so the drain is what is waited for.
            await group.next()
            group.cancelAll()
        }
        for session in house.sessions { session.finish() }
    }
}
