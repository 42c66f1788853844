// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import Logging
import RstreamAdmin
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("Log lines")
struct LogRecordTests {
    private func record(
        _ level: Logger.Level,
        _ message: String,
        _ facts: Logger.Metadata = [:]
    ) -> LogRecord {
        LogRecord(level, message, facts.merging(["engine": "127.0.0.1:443"]) { $1 })
    }

    /// `2026-01-02T03:04:05.678Z`, replaced by what can be compared.
    private func withoutTime(_ text: String) -> String {
        text.replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/, with: "TIME")
    }

    private func journal(_ record: LogRecord) -> [String] {
        String(decoding: record.journalEntry.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test("for people have a time, a level, the message and sorted facts, below those of other lines")
    func text() {
        let long = "a message that is longer than most others are"
        let records = [
            record(.info, "tunnel online", ["tunnel": "web", "address": "a b"]), record(.critical, "stuck"),
            record(.warning, "session down, retrying", ["attempts": .stringConvertible(3)]),
            record(.error, long), LogRecord(.debug, "stopped"),
        ]
        #expect(
            withoutTime(records.map { $0.text(.none) }.joined()) == """
                TIME info     tunnel online                            address="a b" engine=127.0.0.1:443 tunnel=web
                TIME critical stuck                                    engine=127.0.0.1:443
                TIME warning  session down, retrying                   attempts=3 engine=127.0.0.1:443
                TIME error    \(long) engine=127.0.0.1:443
                TIME debug    stopped

                """
        )
    }

    @Test(
        "for people on a terminal have a level in its colour and faint names of facts, and say the same",
        arguments: [
            (Logger.Level.trace, 2), (.debug, 2), (.info, 32), (.notice, 1), (.warning, 33), (.error, 31),
            (.critical, 31),
        ]
    )
    func colours(level: Logger.Level, number: Int) {
        let record = record(level, "x", ["a": "\(Self.nasty)", "b\u{1B}[31m": "1"])
        let text = record.text(.colours)
        #expect(text.contains(" \u{1B}[\(number)m\(level)\u{1B}[0m "))
        #expect(text.contains(" \u{1B}[2mengine=\u{1B}[0m127.0.0.1:443"))
        // Only the level and three keys are coloured.
        #expect(text.count { $0 == "\u{1B}" } == 8)
        #expect(text.replacing(/\u{1B}\[\d+m/, with: "") == record.text(.none))
    }

    @Test("for programs are one JSON object with strings, numbers and booleans")
    func json() {
        let facts: Logger.Metadata = [
            "attempts": .stringConvertible(3), "bytes": .stringConvertible(UInt64.max),
            "change": .stringConvertible(-1 as Int32), "error": #"back\slash"#,
            "for": .stringConvertible(Duration.seconds(30)),
            "in": .stringConvertible(Duration.milliseconds(4_205)), "is": .stringConvertible(true), "tunnel": "\(123)",
            "version": .stringConvertible("10"[...]), "x": ["1", "2"],
        ]
        let text = record(.warning, "no \"session\"", facts).json
        #expect(
            withoutTime(text)
                == #"{"time":"TIME","level":"warning","message":"no \"session\"","attempts":3,"#
                + #""bytes":18446744073709551615,"change":-1,"engine":"127.0.0.1:443","error":"back\\slash","for":30,"#
                + #""in":4.205,"is":true,"tunnel":"123","version":"10","x":"[\"1\", \"2\"]"}"# + "\n"
        )
    }

    @Test("have the same numbers for people and in the journal")
    func numbers() {
        let facts: Logger.Metadata = [
            "attempts": .stringConvertible(3), "in": .stringConvertible(Duration.milliseconds(4_205)),
            "is": .stringConvertible(false),
        ]
        let said = #"attempts=3 in="4.205 s" is=false"#
        #expect(LogRecord(.info, "x", facts).prioritized == "<6>x \(said)\n")
        #expect(LogRecord(.info, "x", facts).text(.none).hasSuffix(" \(said)\n"))
        let fields = journal(LogRecord(.info, "x", facts))
        #expect(fields.suffix(3) == ["RSTREAM_ATTEMPTS=3", "RSTREAM_IN=4.205 s", "RSTREAM_IS=false"])
    }

    @Test("have the time of the log call, not of the write")
    func time() {
        let before = UTCTime(seconds: Int64(Glibc.time(nil))).toTheSecond.dropLast()
        let said = record(.info, "x")
        let after = UTCTime(seconds: Int64(Glibc.time(nil))).toTheSecond.dropLast()
        #expect(before...after ~= said.text(.none).prefix(before.count))
    }

    @Test(
        "for the journal have its priority",
        arguments: [
            (Logger.Level.trace, 7), (.debug, 7), (.info, 6), (.notice, 5), (.warning, 4), (.error, 3), (.critical, 2),
        ]
    )
    func priority(level: Logger.Level, priority: Int) {
        #expect(record(level, "x").prioritized == "<\(priority)>x engine=127.0.0.1:443\n")
        #expect(journal(record(level, "x")).contains("PRIORITY=\(priority)"))
    }

    @Test("for the journal have each fact as a field, a message id, and a message with the facts")
    func fields() throws {
        let facts: Logger.Metadata = [
            "context": "main", "session_id": "7", "tunnel": "web", "stream_id": "s1",
            "error_code": "ERR_RSTREAM_ENGINE",
            "hold_timeout": "5",
        ]
        let id = try #require(LogCatalogue.id(of: "stream closed"))
        #expect(
            journal(record(.debug, "stream closed", facts)) == [
                "MESSAGE=stream closed context=main engine=127.0.0.1:443 error_code=ERR_RSTREAM_ENGINE "
                    + "hold_timeout=5 session_id=7 stream_id=s1 tunnel=web",
                "PRIORITY=7", "SYSLOG_IDENTIFIER=rstreamd", "MESSAGE_ID=\(id)", "RSTREAM_CONTEXT=main",
                "RSTREAM_ENGINE=127.0.0.1:443", "RSTREAM_ERROR_CODE=ERR_RSTREAM_ENGINE", "RSTREAM_HOLD_TIMEOUT=5",
                "RSTREAM_SESSION=7", "RSTREAM_STREAM=s1", "RSTREAM_TUNNEL=web",
            ]
        )
        #expect(!journal(record(.debug, "never heard of")).contains { $0.hasPrefix("MESSAGE_ID") })
    }

    private static let nasty = "1\n<0>forged\r\t\u{1B}[31m\u{7F}\u{9B}\0 e=\"f\""

    @Test("stay one line, whatever is in a fact")
    func controlCharacters() {
        let record = record(.info, "x", ["a": "\(Self.nasty)"])
        for text in [record.text(.none), record.json, record.prioritized] {
            #expect(text.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
            #expect(text.hasSuffix("\n"))
            #expect(text.contains(#""1\n<0>forged\r\t\u001b[31m\u007f\u009b\u0000 e=\"f\""#))
        }
    }

    @Test(
        "escape invisible characters and those that change the direction of text",
        arguments: [
            "\u{85}", "\u{9B}", "\u{200B}", "\u{202E}", "\u{2028}", "\u{2066}", "\u{FEFF}", "\u{E0041}", "\u{1B}",
            "\r\n",
        ]
    )
    func hiddenCharacters(hidden: String) throws {
        let record = LogRecord(.info, "x\(hidden)", ["a": "1\(hidden)2", "b\(hidden)": "\(hidden)"])
        let message = try #require(journal(record).first { $0.hasPrefix("MESSAGE") || $0.isEmpty })
        for text in [record.text(.none), record.json, record.prioritized, message] {
            #expect(!text.drop(while: \.isNewline).dropLast().unicodeScalars.contains { $0.isHidden }, "\(text)")
        }
        #expect(record.prioritized.split(byte: "\n").count == 1)
        // Programs read the original text.
        let fields = try AdminJSON.decode([String: String].self, from: record.json.utf8)
        #expect(fields["message"] == "x\(hidden)")
        #expect(fields["a"] == "1\(hidden)2")
        #expect(fields["b\(hidden)"] == hidden)
    }

    @Test("limit combining marks, and cut a long message")
    func marks() {
        let marks = String(repeating: "\u{301}", count: 3_000)
        let record = record(.info, "e\(marks)", ["a": "e\(marks)"])
        for text in [record.text(.none), record.prioritized] {
            #expect(text.unicodeScalars.count { $0 == "\u{301}" } == 16)
        }
        #expect(LogRecord(.info, String(repeating: "x", count: 100_000)).text(.none).utf8.count < 4_200)
    }

    @Test("for the journal keep a fact as it is, which cannot add fields")
    func journalControlCharacters() {
        let bytes = record(.info, "x", ["a": "\(Self.nasty)"]).journalEntry.bytes
        let length = UInt8(Self.nasty.utf8.count)
        let field = Array("RSTREAM_A\n".utf8) + [length, 0, 0, 0, 0, 0, 0, 0] + Array("\(Self.nasty)\n".utf8)
        #expect(bytes.firstRange(of: field) != nil)
    }

    @Test("quote values that are not one plain word", arguments: ["", "a b", "a=b", "\"", "ü"])
    func quoted(value: String) {
        let escaped = value == "\"" ? "\\\"" : value
        #expect(
            record(.info, "x", ["k": "\(value)"]).prioritized == "<6>x engine=127.0.0.1:443 k=\"\(escaped)\"\n"
        )
    }

    @Test("cut a long fact between characters")
    func longFact() throws {
        for character in ["x", "é", "€", "😀"] {
            let value = "-" + String(repeating: character, count: 5_000)
            let kept = try #require(record(.info, "x", ["k": "\(value)"]).facts.last).text
            #expect(kept.hasSuffix("…") && value.hasPrefix(kept.dropLast()))
            #expect((4_093...4_099).contains(kept.utf8.count))
        }
        let whole = String(repeating: "x", count: 4_096)
        #expect(record(.info, "x", ["k": "\(whole)"]).facts.last?.text == whole)
    }

    @Test("go to the journal when systemd has connected standard error to it, or where configured")
    func format() throws {
        let ours = try #require(LogFormat.standardError)
        #expect(LogFormat(.auto, environment: ["JOURNAL_STREAM": ours]) == .journal)
        #expect(LogFormat(.auto, environment: ["JOURNAL_STREAM": "\(ours)0"]) != .journal)
        #expect(LogFormat(.auto, environment: ["JOURNAL_STREAM": ""]) != .journal)
        #expect(LogFormat(.auto, environment: [:]) != .journal)
        #expect(LogFormat(.json, environment: ["JOURNAL_STREAM": ours]) == .json)
        #expect(LogFormat(.text, environment: [:]) == .text)
        #expect(LogFormat(.journal, environment: [:]) == .journal)
    }
}

