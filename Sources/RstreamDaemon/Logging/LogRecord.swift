internal import Glibc
internal import Logging

/// One line of the log before it has a form: a constant message, and facts sorted by their names.
struct LogRecord: Sendable {
    let time: timespec
    let level: Logger.Level
    let message: String
    let facts: [(key: String, value: String)]
    /// What it counts in a queue that is limited in bytes.
    let size: Int

    /// No fact says more after this many bytes; what is longer is a mistake of whoever said it.
    static let longestValue = 4_096

    init(_ level: Logger.Level, _ message: String, _ facts: Logger.Metadata = [:]) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        time = now
        self.level = level
        self.message = message
        self.facts = facts.map { ($0.key, Self.cut("\($0.value)")) }.sorted { $0.key < $1.key }
        size = self.facts.reduce(message.utf8.count + 64) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }

    private static func cut(_ value: String) -> String {
        guard value.utf8.count > longestValue else { return value }
        var end = value.utf8.index(value.startIndex, offsetBy: longestValue)
        // Not in the middle of a character.
        while end.samePosition(in: value.unicodeScalars) == nil { end = value.utf8.index(before: end) }
        return value[..<end] + "…"
    }
}
