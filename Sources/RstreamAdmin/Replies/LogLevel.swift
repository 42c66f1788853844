/// `GET` and `PUT /v1/log`: the least important level that is logged.
package struct LogLevelDocument: Codable, Hashable, Sendable {
    /// The levels there are, the least important first.
    package static let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    package var level: String

    package init(level: String) { self.level = level }
}
