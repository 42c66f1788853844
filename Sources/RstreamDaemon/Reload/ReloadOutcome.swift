// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
package import RstreamConfig
internal import RstreamCore
package import RstreamDaemonModel
internal import RstreamModel

/// The outcome of a reload (contract §5, §6), or of a dry run.
package enum ReloadOutcome: Hashable, Sendable {
    /// The files are equal to the running configuration.
    case unchanged(_ warnings: [Diagnostic])
    case applied(ReloadPlans, _ settings: [SettingChange], _ warnings: [Diagnostic])
    /// The files have errors, and nothing was changed.
    case refused([Diagnostic])

    /// One line for every client of the admin API, without quotations of files.
    var message: String { message { $0.withoutText } }

    /// One line for the log, which may quote trusted files.
    var logMessage: String { message { $0 } }

    /// The number of changes, including settings of the daemon.
    var changes: Int {
        switch self {
        case .applied(let plans, let settings, _): plans.count + settings.count
        case .unchanged, .refused: 0
        }
    }

    private func message(_ shown: (Diagnostic) -> Diagnostic) -> String {
        switch self {
        case .unchanged: return "nothing changed"
        case .applied(let plans, let settings, _):
            let names = settings.map(\.key.rawValue).joined(separator: ", ")
            return plans.count == 0 ? "settings changed: \(names)" : changes == 1 ? "1 change" : "\(changes) changes"
        case .refused(let diagnostics):
            guard let first = diagnostics.first(where: { $0.severity == .error }) ?? diagnostics.first else {
                return "unknown"
            }
            let what = shown(first).message
            return first.line > 0 ? "\(first.file):\(first.line): \(what)" : "\(first.file): \(what)"
        }
    }
}

/// A daemon-wide setting that differs from the running one.
package struct SettingChange: Hashable, Sendable {
    package let key: ConfigurationKey
    /// Why it is not in force; nil when it is.
    package let obstacle: String?

    package init(_ key: ConfigurationKey, obstacle: String? = nil) {
        (self.key, self.obstacle) = (key, obstacle)
    }
}

/// What has triggered a reload, for the log.
package enum ReloadReason: String, Hashable, Sendable {
    case signal = "SIGHUP"
    case files = "a file changed"
    case asked = "an operator"
}

extension ReloadReply {
    /// The reply for a reader of all files.
    init(_ outcome: ReloadOutcome, dryRun: Bool) {
        switch outcome {
        case .unchanged(let warnings):
            self.init(outcome: .unchanged, dryRun: dryRun, diagnostics: warnings.map(DiagnosticReport.init))
        case .applied(let plans, let settings, let warnings):
            let sessions = plans.tunnels.renewals.map { renewal in
                ReloadChange(context: renewal.context, action: .reconnect, keys: renewal.keys.map(\.rawValue))
            }
            let tunnels = plans.tunnels.changes.map { change in
                ReloadChange(
                    tunnel: change.tunnel,
                    action: ReloadChange.Action(rawValue: change.action.rawValue),
                    disposition: change.disposition?.rawValue,
                    streams: change.streams,
                    keys: change.keys.map(\.rawValue)
                )
            }
            let others = plans.listeners.changes.map { change in
                ReloadChange(
                    listener: change.listener,
                    action: ReloadChange.Action(rawValue: change.action.rawValue),
                    disposition: change.disposition?.rawValue,
                    streams: change.streams,
                    keys: change.keys.map(\.rawValue)
                )
            }
            self.init(
                outcome: .applied,
                dryRun: dryRun,
                changes: sessions + tunnels + others,
                settings: settings.map { ReloadSetting(key: $0.key.rawValue, obstacle: $0.obstacle) },
                diagnostics: warnings.map(DiagnosticReport.init)
            )
        case .refused(let diagnostics):
            self.init(outcome: .refused, dryRun: dryRun, diagnostics: diagnostics.map(DiagnosticReport.init))
        }
    }
}

extension DiagnosticReport {
    init(_ diagnostic: Diagnostic) {
        self.init(
            severity: diagnostic.severity.rawValue,
            file: diagnostic.file,
            line: diagnostic.line,
            column: diagnostic.column,
            message: diagnostic.message,
            hint: diagnostic.hint,
            text: diagnostic.description
        )
    }
}
