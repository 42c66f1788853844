// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamModel

/// A log line before it is formatted: a constant message, and facts sorted by key.
struct LogRecord: Sendable {
    let time: UTCTime
    let level: Logger.Level
    let message: String
    let facts: [LogFact]
    /// The bytes that it counts in the queue of a ``LogSink``.
    let size: Int

    /// The limit of a message and of each fact in bytes; longer ones are cut.
    static let longestValue = 4_096

    init(_ level: Logger.Level, _ message: String, _ facts: Logger.Metadata = [:]) {
        time = .now
        self.level = level
        self.message = message.cut(toBytes: Self.longestValue)
        self.facts = facts.map { LogFact($0.key, $0.value) }.sorted { $0.key < $1.key }
        size = self.facts.reduce(self.message.utf8.count + 64) { $0 + $1.key.utf8.count + $1.text.utf8.count }
    }
}
