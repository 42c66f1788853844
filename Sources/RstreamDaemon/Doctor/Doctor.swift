// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel

/// Examines everything between the configuration and a visitor's page, in the order in which it is needed, and says of
/// each step what is wrong and what to do.
///
/// It works without a daemon, and calls one that runs; with `--deep` that sends streams through its engines. It connects to what the daemon connects to: engines, through
/// their proxies, and the upstreams of enabled tunnels, which see a short connection. While no daemon runs, the
/// addresses that it would listen on are bound for a moment.
struct Doctor: Sendable {
    private let file: String
    private let loader: ConfigurationLoader
    private let daemon: AdminClient
    /// What is examined only where that is asked for.
    private let canary: CanaryExamination?

    /// A doctor for the configuration at `file` and the daemon behind `daemon`.
    init(file: String, environment: [String: String], daemon: AdminClient, canary: CanaryExamination? = nil) {
        self.file = file
        self.canary = canary
        loader = ConfigurationLoader(environment: environment, rule: .checking)
        self.daemon = daemon
    }

    /// Calls `tell` with each finding as soon as it is there. Returns whether none is a failure.
    @discardableResult
    func examine(_ tell: @escaping (Finding) async -> Void) async -> Bool {
        var isHealthy = true
        let report: (Finding) async -> Void = { finding in
            if finding.verdict == .fail { isHealthy = false }
            await tell(finding)
        }
        let configuration = await examineConfiguration(report)
        if let configuration {
            for context in Self.contexts(of: configuration) {
                await EngineExamination(context).run(report)
            }
        } else {
            await report(Finding("engine", .skip, "needs a configuration without errors"))
        }
        let daemon = await examineDaemon(configuration, report)
        if let configuration {
            await PlaceExamination(configuration, daemon: daemon).run(report)
            await UpstreamExamination(configuration).run(report)
        }
        await HostExamination(configuration: configuration, daemon: daemon).run(report)
        return isHealthy
    }

    /// Contexts that an enabled tunnel or a listener uses, each engine identity once.
    private static func contexts(of configuration: DaemonConfiguration) -> [ContextDefinition] {
        var seen: Set<EngineIdentity> = []
        let used =
            configuration.tunnels.filter(\.isEnabled).map(\.context) + configuration.listeners.map(\.context)
        return used.filter { seen.insert($0.identity).inserted }
    }

    // MARK: The configuration

    private func examineConfiguration(_ report: (Finding) async -> Void) async -> DaemonConfiguration? {
        do throws(ConfigurationError) {
            let loaded = try loader.load(file)
            for warning in loaded.warnings { await report(Self.finding(.warn, warning)) }
            let configuration = loaded.configuration
            let enabled = configuration.tunnels.count { $0.isEnabled }
            let detail =
                "files: \(configuration.files.count), tunnels: \(configuration.tunnels.count), enabled: \(enabled), "
                + "listeners: \(configuration.listeners.count)"
            await report(Finding("config", .ok, of: file, detail))
            return configuration
        } catch {
            for diagnostic in error.diagnostics {
                await report(Self.finding(diagnostic.severity == .error ? .fail : .warn, diagnostic))
            }
            if error.kind == .notPermitted, getuid() != 0 {
                let what = "this user may not read what the daemon reads"
                await report(Finding("config", .skip, what, fix: "use sudo: the configuration may be right"))
            }
            return nil
        }
    }

    private static func finding(_ verdict: Finding.Verdict, _ diagnostic: Diagnostic) -> Finding {
        let place = diagnostic.line > 0 ? ":\(diagnostic.line):\(diagnostic.column)" : ""
        return Finding("config", verdict, of: diagnostic.file + place, diagnostic.message, fix: diagnostic.hint)
    }

    // MARK: The daemon and its tunnels

