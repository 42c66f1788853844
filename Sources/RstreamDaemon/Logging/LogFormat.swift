internal import Glibc
internal import Linux
package import RstreamConfig

/// What a log line looks like, and where it goes.
package enum LogFormat: Hashable, Sendable {
    /// To standard error: `time level message key=value …`, in columns, and in colours on a terminal.
    case text
    /// To standard error: one JSON object. `time`, `level` and `message` come first, then the facts, whose names none of
    /// the three is. Numbers and booleans are that, durations numbers of seconds, and everything else is a string.
    case json
    /// To the journal by its own protocol, and where there is none to standard error as `<priority>message key=value …`.
    case journal

    /// What `auto` means here: the journal when systemd connected standard error to it, text on a terminal, JSON
    /// otherwise (contract §3.1).
    package init(_ format: LogSettings.Format, environment: [String: String]) {
        switch format {
        case .journal: self = .journal
        case .json: self = .json
        case .text: self = .text
        case .auto:
            if let stream = environment["JOURNAL_STREAM"], stream == Self.standardError {
                self = .journal
            } else {
                self = TerminalSize.isTerminal(STDERR_FILENO) ? .text : .json
            }
        }
    }

    /// What standard error is, as systemd writes it: device and inode. The variable alone says nothing: whoever
    /// redirects standard error in a unit leaves it set.
    static var standardError: String? {
        var file = stat()
        return fstat(STDERR_FILENO, &file) == 0 ? "\(file.st_dev):\(file.st_ino)" : nil
    }
}
