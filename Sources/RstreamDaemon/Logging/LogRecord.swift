internal import Linux
internal import Logging
internal import RstreamModel

/// One line of the log before it has a form: a constant message, and facts sorted by their names.
struct LogRecord: Sendable {
    let time: UTCTime
    let level: Logger.Level
    let message: String
    let facts: [LogFact]
    /// What it counts in a queue that is limited in bytes.
    let size: Int

    /// No fact, and no message, says more than this many bytes; what is longer is a mistake of whoever said it.
    static let longestValue = 4_096

    init(_ level: Logger.Level, _ message: String, _ facts: Logger.Metadata = [:]) {
        time = .now
        self.level = level
        self.message = message.cut(toBytes: Self.longestValue)
        self.facts = facts.map { LogFact($0.key, $0.value) }.sorted { $0.key < $1.key }
        size = self.facts.reduce(self.message.utf8.count + 64) { $0 + $1.key.utf8.count + $1.text.utf8.count }
    }
}
