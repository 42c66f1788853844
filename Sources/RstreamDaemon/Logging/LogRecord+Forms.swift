// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamModel
internal import Systemd

extension LogRecord {
    /// The width of the level in a text line, so that messages and facts are aligned.
    private static let levelColumns = "critical".count
    /// The width of most messages.
    private static let messageColumns = 40

    /// For people: `time level message key=value …`, in columns where the message is short enough.
    func text(_ paint: Paint) -> String {
        let (word, message) = ("\(level)", message.printable)
        let columns = [
            "\(time)", paint.apply(level.style, to: word) + word.padding(to: Self.levelColumns),
            facts.isEmpty ? message : message + message.padding(to: Self.messageColumns),
        ]
        let shownFacts = facts.map { paint.apply(.faint, to: "\($0.key.printable)=") + $0.shown }
        return (columns + shownFacts).joined(separator: " ") + "\n"
    }

    /// For programs: one JSON object, the facts last.
    var json: String {
        let fields = [("time", "\(time)"), ("level", "\(level)"), ("message", message)]
        let members = fields.map { ($0, $1.quotedJSON) } + facts.map { ($0.key, $0.json) }
        return "{" + members.map { "\($0.quotedJSON):\($1)" }.joined(separator: ",") + "}\n"
    }

    /// For journald or another service manager that reads standard error: `<priority>message key=value …`.
    var prioritized: String { "<\(priority)>\(line)\n" }

    /// For the journal. `MESSAGE` includes the facts, because `journalctl` shows nothing else by default.
    var journalEntry: JournalEntry {
        var entry = JournalEntry()
        entry.add("MESSAGE", line)
        entry.add("PRIORITY", "\(priority)")
        entry.add("SYSLOG_IDENTIFIER", "rstreamd")
        if let id = LogCatalogue.id(of: message) { entry.add("MESSAGE_ID", id) }
        for fact in facts { entry.add(Self.journalField(fact.key), fact.text) }
        return entry
    }

    /// The journal field of a fact (contract §8).
    private static func journalField(_ key: String) -> String {
        switch key {
        case LogKey.sessionID: "RSTREAM_SESSION"
        case LogKey.streamID: "RSTREAM_STREAM"
        default: "RSTREAM_\(key)"
        }
    }

    /// The syslog priority of the level.
    private var priority: Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// The message and its facts on one line.
    private var line: String {
        ([message.printable] + facts.map { "\($0.key.printable)=\($0.shown)" }).joined(separator: " ")
    }
}

extension Logger.Level {
    fileprivate var style: Paint.Style {
        switch self {
        case .trace, .debug: .faint
        case .info: .green
        case .notice: .bold
        case .warning: .yellow
        case .error, .critical: .red
        }
    }
}

extension String {
    /// The spaces that fill the string up to a width.
    fileprivate func padding(to columns: Int) -> String { String(repeating: " ", count: max(0, columns - count)) }
}
