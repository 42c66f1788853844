// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
package import RstreamConfig
internal import Synchronization
internal import Systemd

/// The format of log lines, which a reload may change. The command line overrides the configuration.
///
/// The format is guarded by a mutex that is not held while a line is written.
package final class LogFormatSwitch: Sendable {
    private let environment: [String: String]
    private let commandLine: LogSettings.Format?
    private let format: Lock<LogFormat>
    /// Colours of the text format.
    private let paint: Paint
    private let journal = JournalSocket()

    /// `environment` decides what `auto` means, and whether to use colours.
    package init(
        _ configuration: LogSettings.Format,
        commandLine: LogSettings.Format? = nil,
        environment: [String: String] = [:]
    ) {
        self.environment = environment
        self.commandLine = commandLine
        format = Lock(LogFormat(commandLine ?? configuration, environment: environment))
        paint = Paint(isTerminal: TerminalSize.isTerminal(STDERR_FILENO), environment: environment)
    }

    /// What overrides the configuration's format; nil if nothing does.
    var overriddenBy: String? { commandLine.map { "--log-format \($0.rawValue) is on the command line" } }

    /// Sets the format of the configuration.
    func set(_ configuration: LogSettings.Format) {
        guard commandLine == nil else { return }
        let wanted = LogFormat(configuration, environment: environment)
        format.withLock { $0 = wanted }
    }

    /// Writes a line in the current format.
    func write(_ record: LogRecord) {
        switch format.withLock({ $0 }) {
        case .text: StandardError.write(record.text(paint))
        case .json: StandardError.write(record.json)
        case .journal:
            if !journal.send(record.journalEntry) { StandardError.write(record.prioritized) }
        }
    }
}
