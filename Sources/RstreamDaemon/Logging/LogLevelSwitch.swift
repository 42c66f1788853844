// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
package import RstreamConfig
internal import Synchronization

/// The level of all log handlers, which a reload or an operator may change. An operator's level overrides the command
/// line until the daemon ends, and the command line overrides the configuration.
///
/// A mutex guards the sources of the level; the resulting level is an atomic, because every log call reads it.
package final class LogLevelSwitch: Sendable {
    private struct Sources {
        var configuration: LogSettings.Level
        let commandLine: LogSettings.Level?
        var `operator`: LogSettings.Level?

        var level: LogSettings.Level { `operator` ?? commandLine ?? configuration }
    }

    private let sources: Lock<Sources>
    private let number: Atomic<Int>

    package init(_ configuration: LogSettings.Level, commandLine: LogSettings.Level? = nil) {
        let sources = Sources(configuration: configuration, commandLine: commandLine)
        number = Atomic(Self.number(sources.level))
        self.sources = Lock(sources)
    }

    /// The least severe level that is written.
    package var current: LogSettings.Level { sources.withLock(\.level) }

    /// What overrides the configuration's level; nil if nothing does.
    var overriddenBy: String? {
        sources.withLock { sources in
            if sources.operator != nil { return "an operator has set the level until the next restart" }
            return sources.commandLine.map { "--log-level \($0.rawValue) is on the command line" }
        }
    }

    /// Sets the level of the configuration.
    package func set(_ level: LogSettings.Level) {
        change { $0.configuration = level }
    }

    /// Sets an operator's level, which applies until the daemon ends.
    package func override(_ level: LogSettings.Level) {
        change { $0.operator = level }
    }

    var level: Logger.Level { Logger.Level.allCases[number.load(ordering: .relaxed)] }

    private func change(_ body: (inout Sources) -> Void) {
        sources.withLock { sources in
            body(&sources)
            // Stored under the lock, so that concurrent changes do not overwrite each other's level.
            number.store(Self.number(sources.level), ordering: .relaxed)
        }
    }

    private static func number(_ level: LogSettings.Level) -> Int {
        Logger.Level.allCases.firstIndex { $0.rawValue == level.rawValue } ?? 0
    }
}
