internal import Glibc
package import Logging

/// Writes log lines to standard error: for people, for machines, or for the journal.
///
/// Each line is one `write`, so lines of several threads do not mix.
package struct LineLogHandler: LogHandler {
    /// What a line looks like.
    package enum Format: Hashable, Sendable {
        /// `time level message key=value …`
        case text
        /// One JSON object.
        case json
        /// `<priority>message key=value …`, which journald takes apart.
        case journal
    }

    package var logLevel: Logger.Level {
        get { own ?? shared.level }
        set { own = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    /// Set for one logger only.
    private var own: Logger.Level?
    private let shared: LogLevelSwitch
    private let format: Format
    private let write: @Sendable (String) -> Void

    package init(
        format: Format,
        level: LogLevelSwitch,
        write: @escaping @Sendable (String) -> Void = LineLogHandler.writeToStandardError
    ) {
        self.format = format
        self.write = write
        shared = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var facts = metadata
        if let own = event.metadata { facts.merge(own) { $1 } }
        let sorted = facts.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        switch format {
        case .text:
            write("\(RFC3339.now()) \(event.level) \(event.message)\(Self.pairs(sorted))\n")
        case .journal:
            write("<\(event.level.priority)>\(event.message)\(Self.pairs(sorted))\n")
        case .json:
            let fields =
                [("time", RFC3339.now()), ("level", "\(event.level)"), ("message", "\(event.message)")] + sorted
            write("{" + fields.map { "\(Self.quoted($0)):\(Self.quoted($1))" }.joined(separator: ",") + "}\n")
        }
    }

    private static func pairs(_ facts: [(String, String)]) -> String {
        facts.map { key, value in " \(key)=\(isPlain(value) ? value : quoted(value))" }.joined()
    }

    private static func isPlain(_ value: String) -> Bool {
        !value.isEmpty
            && value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
    }

    /// A JSON string; control characters cannot break a line or a terminal.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Writes the whole text to standard error; there is nobody to tell when that fails.
    package static let writeToStandardError: @Sendable (String) -> Void = { text in
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count, let base = bytes.baseAddress {
                let count = Glibc.write(STDERR_FILENO, base + written, bytes.count - written)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                written += count
            }
        }
    }
}

extension Logger.Level {
    /// syslog's number, as journald reads it from the start of a line.
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
