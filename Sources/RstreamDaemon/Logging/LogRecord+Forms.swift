internal import Linux
internal import Logging
internal import RstreamModel
internal import Systemd

extension LogRecord {
    /// Columns of a text line, so that messages are below each other, and facts too.
    private static let levelColumns = "critical".count
    /// Most messages are no longer.
    private static let messageColumns = 40

    /// For people: `time level message key=value …`, in columns where the message leaves room for that.
    func text(_ paint: Paint) -> String {
        let (word, message) = ("\(level)", message.printable)
        let columns = [
            RFC3339.text(time), paint.apply(level.style, to: word) + word.gap(to: Self.levelColumns),
            facts.isEmpty ? message : message + message.gap(to: Self.messageColumns),
        ]
        let said = facts.map { paint.apply(.faint, to: "\($0.key.printable)=") + $0.shown }
        return (columns + said).joined(separator: " ") + "\n"
    }

    /// For machines: one object, the facts after what every line has.
    var json: String {
        let fields = [("time", RFC3339.text(time)), ("level", "\(level)"), ("message", message)]
        let members = fields.map { ($0, $1.quotedJSON) } + facts.map { ($0.key, $0.json) }
        return "{" + members.map { "\($0.quotedJSON):\($1)" }.joined(separator: ",") + "}\n"
    }

    /// For whoever reads standard error in journald's place, or is journald itself: `<priority>message key=value …`.
    var prioritized: String { "<\(priority)>\(sentence)\n" }

    /// For the journal. `MESSAGE` has the facts too, because that is all that `journalctl` shows unless asked for
    /// more; what is the same in all lines of a kind is `MESSAGE_ID`.
    var journalEntry: JournalEntry {
        var entry = JournalEntry()
        entry.add("MESSAGE", sentence)
        entry.add("PRIORITY", "\(priority)")
        entry.add("SYSLOG_IDENTIFIER", "rstreamd")
        if let id = LogCatalogue.id(of: message) { entry.add("MESSAGE_ID", id) }
        for fact in facts { entry.add(Self.journalField(fact.key), fact.text) }
        return entry
    }

    /// The journal's name of a fact: the names of contract §8, and by their pattern all others.
    private static func journalField(_ key: String) -> String {
        switch key {
        case LogKey.sessionID: "RSTREAM_SESSION"
        case LogKey.streamID: "RSTREAM_STREAM"
        default: "RSTREAM_\(key)"
        }
    }

    /// syslog's number of the level.
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

    /// One line, of which nothing can begin another one.
    private var sentence: String {
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
    /// The spaces behind it that make it so many columns wide.
    fileprivate func gap(to columns: Int) -> String { String(repeating: " ", count: max(0, columns - count)) }
}
