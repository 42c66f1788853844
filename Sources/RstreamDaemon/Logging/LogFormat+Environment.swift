internal import Glibc
package import RstreamConfig

extension LineLogHandler.Format {
    /// What `auto` means here: the journal when systemd connected standard error to it, text on a terminal, JSON
    /// otherwise (contract §3.1).
    package init(_ format: LogSettings.Format, environment: [String: String]) {
        switch format {
        case .journal: self = .journal
        case .json: self = .json
        case .text: self = .text
        case .auto:
            if environment["JOURNAL_STREAM"] != nil {
                self = .journal
            } else {
                self = isatty(STDERR_FILENO) == 1 ? .text : .json
            }
        }
    }
}
