internal import Linux
internal import Logging
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay
internal import Systemd

/// Brings what runs in line with what is wanted: by the files, and by operators until the next reload.
///
/// Its guard is the one task of ``Daemon`` that takes requests, so a reload is over before the next one begins. Tasks of
/// what it starts are children of the group that is handed in.
struct Reconciler {
    /// What it works with.
    struct Dependencies {
        let loading: ConfigurationLoading
        let doors: AdminListeners
        let shares: DescriptorShares
        let watcher: ConfigurationWatcher
        let credentials: CredentialWatcher
        let streams: StreamTable
        let level: LogLevelSwitch
        let format: LogFormatSwitch
        let notifier: ServiceNotifier
        let statusStore: StatusStore
        let logger: Logger
    }

    private(set) var running: RunningConfiguration
    /// As the files had it last; operators' wishes are in what runs only.
    private var loaded = DaemonConfiguration()
    private let parts: Dependencies
    /// What was said about contexts that do not check certificates.
    private var told: Set<UncheckedContext> = []

    /// Nothing runs before ``begin(with:in:)``.
    init(_ running: RunningConfiguration, _ parts: Dependencies) {
        (self.running, self.parts) = (running, parts)
    }

    /// Starts what the first configuration wants.
    mutating func begin(with initial: DaemonConfiguration, in group: inout DiscardingTaskGroup) async {
        loaded = initial
        warnOfUnchecked(initial)
        await carryOut(running.plans(initial), of: initial, in: &group)
        parts.doors.openWaiting(ReconnectPolicy(initial.reconnect))
        await parts.watcher.follow(initial)
        await parts.credentials.follow(initial)
    }

    /// Does what is asked, to its end.
    mutating func take(_ request: Daemon.Request, in group: inout DiscardingTaskGroup) async {
        switch request {
        case .reload(let reason): await reload(reason, in: &group)
        case .networkChanged(let what):
            parts.logger.debug("network changed", metadata: ["change": "\(what)"])
            for session in running.sessions { session.networkChanged() }
        case .filesChanged(let files):
            for session in running.sessions(showing: files) { session.filesChanged() }
        case .asked(.reload(let dryRun, let reply)):
            reply.resume(returning: dryRun ? await foresee() : await reload(.asked, in: &group))
        case .asked(.change(let tunnel, let change, let reply)):
            reply.resume(returning: await self.change(tunnel, change, in: &group))
        case .asked(.reconnect(let context, let reply)):
            let sessions = running.sessions(of: context)
            for session in sessions { session.renew() }
            reply.resume(returning: sessions.count)
        case .asked(.configuration(let reply)): reply.resume(returning: ConfigurationDocument(running.configuration))
        case .sign(let answer): answer()
        case .stop: break
        }
    }

    // MARK: Reload

    /// What a reload would find and do, with nothing done.
    private struct Assessment {
        var outcome: ReloadOutcome
        /// What is to run, unless it is refused.
        var next: DaemonConfiguration?
        /// What is to be done for that.
        var plans: ReloadPlans?
    }

    /// What keeps a setting of the files from being in force.
    private func obstacle(to key: ConfigurationKey) -> String? {
        switch key {
        case .logLevel: parts.level.overruler
        case .logFormat: parts.format.overruler
        case .adminSocket, .adminGroup, .adminMode:
            parts.doors.isInherited && key != .adminGroup ? "systemd has opened the admin socket" : nil
        default: nil
        }
    }

    private func judge() async -> Assessment {
        let result: LoadedConfiguration
        switch await parts.loading.run() {
        case .success(let loaded): result = loaded
        case .failure(let error): return Assessment(outcome: .refused(error.diagnostics))
        case nil:
            let file = loaded.files.first ?? ""
            return Assessment(outcome: .refused([Diagnostic(file: file, message: "the daemon is stopping")]))
        }
        let next = result.configuration
        let plans = running.plans(next)
        let settings = next.changedSettings(from: loaded).map { SettingChange($0, obstacle: obstacle(to: $0)) }
        let isUnchanged = plans.isEmpty && settings.isEmpty
        let outcome: ReloadOutcome =
            isUnchanged ? .unchanged(result.warnings) : .applied(plans, settings, result.warnings)
        return Assessment(outcome: outcome, next: next, plans: plans)
    }

