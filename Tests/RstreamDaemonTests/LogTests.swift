import Logging
import RstreamConfig
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Log lines")
struct LineLogHandlerTests {
    private func line(
        _ format: LineLogHandler.Format,
        _ level: Logger.Level,
        _ message: Logger.Message,
        _ metadata: Logger.Metadata
    ) -> String {
        let written = Observed("")
        var logger = Logger(label: "test") { _ in
            LineLogHandler(format: format, level: LogLevelSwitch(.trace)) { text in written.change { $0 += text } }
        }
        logger[metadataKey: "engine"] = "127.0.0.1:443"
        logger.log(level: level, message, metadata: metadata)
        return written.value
    }

    /// `2026-01-02T03:04:05.678Z`, replaced by what can be compared.
    private func withoutTime(_ text: String) -> String {
        text.replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/, with: "TIME")
    }

    @Test("for people have a time, a level, the message and sorted facts")
    func text() {
        let text = line(.text, .info, "tunnel online", ["tunnel": "web", "address": "a b"])
        #expect(withoutTime(text) == "TIME info tunnel online address=\"a b\" engine=127.0.0.1:443 tunnel=web\n")
    }

    @Test("for machines are one JSON object of texts")
    func json() {
        let text = line(.json, .warning, "no \"session\"", ["error": #"back\slash"#])
        #expect(
            withoutTime(text)
                == #"{"time":"TIME","level":"warning","message":"no \"session\"","#
                + #""engine":"127.0.0.1:443","error":"back\\slash"}"# + "\n"
        )
    }

    @Test(
        "for the journal begin with its priority",
        arguments: [
            (Logger.Level.trace, 7), (.debug, 7), (.info, 6), (.notice, 5), (.warning, 4), (.error, 3), (.critical, 2),
        ]
    )
    func journal(level: Logger.Level, priority: Int) {
        #expect(line(.journal, level, "x", [:]) == "<\(priority)>x engine=127.0.0.1:443\n")
    }

    @Test("stay one line, whatever a peer puts into a fact", arguments: [LineLogHandler.Format.text, .json, .journal])
    func controlCharacters(format: LineLogHandler.Format) {
        let text = line(format, .info, "x", ["a": "1\n<0>forged\r\t\u{1B}[31m\u{7F}\u{9B}\0 e=\"f\""])
        #expect(text.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        #expect(text.hasSuffix("\n"))
        #expect(text.contains(#""1\n<0>forged\r\t\u001b[31m\u007f\u009b\u0000 e=\"f\"""#))
    }

    @Test("quote what would not be read back as one fact", arguments: ["", "a b", "a=b", "\"", "ü"])
    func quoted(value: String) {
        let text = line(.journal, .info, "x", ["k": "\(value)"])
        let escaped = value == "\"" ? "\\\"" : value
        #expect(text == "<6>x engine=127.0.0.1:443 k=\"\(escaped)\"\n")
    }

    @Test("are not written below the level")
    func level() {
        let written = Observed(0)
        let level = LogLevelSwitch(.warning)
        let logger = Logger(label: "test") { _ in
            LineLogHandler(format: .text, level: level) { _ in written.change { $0 += 1 } }
        }
        logger.info("x")
        logger.warning("y")
        #expect(written.value == 1)
        level.set(.info)
        logger.info("z")
        #expect(written.value == 2)
        let fixed = LogLevelSwitch(.error, isFixed: true)
        fixed.set(.trace)
        #expect(fixed.level == .error)
    }

    @Test("have the journal's form when systemd connected standard error to it, and the form that is asked for")
    func format() {
        #expect(LineLogHandler.Format(.auto, environment: ["JOURNAL_STREAM": "8:1"]) == .journal)
        #expect(LineLogHandler.Format(.auto, environment: [:]) != .journal)
        #expect(LineLogHandler.Format(.json, environment: ["JOURNAL_STREAM": "8:1"]) == .json)
        #expect(LineLogHandler.Format(.text, environment: [:]) == .text)
        #expect(LineLogHandler.Format(.journal, environment: [:]) == .journal)
    }
}
