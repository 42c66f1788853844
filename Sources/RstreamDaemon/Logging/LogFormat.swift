// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
package import RstreamConfig

/// The format of log lines, and where they are written.
package enum LogFormat: Hashable, Sendable {
    /// To standard error: `time level message key=value …`, in columns, and in colours on a terminal.
    case text
    /// To standard error: one JSON object with `time`, `level` and `message`, then the facts, which never have one of
    /// these names. Durations are numbers of seconds.
    case json
    /// To the journal by its native protocol; without a journal, to standard error as `<priority>message key=value …`.
    case journal

    /// Resolves `auto`: the journal when systemd connected standard error to it, text on a terminal, JSON
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

    /// Device and inode of standard error, in the format of `JOURNAL_STREAM`. The variable alone is not enough: it
    /// stays set when a unit redirects standard error.
    static var standardError: String? {
        var file = stat()
        return fstat(STDERR_FILENO, &file) == 0 ? "\(file.st_dev):\(file.st_ino)" : nil
    }
}
