// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay
internal import Systemd

/// Reconciles what runs with the configuration: that of the files, and changes of operators until the next reload.
///
/// Confined to the request loop of ``Daemon``, so a reload is over before the next one begins. Tasks that it starts are
/// children of the group that is passed in.
struct Reconciler {
    struct Dependencies {
        let loader: ReloadLoader
        let adminListeners: AdminListeners
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
    /// The last configuration of the files, without the changes of operators that ``running`` has.
    private var loaded = DaemonConfiguration()
    private let dependencies: Dependencies
    /// The contexts without certificate verification that were logged.
    private var loggedUnchecked: Set<UncheckedContext> = []

    init(_ running: RunningConfiguration, _ dependencies: Dependencies) {
        (self.running, self.dependencies) = (running, dependencies)
    }

    /// Starts the first configuration.
    mutating func begin(with initial: DaemonConfiguration, in group: inout DiscardingTaskGroup) async {
        loaded = initial
        logUnchecked(initial)
        await carryOut(running.plans(initial), of: initial, in: &group)
        dependencies.adminListeners.startRetry(ReconnectPolicy(initial.reconnect))
        await dependencies.watcher.follow(initial)
        await dependencies.credentials.follow(initial)
    }

    /// Carries out a request completely.
    mutating func take(_ request: Daemon.Request, in group: inout DiscardingTaskGroup) async {
        switch request {
        case .reload(let reason): await reload(reason, in: &group)
        case .networkChanged(let what):
            dependencies.logger.debug("network changed", metadata: ["change": "\(what)"])
            for session in running.sessions { session.networkChanged() }
        case .filesChanged(let files):
            for session in running.sessions(using: files) { session.filesChanged() }
        case .operatorRequest(.reload(let isDryRun, let reply)):
            reply.resume(returning: isDryRun ? await dryRun() : await reload(.asked, in: &group))
        case .operatorRequest(.change(let tunnel, let change, let reply)):
            reply.resume(returning: await self.change(tunnel, change, in: &group))
        case .operatorRequest(.reconnect(let context, let reply)):
            let sessions = running.sessions(of: context)
            for session in sessions { session.renew() }
            reply.resume(returning: sessions.count)
        case .operatorRequest(.configuration(let reply)):
            reply.resume(returning: ConfigurationDocument(running.configuration))
        case .probe(let answer): answer()
        case .stop: break
        }
    }

    // MARK: Reload

    /// The outcome of a reload, before anything is changed.
    private struct Assessment {
        var outcome: ReloadOutcome
        /// The configuration to run, unless it is refused.
        var next: DaemonConfiguration?
        var plans: ReloadPlans?
    }

    /// Why a setting of the files is not in force; nil if it is.
    private func obstacle(to key: ConfigurationKey) -> String? {
        switch key {
        case .logLevel: dependencies.level.overriddenBy
        case .logFormat: dependencies.format.overriddenBy
        case .adminSocket, .adminGroup, .adminMode:
            dependencies.adminListeners.isInherited && key != .adminGroup ? "systemd has opened the admin socket" : nil
        default: nil
        }
    }

