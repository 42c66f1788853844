internal import Glibc
internal import Linux
package import RstreamConfig
internal import Synchronization
internal import Systemd

/// What log lines look like and where they go, changed while the daemon runs. The command line's word holds before the
/// configuration's.
///
/// The format is guarded by a mutex that is not held while a line is written.
package final class LogFormatSwitch: Sendable {
    private let environment: [String: String]
    private let commandLine: LogSettings.Format?
    private let format: Mutex<LogFormat>
    /// Of lines for people.
    private let paint: Paint
    private let journal = JournalSocket()

    /// Starts with what the configuration and the command line say; `environment` tells what `auto` means, and who minds
    /// colours.
    package init(
        _ configuration: LogSettings.Format,
        commandLine: LogSettings.Format? = nil,
        environment: [String: String] = [:]
    ) {
        self.environment = environment
        self.commandLine = commandLine
        format = Mutex(LogFormat(commandLine ?? configuration, environment: environment))
        paint = Paint(isTerminal: TerminalSize.isTerminal(STDERR_FILENO), environment: environment)
    }

    /// What is in force instead of the configuration's format; nil when nothing is.
    var overruler: String? { commandLine.map { "--log-format \($0.rawValue) is on the command line" } }

    /// What a reload wants.
    func set(_ configuration: LogSettings.Format) {
        guard commandLine == nil else { return }
        let wanted = LogFormat(configuration, environment: environment)
        format.withLock { $0 = wanted }
    }

    /// Writes a line the way that is in force.
    func write(_ record: LogRecord) {
        switch format.withLock({ $0 }) {
        case .text: StandardError.write(record.text(paint))
        case .json: StandardError.write(record.json)
        case .journal:
            if !journal.send(record.journalEntry) { StandardError.write(record.prioritized) }
        }
    }
}
