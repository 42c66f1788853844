// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel

/// Whether a stream through the engine arrives at the daemon, for tunnels that are online: `doctor --deep`.
///
/// The daemon sends one by each session (contract §3.1, `canary`), which is the way of all its tunnels: each finding
/// names them.
struct CanaryExamination: Sendable {
    /// A call takes as long as an attempt.
    private let daemon: AdminClient
    /// The tunnel to examine; nil for every one that is online.
    private let tunnel: String?

    /// `daemon` has to wait for an answer longer than ``CanaryStateMachine/timeout``.
    init(_ daemon: AdminClient, tunnel: String? = nil) {
        (self.daemon, self.tunnel) = (daemon, tunnel)
    }

    func run(_ status: DaemonStatus, _ report: (Finding) async -> Void) async {
        var tunnels = status.tunnels
        if let name = tunnel {
            tunnels = tunnels.filter { $0.name.sameBytes(as: name) }
            guard !tunnels.isEmpty else {
                let nearest = NearestWord.find(name, among: status.tunnels.map(\.name))
                let what = "there is no tunnel \"\(name.shortened)\""
                return await report(Finding("canary", .fail, what, fix: nearest.map { "did you mean \"\($0)\"?" }))
            }
        }
        let online = tunnels.filter { $0.state == .online }
        guard !online.isEmpty else {
            let detail = tunnel == nil ? "no tunnel is online" : "is not online"
            return await report(Finding("canary", .skip, of: tunnel, detail))
        }
        var examined: [String] = []
        for context in online.map(\.context) where !examined.contains(where: { $0.sameBytes(as: context) }) {
            examined.append(context)
            let names = online.filter { $0.context.sameBytes(as: context) }.map(\.name)
            await examine(context, names.count > 1 ? "\(names[0]) and \(names.count - 1) more" : names[0], report)
        }
    }

    private func examine(_ context: String, _ subject: String, _ report: (Finding) async -> Void) async {
        let reports: [CanaryReport]
        do throws(AdminClientError) {
            reports = try await daemon.call(.canary(context: context), as: [CanaryReport].self)
        } catch {
            let fix: String? = if case .unknownCall = error { "upgrade the daemon and restart it" } else { nil }
            return await report(Finding("canary", .skip, of: subject, "\(error)", fix: fix))
        }
        for found in reports { await report(Self.finding(found, subject)) }
    }

    static func finding(_ found: CanaryReport, _ subject: String) -> Finding {
        switch found.outcome {
        case .passed:
            let milliseconds = Int(exactly: ((found.durationSeconds ?? 0) * 1_000).rounded(.up)) ?? 0
            let detail = "a stream went through the engine and came back in \(milliseconds) ms"
            return Finding("canary", .ok, of: subject, detail)
        case .offline: return Finding("canary", .skip, of: subject, "the session is not online")
        default:
            let detail = found.lastError?.message ?? found.outcome.rawValue
            return Finding("canary", .fail, of: subject, detail, fix: found.lastError?.fix)
        }
    }
}