    private func assess() async -> Assessment {
        let result: LoadedConfiguration
        switch await dependencies.loader.load() {
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

    /// Returns the outcome that a reload would have now.
    private func dryRun() async -> ReloadOutcome {
        let assessment = await assess()
        guard let next = assessment.next, let plans = assessment.plans else { return assessment.outcome }
        do throws(RstreamError) {
            try await dependencies.adminListeners.check(next, running.deferrableMetrics(plans.listeners))
            return assessment.outcome
        } catch {
            return Self.refusal(error, next)
        }
    }

    /// The outcome where an address is not available: the same as for a configuration with errors.
    private static func refusal(_ error: RstreamError, _ next: DaemonConfiguration) -> ReloadOutcome {
        .refused([Diagnostic(file: next.files.first ?? "", message: error.what, hint: error.fix)])
    }

    @discardableResult
    private mutating func reload(_ reason: ReloadReason, in group: inout DiscardingTaskGroup) async -> ReloadOutcome {
        dependencies.notifier.reloading()
        dependencies.statusStore.daemonChanged(to: .reloading)
        await dependencies.watcher.refresh()
        let outcome = await reload(in: &group)
        var faulty: [String] = []
        // The operator will correct the files with errors, also those that are not part of the running configuration.
        if case .refused(let diagnostics) = outcome { faulty = Set(diagnostics.map(\.file)).sorted() }
        await dependencies.watcher.follow(loaded, and: faulty)
        await dependencies.credentials.follow(loaded)
        dependencies.statusStore.daemonChanged(to: .running)
        dependencies.statusStore.reloaded(ReloadReply(outcome, dryRun: false, for: .anyone), outcome.message)
        outcome.log(reason, to: dependencies.logger)
        dependencies.notifier.ready()
        dependencies.statusStore.resendStatusLine()
        return outcome
    }

    private mutating func reload(in group: inout DiscardingTaskGroup) async -> ReloadOutcome {
        let assessment = await assess()
        guard let next = assessment.next, let plans = assessment.plans else { return assessment.outcome }
        do throws(RstreamError) {
            try await dependencies.adminListeners.open(next, running.deferrableMetrics(plans.listeners))
        } catch {
            return Self.refusal(error, next)
        }
        logUnchecked(next)
        let before = loaded
        // Also where the plans are empty: the status shows disabled tunnels and unused contexts as they are in the
        // files.
        await carryOut(plans, of: next, in: &group)
        loaded = next
        let budget = dependencies.shares.budget(for: next)
        dependencies.streams.limit(to: budget.streams)
        dependencies.adminListeners.limit(clients: budget.adminClients)
        // Metrics may be at an address that a listener has just given up.
        dependencies.adminListeners.startRetry(ReconnectPolicy(next.reconnect))
        if let shortage = dependencies.shares.shortage(for: next) {
            dependencies.logger.warning("stream limit reduced", metadata: ["reason": "\(shortage)"])
        }
        dependencies.level.set(next.log.level)
        dependencies.format.set(next.log.format)
        if next.debug.coreDumps != before.debug.coreDumps { try? CoreDump.set(isPermitted: next.debug.coreDumps) }
        // The cause of a failure may have been fixed outside of the files.
        for session in running.sessions { session.retry() }
        return assessment.outcome
    }

    /// Logs each context that does not verify certificates once.
    private mutating func logUnchecked(_ next: DaemonConfiguration) {
        let unchecked = next.uncheckedContexts
        for context in unchecked where !loggedUnchecked.contains(context) { context.log(to: dependencies.logger) }
        loggedUnchecked = Set(unchecked)
    }

    // MARK: Carrying out

    private mutating func carryOut(
        _ plans: ReloadPlans,
        of next: DaemonConfiguration,
        operatorChange: Route.TunnelChange? = nil,
        in group: inout DiscardingTaskGroup
    ) async {
        let stopped = await running.stopListeners(plans.listeners)
        let changed = await running.carryOut(plans, of: next, drains: operatorChange == .drain, in: &group)
        for replaced in stopped + changed {
            switch replaced.disposition {
            case .keep: break
            case .cut: replaced.streams.cut()
            case .drain: drain(replaced, within: next.drain.timeout, isOperators: operatorChange != nil, in: &group)
            }
        }
    }

    /// Applies an operator's change to a tunnel, which lasts until the next reload. Returns what happens to the
    /// tunnel's streams; nil when there is no such tunnel.
    private mutating func change(
        _ name: String,
        _ change: Route.TunnelChange,
        in group: inout DiscardingTaskGroup
    ) async -> StreamOutlook? {
        var next = running.configuration
        guard let index = next.tunnels.firstIndex(where: { $0.name == name }) else { return nil }
        next.tunnels[index].isEnabled = change == .enable
        if change == .enable { cancelDrains(of: name) }
        let plans = running.plans(next)
        await carryOut(plans, of: next, operatorChange: change, in: &group)
        let drain = dependencies.statusStore.drain(of: .tunnel(name))
        let planned = plans.tunnels.changes.first { $0.tunnel == name }
        if let drain { return StreamOutlook(streams: drain.count, disposition: .drain, cutAt: drain.cutAt) }
        // Cut streams may have ended by now, so the plan has their number.
        let disposition = planned?.disposition ?? .keep
        let streams = disposition == .keep ? running.ledger(.tunnel(name)).activeCount : planned?.streams ?? 0
        return StreamOutlook(streams: streams, disposition: disposition, cutAt: nil)
    }

    private func drain(
        _ replaced: RunningConfiguration.ReplacedStreams,
        within timeout: Duration,
        isOperators: Bool,
        in group: inout DiscardingTaskGroup
    ) {
        guard replaced.streams.count > 0 else { return }
        let drain = StreamDrain(
            replaced.streams,
            of: replaced.owner,
            isOperators: isOperators,
            within: timeout,
            logger: dependencies.logger
        )
        let statusStore = dependencies.statusStore
        statusStore.drainBegan(drain)
        group.addTask {
            await drain.waitUntilOver()
            statusStore.drainEnded(drain)
        }
    }

    /// Cancels the drains that an operator has begun: enabling a tunnel keeps its streams. Drains of a reload go on.
    private func cancelDrains(of name: String) {
        let drains = dependencies.statusStore.drains(of: .tunnel(name)).filter(\.isOperators)
        for drain in drains {
            let streams = drain.cancel()
            dependencies.statusStore.drainEnded(drain)
            let facts: Logger.Metadata = [LogKey.tunnel: "\(name)", LogKey.streams: .stringConvertible(streams)]
            dependencies.logger.notice("drain cancelled", metadata: facts)
        }
    }
}
