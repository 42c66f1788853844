internal import Logging
package import RstreamConfig
internal import Synchronization

/// The level of every log handler of the daemon, changed while it runs. One atomic.
package final class LogLevelSwitch: Sendable {
    private let value: Atomic<Int>
    private let isFixed: Bool

    /// Starts at `level`; with `isFixed` the command line has the last word and a reload changes nothing.
    package init(_ level: LogSettings.Level, isFixed: Bool = false) {
        value = Atomic(Self.number(level))
        self.isFixed = isFixed
    }

    /// What a reload wants.
    package func set(_ level: LogSettings.Level) {
        guard !isFixed else { return }
        value.store(Self.number(level), ordering: .relaxed)
    }

    /// What an operator wants, until the process ends or they want something else.
    package func override(_ level: LogSettings.Level) {
        value.store(Self.number(level), ordering: .relaxed)
    }

    package var current: LogSettings.Level { LogSettings.Level(rawValue: level.rawValue) ?? .info }

    var level: Logger.Level { Logger.Level.allCases[value.load(ordering: .relaxed)] }

    private static func number(_ level: LogSettings.Level) -> Int {
        Logger.Level.allCases.firstIndex { $0.rawValue == level.rawValue } ?? 0
    }
}
