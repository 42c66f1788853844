// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import GuardedJSON
import RstreamTestSupport
import Testing

@Suite("JSON from outside")
struct GuardedJSONTests {
    /// Any JSON, at whatever depth.
    private indirect enum Tree: Decodable {
        case branch([Tree])
        case leaf

        init(from decoder: any Decoder) throws {
            if let items = try? decoder.singleValueContainer().decode([Tree].self) {
                self = .branch(items)
            } else if let fields = try? decoder.singleValueContainer().decode([String: Tree].self) {
                self = .branch(Array(fields.values))
            } else {
                self = .leaf
            }
        }
    }

    private struct Item: Decodable, Hashable {
        var name: String?
        var count: Int?
        var more: [Item]?
    }

    private static func failure(_ bytes: some Collection<UInt8>, limit: Int = 1 << 20) -> GuardedJSON.Failure? {
        do throws(GuardedJSON.Failure) {
            _ = try GuardedJSON.decode(Tree.self, from: bytes, limit: limit)
            return nil
        } catch {
            return error
        }
    }

    private static func failure(_ text: String) -> GuardedJSON.Failure? { failure(Array(text.utf8)) }

    // MARK: Depth

    @Test("64 levels are read, closed or not, and one more is too deep, of whatever kind", arguments: ["[", #"{"a":"#])
    func depth(opening: String) {
        let closing = opening == "[" ? "]" : "}"
        func nested(_ depth: Int) -> String {
            String(repeating: opening, count: depth) + (opening == "[" ? "" : "1")
                + String(repeating: closing, count: depth)
        }
        #expect(Self.failure(nested(64)) == nil)
        #expect(Self.failure(nested(65)) == .tooDeep)
        #expect(Self.failure(String(repeating: opening, count: 64)) == .malformed(place: ""))
        for depth in [65, 511, 512, 513, 514, 1_024, 20_000] {
            for text in [
                String(repeating: opening, count: depth), " " + String(repeating: opening + " ", count: depth),
            ] {
                #expect(Self.failure(text) == .tooDeep)
            }
        }
    }

    @Test(
        "brackets that a parser would see are seen, however strings are written around them",
        arguments: [
            #"["\"","#, #"["\\","#, #"["\\\"","#, #"["]]]]","#, #"["\u0022","#, "[\"\u{FEFF}\",", #"["\"]","#,
        ]
    )
    func hidden(head: String) {
        #expect(Self.failure(head + String(repeating: "[", count: 600)) == .tooDeep)
    }

    @Test(
        "an escape that is none hides no brackets: a decoder passes over it in a way of its own",
        arguments: [
            #"["\é","#, #"["\uabc\","#, #"["\u12","#, #"["\x","#, "[\"\\\u{1F600}\",", "\"\\", "\"\\é",
            "\"\\\u{1F600}",
        ]
    )
    func invalidEscape(head: String) {
        #expect(Self.failure(head) == .malformed(place: ""))
        #expect(Self.failure(head + Self.deep) == .malformed(place: ""))
    }

    @Test("brackets in a string are none", arguments: [#"["[[[[","{{{"]"#, #"["\"[[["]"#, #"["\\"]"#])
    func inStrings(json: String) {
        let many = json.replacing("[[[", with: String(repeating: "[", count: 600))
        #expect(Self.failure(many) == nil)
    }

    @Test("as many arrays beside one another as fit are no depth")
    func beside() {
        #expect(Self.failure("[" + String(repeating: "[],", count: 2_000) + "[]]") == nil)
    }

    // MARK: Encoding

    private static let deep = String(repeating: "[", count: 600)

    @Test("input that is not UTF-8 is refused before it is parsed: in UTF-16 and UTF-32 a quote is no quote")
    func encodings() {
        let units = Array(#""\#(Self.deep)"#.utf8)
        let little: [UInt8] = units.flatMap { [$0, 0] }
        let big: [UInt8] = units.flatMap { [0, $0] }
        let wide: [UInt8] = units.flatMap { [0, 0, 0, $0] }
        // U+2200 in UTF-16 hides a quote in the eyes of whoever looks at bytes.
        let quoted: [UInt8] = [0xFE, 0xFF, 0x22, 0x00] + big
        for bytes in [
            little, big, wide, [0xFF, 0xFE] + little, [0xFE, 0xFF] + big, [0, 0, 0xFE, 0xFF] + wide, quoted,
        ] {
            #expect(Self.failure(bytes) == .noText)
        }
    }

    @Test(
        "bytes that are no UTF-8, and zero bytes, are refused",
        arguments: [
            [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
            [0x22, 0xE2],
            [0x22, 0x80, 0x22], [0], [0x22, 0, 0x22], [0xFF], [0x5B, 0x5D, 0],
        ] as [[UInt8]]
    )
    func noText(bytes: [UInt8]) {
        #expect(Self.failure(bytes) == .noText)
    }

    @Test("one byte order mark is passed over, and does not hide depth")
    func mark() throws {
        #expect(try GuardedJSON.decode([Int].self, from: [0xEF, 0xBB, 0xBF] + Array("[7]".utf8), limit: 100) == [7])
        #expect(Self.failure([0xEF, 0xBB, 0xBF] + Array(Self.deep.utf8)) == .tooDeep)
        #expect(Self.failure([0xEF, 0xBB, 0xBF, 0xEF, 0xBB, 0xBF] + Array(Self.deep.utf8)) == .tooDeep)
    }

    // MARK: Size and marks

    @Test("a byte more than the limit is too long, whatever it is")
    func size() {
        #expect(Self.failure(Array("[1]".utf8), limit: 3) == nil)
        #expect(Self.failure(Array("[1] ".utf8), limit: 3) == .tooLong(limit: 3))
        #expect(Self.failure([0, 0, 0, 0], limit: 3) == .tooLong(limit: 3))
        #expect(Self.failure("") == .malformed(place: ""))
    }

    @Test(
        "512 combining marks in a row are read and 513 are not, in whatever way they are written",
        arguments: [
            "\u{301}\u{323}", #"\u0301\u0323"#, "\u{301}\\u0323", "\u{1D165}\u{1D16E}", #"\ud834\udd65\uD834\uDD6E"#,
        ]
    )
    func marks(pair: String) {
        let run = String(repeating: pair, count: 256)
        for (run, failure) in [(run, nil), (run + "\u{301}", .tooManyMarks)] as [(String, GuardedJSON.Failure?)] {
            #expect(Self.failure(#"["a\#(run)"]"#) == failure)
            #expect(Self.failure(#"{"\#(run)":1}"#) == failure)
            #expect(Self.failure(#"["\u00e9\#(run)"]"#) == failure)
        }
        // What stands between them makes two runs of it.
        #expect(Self.failure(#"["\#(run)b\#(run)","\#(run)\n\#(run)"]"#) == nil)
    }

    @Test("no long text costs more than its length", arguments: Growth.units)
    func growth(unit: String) throws {
        func refused(_ input: [UInt8]) { _ = Self.failure(input, limit: .max) }
        let escaped = unit.utf16.map {
            #"\u"# + String(repeating: "0", count: 4 - String($0, radix: 16).count) + String($0, radix: 16)
        }
        .joined()
        let shapes: [(String) -> String] = [
            { #"[""# + $0.replacing("\r\n", with: " ").replacing("\u{1B}", with: " ") + #""]"# },
            { #"{"a":""# + $0 },
        ]
        for shape in shapes {
            Growth.expectLinear {
                Array(shape(Growth.text(unit, $0)).utf8)
            } _: {
                refused($0)
            }
        }
        Growth.expectLinear {
            Array((#"[""# + Growth.text(escaped, $0) + #""]"#).utf8)
        } _: {
            refused($0)
        }
    }

    @Test(
        "no structure costs more than its length",
        arguments: ["[", "{\"a\":", "[],", "1,", "\"a\":1,", "\"", "\\", ":", "]", "-", "1e"]
    )
    func structures(unit: String) {
        for head in ["", "[", "{", "[\""] {
            Growth.expectLinear(length: Growth.longest / 8) {
                Array((head + Growth.text(unit, $0)).utf8)
            } _: {
                _ = try? GuardedJSON.decode(Item.self, from: $0, limit: .max)
            }
        }
    }

    // MARK: What is wrong

    @Test(
        "an error says where, in a text of our own",
        arguments: [
            ("{", "not the JSON that is expected"), ("[]", "not the JSON that is expected"),
            (#"{"name":7}"#, "not the JSON that is expected at name"),
            (#"{"more":[{},{"more":[{"count":"x"}]}]}"#, "not the JSON that is expected at more[1].more[0].count"),
            (#"{"count":1e400}"#, "not the JSON that is expected"),
            (#"{"count":1.5}"#, "not the JSON that is expected"),
            (#"{"count":9223372036854775808}"#, "not the JSON that is expected"),
        ]
    )
    func places(json: String, text: String) {
        let error = #expect(throws: GuardedJSON.Failure.self) {
            try GuardedJSON.decode(Item.self, from: Array(json.utf8), limit: 1_000)
        }
        #expect(error?.description == text)
    }

    @Test("an error is short whatever the keys are")
    func shortPlaces() {
        let json = #"{"\#(String(repeating: "k", count: 100_000))":{"a":"x"}}"#
        let error = #expect(throws: GuardedJSON.Failure.self) {
            try GuardedJSON.decode([String: [String: Int]].self, from: Array(json.utf8), limit: .max)
        }
        #expect(error?.description == "not the JSON that is expected at ….a")
    }

    @Test(
        "numbers at the edges of what there is are read or refused",
        arguments: [
            "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "1e", "-", "-0", "0x10", "1.", ".5", "+1",
            "01",
            "1e99999999999999999999", "9223372036854775807", "-9223372036854775808", "123456789012345678901234567890",
        ]
    )
    func numbers(number: String) {
        for json in ["[\(number)]", number] {
            _ = try? GuardedJSON.decode([Int].self, from: Array(json.utf8), limit: 1_000)
            _ = try? GuardedJSON.decode([Double].self, from: Array(json.utf8), limit: 1_000)
            _ = try? GuardedJSON.decode([UInt32].self, from: Array(json.utf8), limit: 1_000)
            _ = try? GuardedJSON.decode(Double.self, from: Array(json.utf8), limit: 1_000)
        }
        // Nothing above may end the process; what is no number is an error as well.
        if number.contains(where: \.isLetter), !number.contains("e") {
            #expect(throws: GuardedJSON.Failure.self) {
                try GuardedJSON.decode([Double].self, from: Array("[\(number)]".utf8), limit: 1_000)
            }
        }
    }
}
