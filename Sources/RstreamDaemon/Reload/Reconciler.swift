internal import Logging
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import Systemd

/// Brings what runs in line with what is wanted: by the files, and by operators until the next reload.
///
/// Its guard is the one task of ``Daemon`` that takes requests, so a reload is over before the next one begins. Tasks of
/// what it starts are children of the group that is handed in.
struct Reconciler {
    /// What it works with.
    struct Parts {
        let load: Daemon.Load
        let doors: AdminDoors
        let watcher: ConfigurationWatcher
        let streams: StreamTable
        let level: LogLevelSwitch
        let notifier: ServiceNotifier
        let board: StatusBoard
        let logger: Logger
    }

    private(set) var house: House
    /// As the files had it last; operators' wishes are in the house only.
    private var loaded = DaemonConfiguration()
    private let parts: Parts

    /// Nothing runs before ``begin(with:in:)``.
    init(_ house: House, _ parts: Parts) {
        (self.house, self.parts) = (house, parts)
    }

    /// Starts what the first configuration wants.
    mutating func begin(with initial: DaemonConfiguration, in group: inout DiscardingTaskGroup) async {
        loaded = initial
        await carryOut(house.plan(initial), house.listenerPlan(initial), of: initial, in: &group)
        await parts.watcher.follow(initial)
    }

    /// Does what is asked, to its end.
    mutating func take(_ request: Daemon.Request, in group: inout DiscardingTaskGroup) async {
        switch request {
        case .reload(let reason): await reload(reason, in: &group)
        case .networkChanged(let what):
            parts.logger.debug("the network changed", metadata: ["change": "\(what)"])
            for session in house.sessions { session.networkChanged() }
        case .asked(.reload(let dryRun, let reply)):
            reply.resume(
                returning: dryRun
                    ? ReloadReply(await foresee(), dryRun: true) : await reload(.asked, in: &group)
            )
        case .asked(.change(let tunnel, let change, let reply)):
            reply.resume(returning: await self.change(tunnel, change, in: &group))
        case .asked(.reconnect(let context, let reply)):
            let sessions = house.sessions(of: context)
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

    private func judge() -> Judgement {
        let result: LoadedConfiguration
        do throws(ConfigurationError) {
            result = try parts.load()
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
    private func foresee() async -> ReloadOutcome {
        let judgement = judge()
        guard let next = judgement.next else { return judgement.outcome }
        do throws(RstreamError) {
            try await parts.doors.check(next)
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
    private mutating func reload(_ reason: ReloadReason, in group: inout DiscardingTaskGroup) async -> ReloadReply {
        parts.notifier.reloading()
        parts.board.daemonChanged(to: .reloading)
        parts.watcher.refresh()
        let outcome = await reload(in: &group)
        var mistaken: [String] = []
        // What is complained about is where the mending will be seen.
        if case .refused(let diagnostics) = outcome { mistaken = Set(diagnostics.map(\.file)).sorted() }
        await parts.watcher.follow(loaded, and: mistaken)
        parts.board.daemonChanged(to: .running)
        let reply = ReloadReply(outcome, dryRun: false)
        parts.board.reloaded(reply, outcome.message)
        outcome.log(reason, to: parts.logger)
        parts.notifier.ready()
        parts.board.tell()
        return reply
    }

    private mutating func reload(in group: inout DiscardingTaskGroup) async -> ReloadOutcome {
        let judgement = judge()
        guard let next = judgement.next else { return judgement.outcome }
        do throws(RstreamError) {
            try await parts.doors.open(next)
        } catch {
            return Self.refusal(error, next)
        }
        // Also when nothing changes that runs: disabled tunnels and unused contexts are shown as they are in the files.
        await carryOut(house.plan(next), house.listenerPlan(next), of: next, in: &group)
        loaded = next
        parts.streams.limit(to: next.limits.streamCapacity())
        parts.level.set(next.log.level)
        // Whatever was refused or waits may have been mended by what was changed outside of the files.
        for session in house.sessions { session.retry() }
        return judgement.outcome
    }

    // MARK: Carrying out

    private mutating func carryOut(
        _ plan: ReloadPlan,
        _ listeners: ListenerPlan,
        of next: DaemonConfiguration,
        drains: Bool = false,
        in group: inout DiscardingTaskGroup
    ) async {
        let timeout = next.drain.timeout
        for (streams, fate) in await house.carryOut(plan, listeners, of: next, in: &group) {
            switch drains ? .drain : fate {
            case .keep: break
            case .cut: streams.cut()
            case .drain: group.addTask { await Self.drain(streams, within: timeout) }
            }
        }
    }

    /// What an operator wants of a tunnel until the next reload. Whether there is such a tunnel.
    private mutating func change(
        _ name: String,
        _ change: Route.TunnelChange,
        in group: inout DiscardingTaskGroup
    ) async -> Bool {
        var next = house.configuration
        guard let place = next.tunnels.firstIndex(where: { $0.name == name }) else { return false }
        next.tunnels[place].isEnabled = change == .enable
        let plan = house.plan(next)
        await carryOut(plan, house.listenerPlan(next), of: next, drains: change == .drain, in: &group)
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
}

extension DaemonConfiguration {
    /// What is about the daemon as a whole; tunnels and listeners are compared one by one, by the plans.
    fileprivate var daemonSettings: Self {
        var settings = self
        (settings.tunnels, settings.listeners, settings.contexts, settings.files) = ([], [], [], [])
        return settings
    }
}