    /// What a reload would do now.
    private func foresee() async -> ReloadOutcome {
        let judgement = await judge()
        guard let next = judgement.next, let plans = judgement.plans else { return judgement.outcome }
        do throws(RstreamError) {
            try await parts.doors.check(next, running.patience(plans.listeners))
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
    private mutating func reload(_ reason: ReloadReason, in group: inout DiscardingTaskGroup) async -> ReloadOutcome {
        parts.notifier.reloading()
        parts.statusStore.daemonChanged(to: .reloading)
        await parts.watcher.refresh()
        let outcome = await reload(in: &group)
        var mistaken: [String] = []
        // What is complained about is where the mending will be seen.
        if case .refused(let diagnostics) = outcome { mistaken = Set(diagnostics.map(\.file)).sorted() }
        await parts.watcher.follow(loaded, and: mistaken)
        await parts.credentials.follow(loaded)
        parts.statusStore.daemonChanged(to: .running)
        parts.statusStore.reloaded(ReloadReply(outcome, dryRun: false, for: .anybody), outcome.message)
        outcome.log(reason, to: parts.logger)
        parts.notifier.ready()
        parts.statusStore.tell()
        return outcome
    }

    private mutating func reload(in group: inout DiscardingTaskGroup) async -> ReloadOutcome {
        let judgement = await judge()
        guard let next = judgement.next, let plans = judgement.plans else { return judgement.outcome }
        do throws(RstreamError) {
            try await parts.doors.open(next, running.patience(plans.listeners))
        } catch {
            return Self.refusal(error, next)
        }
        warnOfUnchecked(next)
        let before = loaded
        // Also when nothing changes that runs: disabled tunnels and unused contexts are shown as they are in the files.
        await carryOut(plans, of: next, in: &group)
        loaded = next
        let budget = parts.shares.budget(for: next)
        parts.streams.limit(to: budget.streams)
        parts.doors.limit(clients: budget.adminClients)
        // What a listener has given up may be where metrics are wanted.
        parts.doors.openWaiting(ReconnectPolicy(next.reconnect))
        if let complaint = parts.shares.complaint(about: next) {
            parts.logger.warning("stream limit reduced", metadata: ["reason": "\(complaint)"])
        }
        parts.level.set(next.log.level)
        parts.format.set(next.log.format)
        if next.debug.coreDumps != before.debug.coreDumps { try? CoreDump.set(isPermitted: next.debug.coreDumps) }
        // Whatever was refused or waits may have been mended by what was changed outside of the files.
        for session in running.sessions { session.retry() }
        return judgement.outcome
    }

    /// Says which contexts do not check certificates, each once.
    private mutating func warnOfUnchecked(_ next: DaemonConfiguration) {
        let unchecked = next.uncheckedContexts
        for context in unchecked where !told.contains(context) { context.log(to: parts.logger) }
        told = Set(unchecked)
    }

    // MARK: Carrying out

    private mutating func carryOut(
        _ plans: ReloadPlans,
        of next: DaemonConfiguration,
        asked: Route.TunnelChange? = nil,
        in group: inout DiscardingTaskGroup
    ) async {
        let retired = await running.stopListeners(plans.listeners)
        let changed = await running.carryOut(plans, of: next, drains: asked == .drain, in: &group)
        for retirement in retired + changed {
            switch retirement.disposition {
            case .keep: break
            case .cut: retirement.streams.cut()
            case .drain: drain(retirement, within: next.drain.timeout, isOperators: asked != nil, in: &group)
            }
        }
    }

    /// What an operator wants of a tunnel until the next reload, and what becomes of its streams; nil when there is no such
    /// tunnel.
    private mutating func change(
        _ name: String,
        _ change: Route.TunnelChange,
        in group: inout DiscardingTaskGroup
    ) async -> StreamProspect? {
        var next = running.configuration
        guard let place = next.tunnels.firstIndex(where: { $0.name == name }) else { return nil }
        next.tunnels[place].isEnabled = change == .enable
        if change == .enable { endDrains(of: name) }
        let plans = running.plans(next)
        await carryOut(plans, of: next, asked: change, in: &group)
        let drain = parts.statusStore.drain(of: .tunnel(name))
        let planned = plans.tunnels.changes.first { $0.tunnel == name }
        if let drain { return StreamProspect(streams: drain.count, disposition: .drain, cutAt: drain.cutAt) }
        // What is cut may be gone by now.
        let disposition = planned?.disposition ?? .keep
        let streams = disposition == .keep ? running.ledger(.tunnel(name)).activeCount : planned?.streams ?? 0
        return StreamProspect(streams: streams, disposition: disposition, cutAt: nil)
    }

    private func drain(
        _ retirement: RunningConfiguration.ReplacedStreams,
        within timeout: Duration,
        isOperators: Bool,
        in group: inout DiscardingTaskGroup
    ) {
        guard retirement.streams.count > 0 else { return }
        let drain = StreamDrain(
            retirement.streams,
            of: retirement.owner,
            isOperators: isOperators,
            within: timeout,
            logger: parts.logger
        )
        let statusStore = parts.statusStore
        statusStore.drainBegan(drain)
        group.addTask {
            await drain.waitUntilOver()
            statusStore.drainEnded(drain)
        }
    }

    /// Who opens a tunnel again wants its streams too. What a file wants of them stays.
    private func endDrains(of name: String) {
        let drains = parts.statusStore.drains(of: .tunnel(name)).filter(\.isOperators)
        for drain in drains {
            let streams = drain.end()
            parts.statusStore.drainEnded(drain)
            let facts: Logger.Metadata = [LogKey.tunnel: "\(name)", LogKey.streams: .stringConvertible(streams)]
            parts.logger.notice("drain cancelled", metadata: facts)
        }
    }
}
