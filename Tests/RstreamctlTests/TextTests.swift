// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

@testable import rstreamctl

@Suite("Text for a terminal")
struct TextTests {
    @Test(
        "ages are one number and one unit",
        arguments: [
            (0, "0s"), (59, "59s"), (60, "1m"), (180, "3m"), (3_599, "59m"), (3_600, "1h"), (86_399, "23h"),
            (86_400, "1d"), (864_000_000, "10000d"), (-5, "0s"),
        ]
    )
    func ages(seconds: Int, text: String) {
        #expect(Age(.seconds(seconds)).description == text)
        #expect(Age(from: Sample.ago(.seconds(seconds)), to: Sample.now).description == text)
    }

    @Test(
        "bytes are rounded to what a person reads",
        arguments: [
            (0, "0 B"), (1, "1 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (1_536, "1.5 KiB"), (10_189, "10.0 KiB"),
            (102_400, "100 KiB"), (1_048_063, "1023 KiB"), (1_048_064, "1.0 MiB"), (1_258_291, "1.2 MiB"),
            (1_073_741_824, "1.0 GiB"), (1_099_511_627_776, "1.0 TiB"), (.max, "8192 PiB"), (-1, "0 B"),
        ] as [(Int, String)]
    )
    func bytes(count: Int, text: String) {
        #expect(ByteText(count).description == text)
    }

    @Test(
        "what one thing took has the unit that fits",
        arguments: [
            (0, "0.0 ms"), (0.0012, "1.2 ms"), (0.3404, "340 ms"), (1, "1.0 s"), (12.34, "12.3 s"), (61, "1m"),
            (-1, "0.0 ms"), (.infinity, "0.0 ms"), (.nan, "0.0 ms"),
        ] as [(Double, String)]
    )
    func took(seconds: Double, text: String) {
        #expect(Took(seconds: seconds).description == text)
    }

    @Test(
        "durations on the command line are those of the configuration",
        arguments: [
            ("30s", Duration.seconds(30)), ("250ms", .milliseconds(250)), ("2m", .seconds(120)),
            ("1h", .seconds(3_600)),
            ("0s", .zero), ("", nil), ("30", nil), ("s", nil), ("-1s", nil), ("1d", nil), ("1 s", nil), ("1s ", nil),
            ("99999999999999999999s", nil), ("999999999999h", nil), ("١s", nil), ("1.5s", .milliseconds(1_500)),
            ("1.s", nil), (".5s", nil), ("1.2345s", nil), ("1s\n", nil), ("8784h", .seconds(31_622_400)),
            ("8785h", nil),
        ] as [(String, Duration?)]
    )
    func durations(text: String, expected: Duration?) {
        #expect(DurationText(text)?.duration == expected)
    }

    @Test("what moves, colours or turns a terminal is escaped, and takes the columns of its escape")
    func printable() {
        let bad = "a\u{1B}[31mb\nc\rd\te\u{7}f\u{9B}g\u{202E}h\u{2028}i\u{200B}j\u{E0041}k\u{FEFF}\r\n"
        let shown =
            #"a\u{1B}[31mb\u{A}c\u{D}d\u{9}e\u{7}f\u{9B}g\u{202E}h\u{2028}i\u{200B}j\u{E0041}k\u{FEFF}\u{D}\u{A}"#
        #expect(Line(bad).plain == shown)
        #expect(Line(bad).width == shown.utf8.count)
        #expect(Line("grün 名前 👍 e\u{301}").plain == "grün 名前 👍 e\u{301}")
    }

    @Test("a text without end is cut, and its marks do not flood the lines around it")
    func endless() {
        for unit in Growth.units {
            let line = Line(Growth.text(unit, 1_000_000))
            #expect(line.plain.utf8.count <= 6 * 4_096)
            #expect(line.plain.hasSuffix("…"))
        }
        #expect(Line("e" + Growth.text("\u{301}", 1_000)).plain == "e" + String(repeating: "\u{301}", count: 8) + "…")
    }

    @Test("a cell is as wide as the longest name of a host, and does not make the others of its column wider")
    func wideCell() {
        let long = String(repeating: "名", count: 60_000)
        let table = Table(
            [.init("A"), .init("B")],
            [.init([Piece(long), Piece("x")]), .init([Piece("a"), Piece("b")])]
        )
        #expect(table.lines.allSatisfy { $0.width <= 256 })
        #expect(table.lines[1].plain.contains("名…"))
        let name = String(repeating: "n", count: 253)
        #expect(Table([.init("A")], [.init([Piece(name)])]).lines[1].plain == name)
    }

    @Test(
        "text is as wide as a terminal shows it",
        arguments: [("", 0), ("abc", 3), ("grün", 4), ("e\u{301}", 1), ("名前", 4), ("👍", 2), ("…", 1), ("ﬁ", 1)]
    )
    func width(text: String, columns: Int) {
        #expect(Line(text).width == columns)
    }

    @Test("a line that does not fit ends with an ellipsis, and never is too wide")
    func cut() {
        let line = Line([Piece("ab", .good), Piece("名前", .bad), Piece("cd")])
        let expected = ["", "…", "a…", "ab…", "ab…", "ab名…", "ab名…", "ab名前…", "ab名前cd", "ab名前cd"]
        for (columns, text) in expected.enumerated() {
            let cut = line.cut(to: columns)
            #expect(cut.plain == text)
            #expect(cut.width <= columns)
        }
    }

    @Test("tones are colours only where colours are wanted")
    func paint() {
        let line = Line([Piece("a"), Piece("b", .bad), Piece("", .good)])
        #expect(line.painted(.none) == "ab")
        #expect(line.painted(.colours) == "a\u{1B}[31mb\u{1B}[0m")
    }

    @Test("colours are for terminals that can, and for people without NO_COLOR")
    func wantsColour() {
        let xterm = ["TERM": "xterm"]
        #expect(Paint(isTerminal: true, environment: xterm) == .colours)
        #expect(Paint(isTerminal: false, environment: xterm) == .none)
        #expect(Paint(isTerminal: true, environment: ["TERM": "dumb"]) == .none)
        #expect(Paint(isTerminal: true, environment: ["TERM": "xterm", "NO_COLOR": "1"]) == .none)
        #expect(Paint(isTerminal: true, environment: ["TERM": "xterm", "NO_COLOR": ""]) == .colours)
        #expect(Paint(isTerminal: true, environment: [:]) == .colours)
    }

    @Test("columns are as wide as what is in them, notes stand under their row, no line ends with spaces")
    func table() {
        let table = Table(
            [.init("NAME"), .init("COUNT", .right), .init("LAST")],
            [
                .init([Piece("a"), Piece("1"), Piece("x")], notes: [Line("fix: this")]),
                .init([Piece("名前名前"), Piece("123456"), Piece("")]),
                .init([Piece("c")]),
            ]
        )
        #expect(
            table.lines.map(\.plain) == [
                "NAME       COUNT  LAST",
                "a              1  x",
                "    fix: this",
                "名前名前  123456",
                "c",
            ]
        )
    }