    private func examineDaemon(
        _ configuration: DaemonConfiguration?,
        _ report: (Finding) async -> Void
    ) async -> DaemonPresence {
        let status: DaemonStatus
        do throws(AdminClientError) {
            status = try await daemon.call(.status, as: DaemonStatus.self)
        } catch {
            let fix: String? =
                switch error {
                case .notPermitted(let socket): SocketAccess.fix(socket: socket)
                case .absent, .notReachable: "start it: systemctl start rstreamd"
                case .silent: "see what it logs (journalctl -u rstreamd), then systemctl restart rstreamd"
                case .unknownCall: "upgrade the daemon and restart it, or use its own rstreamctl"
                case .problem, .badReply, .cutShort: nil
                }
            // A daemon that hangs is worse than none.
            let verdict: Finding.Verdict = if case .silent = error { .fail } else { .warn }
            let (isUnits, unit) = (DaemonConfiguration.isUsualFile(file), await unit(for: error))
            if case .absent(DaemonPaths.adminSocket, _) = error, let explanation = unit?.explanation {
                await report(Finding("daemon", verdict, "\(error): \(explanation.what)", fix: explanation.fix))
            } else {
                await report(Finding("daemon", verdict, "\(error)", fix: fix))
            }
            await report(Finding("tunnels", .skip, "only the daemon knows about them"))
            if canary != nil { await report(Finding("canary", .skip, "only the daemon can send one")) }
            return DaemonPresence(
                after: error,
                hasSocket: configuration?.admin.hasSocket ?? true,
                unit: isUnits ? unit.flatMap { $0.isLoaded ? $0 : nil } : nil
            )
        }
        await report(
            Finding(
                "daemon",
                .ok,
                "version \(status.daemon.version), pid \(status.daemon.pid), \(status.daemon.state.rawValue)"
            )
        )
        if let reload = status.daemon.lastReload, reload.outcome == .refused {
            let fix = "correct it and run rstreamctl reload"
            await report(Finding("daemon", .fail, "the last reload was refused: \(reload.message)", fix: fix))
        }
        for session in status.sessions where session.state != .online {
            let error = session.lastError
            let detail = "session is \(session.state.rawValue)" + (error.map { ": \($0.message)" } ?? "")
            await report(Finding("tunnels", .fail, of: session.context, detail, fix: error?.fix))
        }
        for tunnel in status.tunnels where !tunnel.state.isAsWanted || tunnel.lastError != nil {
            let error = tunnel.lastError
            let waits = status.sessions.contains { $0.state != .online && $0.context.sameBytes(as: tunnel.context) }
            let reason = error.map { ": \($0.message)" } ?? (waits ? ", as its session is not online" : "")
            let detail = "is \(tunnel.state.rawValue)" + reason
            let verdict: Finding.Verdict = tunnel.state.isAsWanted ? .warn : .fail
            await report(Finding("tunnels", verdict, of: tunnel.name, detail, fix: error?.fix))
        }
        for tunnel in status.tunnels where tunnel.state == .standby {
            let detail = "is on standby: another tunnel holds its name or port"
            let fix = "none where another host is to serve it; otherwise stop that tunnel, or ask for another name"
            await report(Finding("tunnels", .warn, of: tunnel.name, detail, fix: fix))
        }
        for listener in status.listeners where !listener.isAsWanted || listener.lastError != nil {
            let error = listener.lastError
            let detail = "is \(listener.state.rawValue)" + (error.map { ": \($0.message)" } ?? "")
            let verdict: Finding.Verdict = listener.isAsWanted ? .warn : .fail
            await report(Finding("listeners", verdict, of: listener.name, detail, fix: error?.fix))
        }
        if !status.listeners.isEmpty {
            let (serving, all) = (status.listeners.count(where: \.isAsWanted), status.listeners.count)
            await report(Finding("listeners", serving == all ? .ok : .warn, "\(serving) of \(all) serve"))
        }
        let (online, total) = status.wantedTunnels
        let standby = status.standbyTunnels
        let counts = "\(online) of \(total) online" + (standby > 0 ? ", \(standby) on standby" : "")
        await report(Finding("tunnels", online + standby == total ? .ok : .warn, counts))
        if let canary {
            await canary.run(status, report)
        } else {
            for session in status.sessions where session.canary?.state == .failing {
                let error = session.canary?.lastError
                let detail = error?.message ?? "does not come back"
                await report(Finding("canary", .warn, of: session.context, detail, fix: error?.fix))
            }
        }
        return .answers(process: status.daemon.pid)
    }

    /// What systemd says where no daemon listens at the usual socket, or for the unit's own file.
    private func unit(for error: AdminClientError) async -> UnitState? {
        guard case .absent(let socket, _) = error,
            socket == DaemonPaths.adminSocket || DaemonConfiguration.isUsualFile(file)
        else { return nil }
        return await UnitState.current()
    }
}
