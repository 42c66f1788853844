// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import GuardedJSON
import RstreamAdmin
import RstreamModel
import Testing

@Suite("Numbers in answers")
struct CountTests {
    private static func json(_ value: some Encodable) throws -> String {
        String(decoding: try AdminJSON.encode(value), as: UTF8.self)
    }

    private static let time = UTCTime(milliseconds: 0)

    /// Every answer with a count of 7, and nothing else that is 7.
    private static let answers: [(String, @Sendable (String) -> Bool)] = {
        func reads<Value: Codable & SendableMetatype>(_ value: Value) -> (String, @Sendable (String) -> Bool) {
            let json = (try? json(value)) ?? ""
            return (json, { text in (try? AdminJSON.decode(Value.self, from: text.utf8)) != nil })
        }
        var event = Event(id: 1, time: time, type: "a")
        event.missed = 7
        let facts = DaemonFacts(
            version: "1",
            pid: 7,
            state: .running,
            startedAt: time,
            configFiles: [],
            lastReload: nil
        )
        let diagnostic = DiagnosticReport(
            severity: "e",
            file: "f",
            line: 7,
            column: 1,
            message: "",
            hint: nil,
            text: ""
        )
        return [
            reads(StreamCounts(active: 7)), reads(StreamCounts(total: 7)), reads(StreamCounts(failed: 7)),
            reads(ByteCounts(received: 7)), reads(ByteCounts(sent: 7)), reads(event), reads(facts), reads(diagnostic),
            reads(SessionStatus(id: "1", context: "c", engine: "e", state: .online, since: time, attempt: 7)),
            reads(ReloadChange(tunnel: "t", action: .add, streams: 7)),
            reads(PrewarmStatus(warm: 7)), reads(PrewarmStatus(hit: 7)), reads(PrewarmStatus(miss: 7)),
            reads(PrewarmStatus(wasted: 7)), reads(PrewarmStatus(aged: 7)), reads(CanaryStatus(failures: 7)),
        ]
    }()

    @Test("are counts: from none to 2^53, and an answer with another one cannot be read", arguments: answers.indices)
    func bounds(index: Int) {
        let (json, isRead) = Self.answers[index]
        func with(_ number: String) -> String { json.replacing(":7", with: ":" + number) }
        #expect(with("x") != json)
        for number in ["0", "1", "9007199254740992", "1e3", "5.0"] { #expect(isRead(with(number)), "\(number)") }
        for number in [
            "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e18",
            "1e300",
            "1e400", "0.5", #""7""#, "[7]", "true",
        ] {
            #expect(!isRead(with(number)), "\(number) in \(json)")
        }
    }

    @Test(
        "never are anything else in a program either",
        arguments: [(-1, 0), (.min, 0), (.max, 1 << 53), (7, 7)] as [(Int, Int)]
    )
    func nearest(number: Int, count: Int) {
        var counts = StreamCounts(active: number)
        #expect(counts.active == count)
        counts.total = number
        #expect(counts.total == count)
    }
}

@Suite("JSON of the admin API")
struct AdminJSONTests {
    /// What a terminal acts on or does not show: C0, DEL, C1, directions, zero width, separators, a tag, a byte order mark.
    private static let hidden: [Unicode.Scalar] = [
        "\0", "\u{1B}", "\u{7F}", "\u{80}", "\u{85}", "\u{9B}", "\u{AD}", "\u{61C}", "\u{200B}", "\u{200D}", "\u{200E}",
        "\u{202E}", "\u{2028}", "\u{2029}", "\u{2060}", "\u{2066}", "\u{2069}", "\u{FE0F}", "\u{FEFF}", "\u{FFF9}",
        "\u{E0001}", "\u{E0041}", "\u{E0100}",
    ]

    @Test("escapes what a terminal would act on or not show, and is read back as it was", arguments: hidden)
    func escaped(scalar: Unicode.Scalar) throws {
        for text in [String(scalar), "a\(scalar)b", "grün\(scalar)名前👍"] {
            let bytes = try AdminJSON.encode([text: [text]])
            let json = String(decoding: bytes, as: UTF8.self)
            #expect(!json.unicodeScalars.contains { $0.isHidden }, "\(json)")
            #expect(try AdminJSON.decode([String: [String]].self, from: bytes) == [text: [text]])
        }
    }

    @Test("leaves what a person can read as it is")
    func plain() throws {
        let text = "a \" \\ / grün 名前 👍 e\u{301}"
        #expect(try AdminJSON.encode([text]) == Array(#"["a \" \\ / grün 名前 👍 e\#u{301}"]"#.utf8))
    }

    @Test("is read to 64 levels and to its limit")
    func bounds() {
        for depth in [65, 513] {
            let json = Array(String(repeating: "[", count: depth).utf8)
            #expect(throws: GuardedJSON.Failure.tooDeep) { try AdminJSON.decode(JSONValue.self, from: json) }
        }
        #expect(throws: GuardedJSON.Failure.tooLong(limit: 1)) {
            try AdminJSON.decode(JSONValue.self, from: Array("[]".utf8), limit: 1)
        }
    }
}
