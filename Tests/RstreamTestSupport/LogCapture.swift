// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Logging

/// Keeps log lines that a test reads and waits for. None may contain texts of libraries.
package final class LogCapture: Sendable {
    package struct Line: Sendable, CustomStringConvertible {
        package let level: Logger.Level
        package let message: String
        package let metadata: [String: String]

        package var description: String {
            "\(level) \(message) \(metadata.sorted { $0.key < $1.key }.map { "\($0)=\($1)" })"
        }
    }

    package let lines = Observed<[Line]>([])

    package init() {}

    package var logger: Logger {
        Logger(label: "test") { [lines] _ in Handler(lines: lines) }
    }

    package func lines(_ message: String) -> [Line] { lines.value.filter { $0.message == message } }

    package func lines(at level: Logger.Level) -> [Line] { lines.value.filter { $0.level == level } }

    /// Waits until a line has been written `count` times, and returns all of them.
    @discardableResult
    package func wait(for message: String, count: Int = 1) async throws -> [Line] {
        try await lines.wait(for: "the log line \"\(message)\"") { lines in
            lines.count { $0.message == message } >= count
        }.filter { $0.message == message }
    }

    private struct Handler: LogHandler {
        let lines: Observed<[Line]>
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let facts = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
            LibraryText.examine("\(event.message)", saidBy: "a log line")
            for fact in facts.values { LibraryText.examine(fact, saidBy: "a fact of a log line") }
            lines.change { $0.append(Line(level: event.level, message: "\(event.message)", metadata: facts)) }
        }
    }
}