@Suite("The level of the log")
struct LogLevelTests {
    @Test("is the operator's, else the command line's, else the configuration's")
    func precedence() {
        let configured = LogLevelSwitch(.warning)
        #expect(configured.current == .warning && configured.level == .warning)
        configured.set(.info)
        #expect(configured.current == .info && configured.level == .info)
        configured.override(.trace)
        #expect(configured.current == .trace && configured.level == .trace)
        configured.set(.error)
        #expect(configured.current == .trace, "a reload does not undo what the operator said")
        configured.override(.critical)
        #expect(configured.current == .critical && configured.level == .critical)

        let commanded = LogLevelSwitch(.warning, commandLine: .debug)
        #expect(commanded.current == .debug)
        commanded.set(.error)
        #expect(commanded.current == .debug && commanded.level == .debug)
        commanded.override(.notice)
        #expect(commanded.current == .notice && commanded.level == .notice)
    }

    @Test("decides what is written, also after a change, unless a logger has its own")
    func effect() {
        let written = Observed<[String]>([])
        let sink = LogSink { record in written.change { $0.append(record.message) } }
        let level = LogLevelSwitch(.warning)
        var logger = Logger(label: "test") { _ in SinkLogHandler(sink, level: level) }
        logger.info("a")
        logger.warning("b")
        level.override(.info)
        logger.info("c")
        logger.debug("d")
        logger.logLevel = .debug
        logger.debug("e")
        sink.close(within: testTimeout)
        #expect(written.value == ["b", "c", "e"])
    }
}
