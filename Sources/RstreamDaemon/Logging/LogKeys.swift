internal import Logging
internal import RstreamModel

/// The names of facts in log lines, in one place, so that one thing has one name.
enum LogKey {
    static let tunnel = "tunnel"
    static let listener = "listener"
    static let engine = "engine"
    static let context = "context"
    static let clientID = "client_id"
    static let tunnelID = "tunnel_id"
    static let address = "address"
    static let error = "error"
    static let errorCode = "error_code"
    static let fix = "fix"
    static let attempts = "attempts"
    static let end = "end"
    static let duration = "duration"
    static let streams = "streams"
    static let file = "file"
    static let signal = "signal"
}

extension Logger.Metadata {
    /// The facts of an error.
    static func facts(of error: RstreamError) -> Self {
        var facts: Self = [LogKey.error: "\(error.what)", LogKey.errorCode: "\(error.code)"]
        if let fix = error.fix { facts[LogKey.fix] = "\(fix)" }
        return facts
    }
}
