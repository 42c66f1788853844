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
        /// Asks for ``timePassed(in:)``.
        let timePassed: @Sendable () -> Void
        let logger: Logger
    }

    var running: RunningConfiguration
    /// The last configuration of the files, without the changes of operators that ``running`` has.
    private var loaded = DaemonConfiguration()
    let dependencies: Dependencies
    /// The contexts without certificate verification that were logged.
    private var loggedUnchecked: Set<UncheckedContext> = []

    init(_ running: RunningConfiguration, _ dependencies: Dependencies) {
        (self.running, self.dependencies) = (running, dependencies)
    }

    /// Starts the first configuration.
    mutating func begin(with initial: DaemonConfiguration, in group: inout DiscardingTaskGroup) async {
        loaded = initial
        let wanted = await withAdoptedTunnels(initial)
        logUnchecked(wanted)
        let first = running.holding(wanted)
        running.restoreDisabled()
        await carryOut(running.plans(first), of: first, in: &group)
        // Those of the files have theirs from the start.
        if !running.tunnelsByHand.entries.isEmpty { shareDescriptors(first) }
        dependencies.adminListeners.startRetries(ReconnectPolicy(initial.reconnect))
        await dependencies.watcher.follow(initial)
        await dependencies.credentials.follow(wanted)
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
        case .operatorRequest(.change(let order, let reply)):
            reply.resume(returning: await change(order, in: &group))
        case .operatorRequest(.reconnect(let context, let reply)):
            let sessions = running.sessions(of: context)
            for session in sessions { session.renew() }
            reply.resume(returning: sessions.count)
        case .operatorRequest(.sessions(let context, let reply)):
            reply.resume(returning: running.sessions(of: context))
        case .operatorRequest(.configuration(let reply)):
            reply.resume(returning: ConfigurationDocument(running.configuration))
        case .servabilityChanged: await judge(in: &group)
        case .operatorRequest(.open(let request, let reply)):
            reply.resume(returning: await open(request, in: &group))
        case .operatorRequest(.close(let tunnel, let reply)):
            reply.resume(returning: await close(tunnel, in: &group))
        case .operatorRequest(.claim(let claim, let reply)):
            reply.resume(returning: await self.claim(claim, in: &group))
        case .operatorRequest(.tunnelFile(let tunnel, let reply)): reply.resume(returning: tunnelFile(tunnel))
        case .operatorRequest(.dialer(let context, let reply)): reply.resume(returning: running.dialer(context))
        case .connectionEnded(let connection): await connectionEnded(connection, in: &group)
        case .timePassed: await timePassed(in: &group)
        case .probe(let answer): answer()
        case .operatorRequest(.upgrade(let reply)): OperatorRequest.upgrade(reply).refuse()
        case .upgrade, .succession, .stop: break
        }
    }

    // MARK: Reload

    /// The outcome of a reload, before anything is changed.
    private struct Assessment {
        var outcome: ReloadOutcome
        /// The configuration of the files, and the one to run, unless it is refused.
        var files: DaemonConfiguration?
        var next: DaemonConfiguration?
        var plans: ReloadPlans?
        /// Tunnels by hand that end with it.
        var ends: [TunnelsByHand.End] = []
    }

    /// Why a setting of the files is not in force; nil if it is.
    private func obstacle(to key: ConfigurationKey, in next: DaemonConfiguration) async -> String? {
        switch key {
        case .logLevel: dependencies.level.overriddenBy
        case .logFormat: dependencies.format.overriddenBy
        case .adminSocket, .adminMode:
            dependencies.adminListeners.isInherited ? "systemd has opened the admin socket" : nil
        case .adminGroup: await access(next).isGroupUnknown ? Self.obstacle(toGroup: next.admin.group) : nil
        case .adminReadGroup: await access(next).isReadGroupUnknown ? next.admin.readGroup.map(Self.obstacle) : nil
        default: nil
        }
    }

    private func access(_ next: DaemonConfiguration) async -> AdminAccess {
        await dependencies.adminListeners.rules.access(for: next.admin)
    }

    private static func obstacle(toGroup name: String) -> String { "this host has no group \"\(name)\"" }

    private func assess() async -> Assessment {
        let result: LoadedConfiguration
        switch await dependencies.loader.load() {
        case .success(let loaded): result = loaded
        case .failure(let error): return Assessment(outcome: .refused(error.diagnostics))
        case nil:
            let file = loaded.files.first ?? ""
            return Assessment(outcome: .refused([Diagnostic(file: file, message: "the daemon is stopping")]))
        }
        let files = result.configuration
        let (wanted, ends) = withTunnelsByHand(files)
        let next = running.judged(running.holding(wanted))
        let plans = running.plans(next)
        var settings: [SettingChange] = []
        for key in next.changedSettings(from: loaded) {
            settings.append(SettingChange(key, obstacle: await obstacle(to: key, in: next)))
        }
        let isUnchanged = plans.isEmpty && settings.isEmpty
        let outcome: ReloadOutcome =
            isUnchanged ? .unchanged(result.warnings) : .applied(plans, settings, result.warnings)
        return Assessment(outcome: outcome, files: files, next: next, plans: plans, ends: ends)
    }

    /// Returns the outcome that a reload would have now.
    private func dryRun() async -> ReloadOutcome {
        let assessment = await assess()
        guard let next = assessment.next, let plans = assessment.plans else { return assessment.outcome }
        do throws(RstreamError) {
            try await dependencies.adminListeners.check(next, running.deferrablePorts(plans.listeners))
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
        await dependencies.credentials.follow(running.configuration)
        dependencies.statusStore.daemonChanged(to: .running)
        dependencies.statusStore.reloaded(ReloadReply(outcome, dryRun: false, for: .anyone), outcome.message)
        outcome.log(reason, to: dependencies.logger)
        dependencies.notifier.ready()
        dependencies.statusStore.resendStatusLine()
        return outcome
    }

    private mutating func reload(in group: inout DiscardingTaskGroup) async -> ReloadOutcome {
        let assessment = await assess()
        guard let next = assessment.next, let files = assessment.files, let plans = assessment.plans else {
            return assessment.outcome
        }
        do throws(RstreamError) {
            try await dependencies.adminListeners.open(next, running.deferrablePorts(plans.listeners))
        } catch {
            return Self.refusal(error, next)
        }
        logUnchecked(next)
        let before = loaded
        // Also where the plans are empty: the status shows disabled tunnels and unused contexts as they are in the
        // files.
        running.restoreDisabled()
        await carryOut(plans, of: next, in: &group)
        loaded = files
        forget(assessment.ends)
        shareDescriptors(next)
        // A port may be at an address that a listener has just given up.
        dependencies.adminListeners.startRetries(ReconnectPolicy(next.reconnect))
        if let shortage = dependencies.shares.shortage(for: next) {
            dependencies.logger.warning("stream limit reduced", metadata: ["reason": "\(shortage)"])
        }
        dependencies.level.set(next.log.level)
        dependencies.format.set(next.log.format)
        dependencies.streams.tellEnds(next.log.streams)
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

    /// Shares the descriptors out anew, for the contexts, listeners and checks of `next`.
    func shareDescriptors(_ next: DaemonConfiguration) {
        let budget = dependencies.shares.budget(for: next)
        dependencies.streams.limit(to: budget.streams)
        dependencies.adminListeners.limit(clients: budget.adminClients)
    }

    mutating func carryOut(
        _ plans: ReloadPlans,
        of next: DaemonConfiguration,
        drains: Bool = false,
        isTemporary: Bool = false,
        in group: inout DiscardingTaskGroup
    ) async {
        let stopped = await running.stopListeners(plans.listeners)
        let changed = await running.carryOut(plans, of: next, drains: drains, in: &group)
        for replaced in stopped + changed {
            switch replaced.disposition {
            case .keep: break
            case .cut: replaced.streams.cut()
            case .drain: drain(replaced, within: next.drain.timeout, isTemporary: isTemporary, in: &group)
            }
        }
    }

    /// Applies an operator's change. Returns what happens to the streams of each tunnel that is concerned.
    private mutating func change(
        _ order: TunnelChangeOrder,
        in group: inout DiscardingTaskGroup
    ) async -> [StreamOutlook] {
        let next = running.change(order, loaded)
        guard !next.tunnels.isEmpty else { return [] }
        if order.change == .enable { for name in next.tunnels { cancelDrains(of: name) } }
        let configuration = running.judged(next.configuration)
        let plans = running.plans(configuration)
        await carryOut(plans, of: configuration, drains: order.change == .drain, isTemporary: true, in: &group)
        if order.change == .drain { drainRest(of: next.tunnels, within: configuration.drain.timeout, in: &group) }
        let planned = Dictionary(plans.tunnels.changes.map { ($0.tunnel, $0) }) { first, _ in first }
        let ends = running.ends(loaded)
        return next.tunnels.map { name in
            let until = ends[name]
            if let drain = dependencies.statusStore.drain(of: .tunnel(name)) {
                return StreamOutlook(
                    tunnel: name,
                    until: until,
                    streams: drain.count,
                    disposition: .drain,
                    cutAt: drain.cutAt
                )
            }
            // Cut streams may have ended by now, so the plan has their number.
            let disposition = planned[name]?.disposition ?? .keep
            let streams =
                disposition == .keep ? running.ledger(.tunnel(name)).activeCount : planned[name]?.streams ?? 0
            return StreamOutlook(tunnel: name, until: until, streams: streams, disposition: disposition, cutAt: nil)
        }
    }

    /// Drains the streams that tunnels closed before have kept: what an operator drains does not depend on what came
    /// before it. The streams of a running drain have their time already.
    private func drainRest(of tunnels: [String], within timeout: Duration, in group: inout DiscardingTaskGroup) {
        for owner in tunnels.map(StreamOwner.tunnel) where dependencies.statusStore.drain(of: owner) == nil {
            let rest = RunningConfiguration.ReplacedStreams(
                owner: owner,
                streams: running.ledger(owner).retire(),
                disposition: .drain
            )
            drain(rest, within: timeout, isTemporary: true, in: &group)
        }
    }

    private func drain(
        _ replaced: RunningConfiguration.ReplacedStreams,
        within timeout: Duration,
        isTemporary: Bool,
        in group: inout DiscardingTaskGroup
    ) {
        guard replaced.streams.count > 0 else { return }
        let drain = StreamDrain(
            replaced.streams,
            of: replaced.owner,
            isTemporary: isTemporary,
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

    /// Closes tunnels that have no healthy upstream, and opens those again that have one. Open streams may end.
    private mutating func judge(in group: inout DiscardingTaskGroup) async {
        let before = running.configuration
        let next = running.judged(before)
        let changed = zip(before.tunnels, next.tunnels).filter { $0.isSuspended != $1.isSuspended }.map(\.1)
        guard !changed.isEmpty else { return }
        for tunnel in changed {
            let facts: Logger.Metadata = [LogKey.tunnel: "\(tunnel.name)"]
            if tunnel.isSuspended {
                dependencies.logger.warning("no upstream is healthy, closing tunnel", metadata: facts)
            } else {
                dependencies.logger.notice("an upstream is healthy, opening tunnel", metadata: facts)
                cancelDrains(of: tunnel.name)
            }
        }
        await carryOut(running.plans(next), of: next, drains: true, isTemporary: true, in: &group)
    }

    /// Cancels the drains that an operator or a health check has begun: opening a tunnel again keeps its streams.
    /// Drains of a reload go on.
    private func cancelDrains(of name: String) {
        let drains = dependencies.statusStore.drains(of: .tunnel(name)).filter(\.isTemporary)
        for drain in drains {
            let streams = drain.cancel()
            dependencies.statusStore.drainEnded(drain)
            let facts: Logger.Metadata = [LogKey.tunnel: "\(name)", LogKey.streams: .stringConvertible(streams)]
            dependencies.logger.notice("drain cancelled", metadata: facts)
        }
    }
}
