// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel

extension ReloadOutcome {
    /// Logs each change or diagnostic, then the outcome: a program that waits for the outcome has then read everything.
    func log(_ reason: ReloadReason, to logger: Logger) {
        switch self {
        case .unchanged(let warnings):
            for warning in warnings { logger.log(warning, at: .warning) }
            logger.info("configuration unchanged", metadata: ["reason": "\(reason.rawValue)"])
        case .applied(let plans, let settings, let warnings):
            for warning in warnings { logger.log(warning, at: .warning) }
            for change in settings { change.log(to: logger) }
            for change in plans.listeners.changes {
                logger.info(
                    "listener changed",
                    metadata: [LogKey.listener: "\(change.listener)"].merging(
                        Self.facts(change.action, change.disposition, change.streams, change.keys)
                    ) { $1 }
                )
            }
            for change in plans.tunnels.changes {
                logger.info(
                    "tunnel changed",
                    metadata: [LogKey.tunnel: "\(change.tunnel)"].merging(
                        Self.facts(change.action, change.disposition, change.streams, change.keys)
                    ) { $1 }
                )
            }
            logger.notice(
                "configuration reloaded",
                metadata: ["reason": "\(reason.rawValue)", "changes": .stringConvertible(changes)]
            )
        case .refused(let diagnostics):
            for diagnostic in diagnostics { logger.log(diagnostic, at: .error) }
            logger.error(
                "reload refused",
                metadata: [
                    "reason": "\(reason.rawValue)", "errors": .stringConvertible(diagnostics.count),
                    LogKey.error: "\(logMessage)",
                ]
            )
        }
    }

    private static func facts(
        _ action: ReloadPlan.Action,
        _ disposition: StreamDisposition?,
        _ streams: Int,
        _ keys: [ConfigurationKey]
    ) -> Logger.Metadata {
        var facts: Logger.Metadata = ["action": "\(action.rawValue)", LogKey.streams: .stringConvertible(streams)]
        if let disposition { facts["disposition"] = "\(disposition.rawValue)" }
        if !keys.isEmpty { facts["keys"] = "\(keys.map(\.rawValue).joined(separator: " "))" }
        return facts
    }
}

extension SettingChange {
    fileprivate func log(to logger: Logger) {
        guard let obstacle else { return logger.info("setting changed", metadata: ["key": "\(key.rawValue)"]) }
        logger.warning("setting not applied", metadata: ["key": "\(key.rawValue)", "reason": "\(obstacle)"])
    }
}
