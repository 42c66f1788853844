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
    private let format: Mutex<LogFormat>
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
        format = Mutex(LogFormat(commandLine ?? configuration, environment: environment))
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

/// Writes to standard error.
package enum StandardError {
    /// Writes the whole text and blocks while it is not read. Errors are ignored, as there is nowhere to report them.
    package static func write(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Uses one `write` if the kernel accepts the whole text, so that lines of several processes do not mix.
    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count < 0, errno == EAGAIN {
                    // A process that shares the descriptor has made it non-blocking.
                    var readiness = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&readiness, 1, -1)
                } else if count == 0 || errno != EINTR {
                    return
                }
            }
        }
    }
}
