// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Logging
package import RstreamConfig
internal import RstreamModel

/// The keys of facts in log lines.
enum LogKey {
    static let tunnel = "tunnel"
    static let listener = "listener"
    static let engine = "engine"
    static let context = "context"
    /// The number that the admin API and its events give a session.
    static let sessionID = "session_id"
    static let clientID = "client_id"
    static let upstream = "upstream"
    static let tunnelID = "tunnel_id"
    static let streamID = "stream_id"
    static let address = "address"
    static let error = "error"
    static let errorCode = "error_code"
    static let fix = "fix"
    static let attempts = "attempts"
    static let end = "end"
    static let duration = "duration"
    static let timeout = "timeout"
    static let retryIn = "retry_in"
    static let streams = "streams"
    static let file = "file"
}

extension Logger.Metadata {
    /// The facts of an error, and the time until the next attempt, if there is one.
    static func facts(of error: RstreamError, retryIn wait: Duration? = nil) -> Self {
        var facts: Self = [LogKey.error: "\(error.what)", LogKey.errorCode: "\(error.code)"]
        if let fix = error.fix { facts[LogKey.fix] = "\(fix)" }
        if let wait { facts[LogKey.retryIn] = .stringConvertible(wait) }
        return facts
    }
}

extension Logger {
    /// The same logger with the facts of a context.
    func about(_ context: ContextDefinition) -> Logger {
        var logger = self
        logger[metadataKey: LogKey.context] = "\(context.name)"
        logger[metadataKey: LogKey.engine] = "\(context.engine)"
        return logger
    }

    /// Logs a diagnostic of the configuration.
    package func log(_ diagnostic: Diagnostic, at level: Level) {
        var facts: Metadata = [
            LogKey.file: "\(diagnostic.file)", "line": .stringConvertible(diagnostic.line),
            "column": .stringConvertible(diagnostic.column),
            LogKey.error: "\(diagnostic.message)",
        ]
        if let hint = diagnostic.hint { facts[LogKey.fix] = "\(hint)" }
        log(level: level, "configuration diagnostic", metadata: facts)
    }
}
