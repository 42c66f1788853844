internal import Logging
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel

extension ReloadOutcome {
    /// Tells the log what became of a reload: each change or complaint in a line of its own, the outcome last, so that who
    /// waits for it has read everything.
    func log(_ reason: ReloadReason, to logger: Logger) {
        switch self {
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
            let changes = plan.changes.count + listeners.changes.count
            logger.notice("reloaded", metadata: ["reason": "\(reason.rawValue)", "changes": "\(changes)"])
        case .refused(let diagnostics):
            for diagnostic in diagnostics { logger.log(diagnostic, at: .error) }
            logger.error(
                "reload refused, keeping the running configuration",
                metadata: [
                    "reason": "\(reason.rawValue)", "errors": "\(diagnostics.count)", LogKey.error: "\(logMessage)",
                ]
            )
        }
    }
}