    @Test("JSON is indented, and what is in strings stays as it is")
    func indented() {
        let json = #"{"a":[1,{"b":"x,{]\"\\"}],"c":{},"d":[], "e":null}"#
        #expect(
            IndentedJSON(json.utf8).lines == [
                "{", #"  "a": ["#, "    1,", "    {", #"      "b": "x,{]\"\\""#, "    }", "  ],", #"  "c": {},"#,
                #"  "d": [],"#, #"  "e": null"#, "}",
            ]
        )
        #expect(IndentedJSON("}}]".utf8).lines.count < 10, "no JSON, and no crash")
        #expect(IndentedJSON("".utf8).lines.isEmpty)
    }

    @Test(
        "no document costs more than its length",
        arguments: Growth.units + ["[", "{\"a\":", "[]", "[{}],", "1,", "{", "}", "\"", "\\", ":", " "]
    )
    func growth(unit: String) {
        for head in ["", "[", "\""] {
            Growth.expectLinear("after \(head)", length: Growth.longest / 4) {
                Array((head + Growth.text(unit, $0)).utf8)
            } _: {
                for line in IndentedJSON($0).lines { _ = line.utf8.count }
            }
        }
    }

    @Test("no text costs more than its length to be shown", arguments: Growth.units + ["名", "e\u{301}", "\t"])
    func shown(unit: String) {
        Growth.expectLinear {
            Growth.text(unit, $0)
        } _: { text in
            let printable = text.printable
            _ = printable.terminalColumns + printable.leading(1_000_000).utf8.count + text.quotedJSON.utf8.count
        }
    }
}
