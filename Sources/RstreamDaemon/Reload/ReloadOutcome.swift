internal import RstreamAdmin
package import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel

/// What became of a reload (contract §5, §6), or what would.
package enum ReloadOutcome: Hashable, Sendable {
    /// The files ask for what runs already.
    case unchanged(_ warnings: [Diagnostic])
    /// Carried out, as the plans said.
    case applied(ReloadPlans, _ settings: [SettingChange], _ warnings: [Diagnostic])
    /// The files are not right, and everything goes on as before.
    case refused([Diagnostic])

    /// One line for everybody who may ask the daemon; what stands in a file is not in it.
    var message: String { message { $0.withoutText } }

    /// The same for the log, which shows what may be shown of files that are believed.
    var logMessage: String { message { $0 } }

    /// How many things are other ones, settings of the daemon included.
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

/// Who wanted a reload; a log line says it.
package enum ReloadReason: String, Hashable, Sendable {
    case signal = "SIGHUP"
    case files = "a file changed"
    case asked = "an operator"
}

extension ReloadReply {
    /// The reply to who may read all files.
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
                    action: ReloadChange.Action(change.action),
                    disposition: change.disposition?.rawValue,
                    streams: change.streams,
                    keys: change.keys.map(\.rawValue)
                )
            }
            let others = plans.listeners.changes.map { change in
                ReloadChange(
                    listener: change.listener,
                    action: ReloadChange.Action(change.action),
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

extension ReloadChange.Action {
    init(_ action: ReloadPlan.Action) {
        self =
            switch action {
            case .add: .add
            case .update: .update
            case .replace: .replace
            case .remove: .remove
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
