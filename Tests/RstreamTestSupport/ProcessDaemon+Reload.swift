internal import Glibc
package import NIOCore

extension ProcessDaemon {
    /// What became of one reload, as the log says it.
    package struct Reload: Sendable, CustomStringConvertible {
        /// The line with the outcome.
        package let line: LogLine
        /// The lines about its tunnels.
        package let changes: [LogLine]
        /// Where in the log the next reload is to be looked for.
        package let end: Int

        package static let applied = "reloaded"
        package static let unchanged = "reloaded, nothing changed"
        package static let refused = "reload refused, keeping the running configuration"

        package var outcome: String { line.message }

        /// What was done to which tunnel, by name.
        package var actions: [String: String] {
            let pairs = changes.map { ($0.facts["tunnel"] ?? "", $0.facts["action"] ?? "") }
            return Dictionary(pairs) { "\($0), \($1)" }
        }

        package var description: String { ([line] + changes).map(\.description).joined(separator: "\n") }
    }

    /// Sends SIGHUP and returns what became of it.
    @discardableResult
    package func reload(within timeout: TimeAmount = .seconds(60)) async throws -> Reload {
        let mark = mark
        process.send(signal: SIGHUP)
        return try await nextReload(from: mark, within: timeout)
    }

    /// Returns the first reload that is over after `mark`, as soon as all of it is logged.
    package func nextReload(from mark: Int, within timeout: TimeAmount = .seconds(60)) async throws -> Reload {
        let outcomes = [Reload.applied, Reload.unchanged, Reload.refused]
        var (line, next) = try await line(from: mark, within: timeout) { outcomes.contains($0.message) }
        let outcome = line
        var changes: [LogLine] = []
        for _ in 0..<(outcome.message == Reload.applied ? outcome.facts["changes"].flatMap { Int($0) } ?? 0 : 0) {
            (line, next) = try await self.line(from: next, within: timeout) { $0.message == "tunnel changed" }
            changes.append(line)
        }
        return Reload(line: outcome, changes: changes, end: next)
    }

    private func line(
        from mark: Int,
        within timeout: TimeAmount,
        where isWanted: @escaping @Sendable (LogLine) -> Bool
    ) async throws -> (LogLine, next: Int) {
        let (index, text) = try await process.errors.first(from: mark, within: timeout) { text in
            LogLine(text).map(isWanted) ?? false
        }
        guard let line = LogLine(text) else { throw ProcessLines.NotSeen(description: text) }
        return (line, index + 1)
    }
}
