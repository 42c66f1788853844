// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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

        package static let applied = "configuration reloaded"
        package static let unchanged = "configuration unchanged"
        package static let refused = "reload refused"

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

    /// Returns the first reload that is over after `mark`. Its outcome is the last of what is logged about it.
    package func nextReload(from mark: Int, within timeout: TimeAmount = .seconds(60)) async throws -> Reload {
        let outcomes = [Reload.applied, Reload.unchanged, Reload.refused]
        let (index, text) = try await process.errors.first(from: mark, within: timeout) { text in
            LogLine(text).map { outcomes.contains($0.message) } ?? false
        }
        guard let line = LogLine(text) else { throw ProcessLines.NotSeen(description: text) }
        let changes = process.errors.all[mark..<index].compactMap(LogLine.init).filter {
            $0.message == "tunnel changed"
        }
        return Reload(line: line, changes: changes, end: index + 1)
    }
}
