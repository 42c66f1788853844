internal import Logging
internal import RstreamModel
internal import Systemd

extension LogRecord {
    /// For people: `time level message key=value …`.
    var text: String { "\(RFC3339.text(time)) \(level) \(sentence)\n" }

    /// For machines: one object of strings, the facts after what every line has. Numbers are strings too, so that a
    /// fact has one type whatever it says.
    var json: String {
        let fields = [("time", RFC3339.text(time)), ("level", "\(level)"), ("message", message)]
        return "{" + (fields + facts).map { "\($0.quotedJSON):\($1.quotedJSON)" }.joined(separator: ",") + "}\n"
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
        for (key, value) in facts { entry.add(Self.journalField(key), value) }
        return entry
    }

    /// The journal's name of a fact: the names of contract §8, and by their pattern all others.
    private static func journalField(_ key: String) -> String {
        switch key {
        case LogKey.context: "RSTREAM_SESSION"
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

    // MARK: One line

    /// Nothing in it can begin another line or reach a terminal, whoever has said what.
    private var sentence: String {
        facts.reduce(into: message) { sentence, fact in
            sentence += " \(fact.key)=\(Self.isPlain(fact.value) ? fact.value : fact.value.quotedJSON)"
        }.printable
    }

    private static func isPlain(_ value: String) -> Bool {
        !value.isEmpty
            && value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
    }
}
