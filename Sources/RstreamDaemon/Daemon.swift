internal import ContextClient
internal import Linux
package import Logging
package import NIOCore
internal import Rstream
internal import RstreamAdmin
package import RstreamConfig
internal import RstreamCore
package import RstreamModel
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

    enum Request: Sendable {
        case reload(ReloadReason)
        case networkChanged(String)
        case asked(OperatorRequest)
        /// A sign of life is wanted, and nothing else.
        case sign(@Sendable () -> Void)
        case stop
    }

    /// How long a stop may take beside the drain: goodbyes to engines, the last lines of the log.
    private static let stopPatience = Duration.seconds(15)

    private let initial: DaemonConfiguration
    private let load: Load
    private let streams: StreamTable
    private let parts: House.Parts
    private let level: LogLevelSwitch
    private let doors: AdminDoors
    let vitals: Vitals
    private let eventLoopGroup: any EventLoopGroup
    private let notifier = ServiceNotifier()
    private let logger: Logger
    /// The sessions that run, for whoever cannot wait for its turn. Guarded by a mutex.
    private let running = Mutex<[EngineSession]>([])
    private let requests: AsyncStream<Request>
    let send: AsyncStream<Request>.Continuation

    /// Wires a daemon for `configuration`; nothing is dialed before ``run()``.
    ///
    /// `load` reads the files again for a reload; `level` is what a reload may change about the log.
    package convenience init(
        _ configuration: DaemonConfiguration,
        load: @escaping Load,
        hostnames: HostnameStore,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        level: LogLevelSwitch = LogLevelSwitch(.info)
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
        level: LogLevelSwitch = LogLevelSwitch(.info),
        adjust: @escaping @Sendable (inout ClientOptions) -> Void
    ) {
        initial = configuration
        self.load = load
        self.logger = logger
        self.level = level
        self.eventLoopGroup = eventLoopGroup
        let board = StatusBoard(notifier: notifier)
        streams = StreamTable(capacity: Self.capacity(configuration.limits))
        doors = AdminDoors(board: board, group: eventLoopGroup, logger: logger)
        parts = House.Parts(
            streams: streams,
            hostnames: hostnames,
            board: board,
            group: eventLoopGroup,
            logger: logger
        ) { context, limits in
            var options = ClientOptions(context, limits: limits)
            adjust(&options)
            return Client(options, eventLoopGroup: eventLoopGroup, logger: logger.about(context))
        }
        let (requests, send) = AsyncStream<Request>.makeStream()
        (self.requests, self.send) = (requests, send)
        vitals = Vitals(eventLoopGroup) { answer in send.yield(.sign(answer)) }
    }

    private static func capacity(_ limits: LimitSettings) -> Int {
        limits.streams > 0 ? limits.streams : FileDescriptors.streams(within: FileDescriptors.raiseLimit())
    }

    /// Reads the configuration again and makes it what runs; the log says what became of it.
    package func reload(_ reason: ReloadReason) { send.yield(.reload(reason)) }

    /// Opens the admin socket, and the port for metrics if there is one. Has to be done once, before ``run()``.
    ///
    /// `inherited` is a listening socket that takes the place of the configured one.
    /// Throws ``RstreamError`` with ``RstreamError/Code/listenerUnavailable`` for what cannot be had.
    package func open(inherited: CInt? = nil) async throws(RstreamError) {
        let router = AdminRouter(
            board: parts.board,
            streams: streams,
            metrics: MetricsPage(board: parts.board),
            level: level,
            daemon: self,
            logger: logger
        )
        doors.answer(with: router)
        do throws(RstreamError) {
            if let inherited { try await doors.open(inherited: inherited) }
            try await doors.open(initial)
        } catch {
            await doors.stop()
            await doors.run()
            throw error
        }
    }

    /// Serves until the service group shuts down gracefully.
    package func run() async {
        notifier.ready()
        logger.info(
            "started",
            metadata: [
                "version": "\(rstreamVersion)", "tunnels": "\(initial.tunnels.filter(\.isEnabled).count)",
            ]
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.trimHeap() }
            group.addTask { await self.watchNetwork() }
            group.addTask { await self.doors.run() }
            group.addTask {
                await self.vitals.watch(self.notifier, watchdog: Watchdog.timeout, logger: self.logger)
            }
            await serve()
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

    private func serve() async {
        let watcher = ConfigurationWatcher(on: eventLoopGroup.any(), logger: logger) { self.reload(.files) }
        await withDiscardingTaskGroup { group in
            var house = House(parts)
            var loaded = initial
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
                await handle(request, &house, &loaded, watcher, &group)
            }
            group.addTask { await self.declineRequests() }
            await stop(house)
            send.finish()
        }
        watcher.close()
    }

    /// Tells whoever asks too late, and still gives signs of life, until there are no requests any more.
    private func declineRequests() async {
        for await request in requests {
            switch request {
            case .asked(let request): request.stopping()
            case .sign(let answer): answer()
            case .reload, .networkChanged, .stop: break
            }
        }
    }

    private func handle(
        _ request: Request,
        _ house: inout House,
        _ loaded: inout DaemonConfiguration,
        _ watcher: ConfigurationWatcher,
        _ group: inout DiscardingTaskGroup
    ) async {
        switch request {
        case .reload(let reason): await reload(reason, &house, &loaded, watcher, &group)
        case .networkChanged(let what):
            logger.debug("the network changed", metadata: ["change": "\(what)"])
            for session in house.sessions { session.networkChanged() }
        case .asked(.reload(let dryRun, let reply)):
            if dryRun {
                reply.resume(returning: ReloadReply(await foresee(house, loaded), dryRun: true))
            } else {
                reply.resume(returning: await reload(.asked, &house, &loaded, watcher, &group))
            }
        case .asked(.change(let tunnel, let change, let reply)):
            reply.resume(returning: await self.change(tunnel, change, &house, &group))
        case .asked(.reconnect(let context, let reply)):
            let sessions = house.sessions.filter { $0.context == context }
            for session in sessions { session.renew() }
            reply.resume(returning: sessions.count)
        case .asked(.configuration(let reply)): reply.resume(returning: ConfigurationDocument(house.configuration))
        case .sign(let answer): answer()
        case .stop: break
        }
    }

    // MARK: Reload

    /// What a reload would find and do, with nothing done.
    private struct Judgement {
        var outcome: ReloadOutcome
        /// What is to run, unless it is refused.
        var next: DaemonConfiguration?
    }

    private func judge(_ house: House, _ loaded: DaemonConfiguration) -> Judgement {
        let result: LoadedConfiguration
        do throws(ConfigurationError) {
            result = try load()
        } catch {
            return Judgement(outcome: .refused(error.diagnostics))
        }
        let next = result.configuration
        let (plan, listeners) = (house.plan(next), house.listenerPlan(next))
        let isUnchanged = plan.isEmpty && listeners.changes.isEmpty && next.daemonSettings == loaded.daemonSettings
        let outcome: ReloadOutcome =
            isUnchanged ? .unchanged(result.warnings) : .applied(plan, listeners, result.warnings)
        return Judgement(outcome: outcome, next: next)
    }

    /// What a reload would do now.
    private func foresee(_ house: House, _ loaded: DaemonConfiguration) async -> ReloadOutcome {
        let judgement = judge(house, loaded)
        guard let next = judgement.next else { return judgement.outcome }
        do throws(RstreamError) {
            try await doors.check(next)
            return judgement.outcome
        } catch {
            return Self.refusal(error, next)
        }
    }

    /// What cannot be had is refused like what cannot be right.
    private static func refusal(_ error: RstreamError, _ next: DaemonConfiguration) -> ReloadOutcome {
        .refused([Diagnostic(file: next.files.first ?? "", message: error.what, hint: error.fix)])
    }

    @discardableResult
    private func reload(
        _ reason: ReloadReason,
        _ house: inout House,
        _ loaded: inout DaemonConfiguration,
        _ watcher: ConfigurationWatcher,
        _ group: inout DiscardingTaskGroup
    ) async -> ReloadReply {
        notifier.reloading()
        parts.board.daemonChanged(to: .reloading)
        watcher.refresh()
        let outcome = await reload(&house, &loaded, &group)
        var mistaken: [String] = []
        // What is complained about is where the mending will be seen.
        if case .refused(let diagnostics) = outcome { mistaken = Set(diagnostics.map(\.file)).sorted() }
        await watcher.follow(loaded, and: mistaken)
        parts.board.daemonChanged(to: .running)
        report(outcome, reason)
        notifier.ready()
        parts.board.tell()
        return ReloadReply(outcome, dryRun: false)
    }

    private func reload(
        _ house: inout House,
        _ loaded: inout DaemonConfiguration,
        _ group: inout DiscardingTaskGroup
    ) async -> ReloadOutcome {
        let judgement = judge(house, loaded)
        guard let next = judgement.next else { return judgement.outcome }
        do throws(RstreamError) {
            try await doors.open(next)
        } catch {
            return Self.refusal(error, next)
        }
        // Also when nothing changes that runs: disabled tunnels and unused contexts are shown as they are in the files.
        await carryOut(house.plan(next), house.listenerPlan(next), of: next, &house, &group)
        loaded = next
        streams.limit(to: Self.capacity(next.limits))
        level.set(next.log.level)
        // Whatever was refused or waits may have been mended by what was changed outside of the files.
        for session in house.sessions { session.retry() }
        return judgement.outcome
    }

    private func carryOut(
        _ plan: ReloadPlan,
        _ listeners: ListenerPlan,
        of next: DaemonConfiguration,
        drains: Bool = false,
        _ house: inout House,
        _ group: inout DiscardingTaskGroup
    ) async {
        let timeout = next.drain.timeout
        for (streams, fate) in await house.carryOut(plan, listeners, of: next, in: &group) {
            switch drains ? .drain : fate {
            case .keep: break
            case .cut: streams.cut()
            case .drain: group.addTask { await Self.drain(streams, within: timeout) }
            }
        }
        running.withLock { $0 = house.sessions }
    }

    /// What an operator wants of a tunnel until the next reload. Whether there is such a tunnel.
    private func change(
        _ name: String,
        _ change: Route.TunnelChange,
        _ house: inout House,
        _ group: inout DiscardingTaskGroup
    ) async -> Bool {
        var next = house.configuration
        guard let place = next.tunnels.firstIndex(where: { $0.name == name }) else { return false }
        next.tunnels[place].isEnabled = change == .enable
        let plan = house.plan(next)
        await carryOut(plan, house.listenerPlan(next), of: next, drains: change == .drain, &house, &group)
        return true
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
        parts.board.reloaded(ReloadReply(outcome, dryRun: false), outcome.message)
        switch outcome {
        case .unchanged(let warnings):
            for warning in warnings { logger.log(warning, at: .warning) }
            logger.info("reloaded, nothing changed", metadata: ["reason": "\(reason.rawValue)"])
        case .applied(let plan, let listeners, let warnings):
            for warning in warnings { logger.log(warning, at: .warning) }
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
            for diagnostic in diagnostics { logger.log(diagnostic, at: .error) }
            logger.error(
                "reload refused, keeping the running configuration",
                metadata: [
                    "reason": "\(reason.rawValue)", "errors": "\(diagnostics.count)",
                    LogKey.error: "\(outcome.message)",
                ]
            )
        }
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
        parts.board.daemonChanged(to: .stopping)
        let timeout = house.configuration.drain.timeout
        logger.info(
            "stopping, streams may end",
            metadata: [LogKey.streams: "\(streams.activeCount)", "timeout": "\(timeout.inSeconds)"]
        )
        notifier.extendTimeout(by: timeout + Self.stopPatience)
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

extension DaemonConfiguration {
    /// What is about the daemon as a whole; tunnels and listeners are compared one by one, by the plans.
    fileprivate var daemonSettings: Self {
        var settings = self
        (settings.tunnels, settings.listeners, settings.contexts, settings.files) = ([], [], [], [])
        return settings
    }
}
