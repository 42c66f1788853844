internal import Logging
package import RstreamConfig
internal import Synchronization

/// The level of every log handler of the daemon, changed while it runs. An operator's word holds until the daemon ends,
/// before the command line's, and that before the configuration's.
///
/// The wishes are guarded by a mutex; the level that they come to is an atomic, because every line asks for it.
package final class LogLevelSwitch: Sendable {
    private struct Wishes {
        var configuration: LogSettings.Level
        let commandLine: LogSettings.Level?
        var `operator`: LogSettings.Level?

        var level: LogSettings.Level { `operator` ?? commandLine ?? configuration }
    }

    private let wishes: Mutex<Wishes>
    private let number: Atomic<Int>

    /// Starts with what the configuration and the command line say.
    package init(_ configuration: LogSettings.Level, commandLine: LogSettings.Level? = nil) {
        let wishes = Wishes(configuration: configuration, commandLine: commandLine)
        number = Atomic(Self.number(wishes.level))
        self.wishes = Mutex(wishes)
    }

    /// The least important level that is written now.
    package var current: LogSettings.Level { wishes.withLock(\.level) }

    /// What is in force instead of the configuration's level; nil when nothing is.
    var overruler: String? {
        wishes.withLock { wishes in
            if wishes.operator != nil { return "an operator has set the level until the next restart" }
            return wishes.commandLine.map { "--log-level \($0.rawValue) is on the command line" }
        }
    }

    /// What a reload wants.
    package func set(_ level: LogSettings.Level) {
        change { $0.configuration = level }
    }

    /// What an operator wants, whatever was or will be said elsewhere, until the daemon ends.
    package func override(_ level: LogSettings.Level) {
        change { $0.operator = level }
    }

    var level: Logger.Level { Logger.Level.allCases[number.load(ordering: .relaxed)] }

    private func change(_ wish: (inout Wishes) -> Void) {
        wishes.withLock { wishes in
            wish(&wishes)
            // While the wishes are held, so that two changes do not cross.
            number.store(Self.number(wishes.level), ordering: .relaxed)
        }
    }

    private static func number(_ level: LogSettings.Level) -> Int {
        Logger.Level.allCases.firstIndex { $0.rawValue == level.rawValue } ?? 0
    }
}
