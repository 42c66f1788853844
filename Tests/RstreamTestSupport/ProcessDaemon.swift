// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
package import NIOCore

/// A running `rstreamd`, and what it logs.
package final class ProcessDaemon: Sendable {
    /// One line of its log.
    package struct LogLine: Sendable, CustomStringConvertible {
        package let level: String
        package let message: String
        package let facts: [String: String]
        package let description: String

        package init?(_ text: String) {
            let decoded = try? JSONDecoder().decode([String: LogValue].self, from: Data(text.utf8))
            guard let facts = decoded?.mapValues(\.text), let level = facts["level"], let message = facts["message"]
            else { return nil }
            self.level = level
            self.message = message
            self.facts = facts
            description = text
        }

        /// How much later than `other` it was logged, by the daemon's own clock; less than a day.
        package func seconds(since other: LogLine) -> Double {
            let difference = timeOfDay - other.timeOfDay
            return difference < 0 ? difference + 86_400 : difference
        }

        /// The seconds of `2026-01-31T12:34:56.789Z` since midnight.
        private var timeOfDay: Double {
            let clock = facts["time"]?.split(separator: "T").last?.dropLast() ?? ""
            return clock.split(separator: ":").compactMap { Double($0) }.reduce(0) { $0 * 60 + $1 }
        }
    }

    package let process: ProcessHandle

    package init(_ process: ProcessHandle) { self.process = process }

    /// Starts a daemon with this configuration and returns at once; its state and its admin socket are in the folder.
    package static func start(
        in folder: ProcessFolder,
        configuration: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        namespace: String? = nil,
        descriptors: Int? = nil
    ) async throws -> ProcessDaemon {
        try await start(
            in: folder,
            file: try folder.write(configuration, to: "rstreamd.yaml"),
            arguments,
            environment: environment,
            namespace: namespace,
            descriptors: descriptors
        )
    }

    /// Starts a daemon with a file that is there already.
    package static func start(
        in folder: ProcessFolder,
        file: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        namespace: String? = nil,
        descriptors: Int? = nil
    ) async throws -> ProcessDaemon {
        ProcessDaemon(
            try await ProcessHandle.start(
                try Binaries.path(of: "rstreamd"),
                ["--config", file, "--log-format", "json"] + arguments,
                environment: try places(in: folder).merging(environment) { $1 },
                namespace: namespace,
                descriptors: descriptors
            )
        )
    }

    /// The variables that keep a daemon's state and admin socket in the folder.
    package static func places(in folder: ProcessFolder) throws -> [String: String] {
        ["STATE_DIRECTORY": try folder.makeFolder("state"), "RUNTIME_DIRECTORY": try folder.makeFolder("run")]
    }

    // MARK: Its log

    package var log: [LogLine] { process.errors.all.compactMap(LogLine.init) }

    /// The position in the log from which new lines are searched.
    package var mark: Int { process.errors.count }

    /// The warnings and errors that were logged from `mark` on. That this host has no group for the admin socket is none:
    /// the package makes it, and tests run without the package.
    package func complaints(from mark: Int = 0) -> [LogLine] {
        process.errors.all.dropFirst(mark).compactMap(LogLine.init)
            .filter { ["warning", "error", "critical"].contains($0.level) }
            .filter { $0.message != "admin socket group not found" }
    }

    /// Returns the first wanted line from `mark` on, as soon as it is logged.
    @discardableResult
    package func logged(
        _ message: String,
        from mark: Int = 0,
        within timeout: TimeAmount = TimeAmount(testTimeout),
        where isWanted: @escaping @Sendable (LogLine) -> Bool = { _ in true }
    ) async throws -> LogLine {
        let text = try await process.errors.first(from: mark, within: timeout) { text in
            guard let line = LogLine(text), line.message == message else { return false }
            return isWanted(line)
        }.line
        guard let line = LogLine(text) else { throw ProcessLines.NotSeen(description: text) }
        return line
    }
}

/// A value of a line of JSON as it reads: a number by its digits.
private struct LogValue: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            self.text = text
        } else if let number = try? value.decode(Int64.self) {
            text = "\(number)"
        } else {
            text = "\(try value.decode(Double.self))"
        }
    }
}
