// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel
import RstreamTestSupport
import Testing
import YAML

@Suite("the TOML reader")
struct TOMLTests {
    private static func shown(_ text: String, limits: Limits = Limits()) -> String {
        do throws(TOMLError) {
            return show(Tree(.table(try TOMLReader.read(text, limits: limits))))
        } catch {
            return "\(error)"
        }
    }

    /// A tree on one line: texts in quotes, everything else as it is.
    private static func show(_ tree: Tree) -> String {
        switch tree.content {
        case .text(let text): "\"\(text)\""
        case .word(let word): word
        case .list(let items): "[\(items.map(show).joined(separator: " "))]"
        case .table(let table): "{\(table.pairs.map { "\($0.key)=\(show($0.value))" }.joined(separator: " "))}"
        }
    }

    @Test(
        "what TOML is, is read",
        arguments: [
            ("", "{}"), ("# only a comment", "{}"), ("a = 1", "{a=1}"), ("a=1\r\nb=2\r\n", "{a=1 b=2}"),
            // Keys.
            ("bare_key-1 = 1", "{bare_key-1=1}"), ("1234 = 1", "{1234=1}"), ("\"a b\" = 1", "{a b=1}"),
            ("'' = 1", "{=1}"), ("a . \"b.c\" . 'd' = 1", "{a={b.c={d=1}}}"), ("a.b = 1\na.c = 2", "{a={b=1 c=2}}"),
            ("3.14 = 1", "{3={14=1}}"),
            // Strings.
            (#"a = "q \" b \\ t \t u \u00e9 U \U0001F600""#, "{a=\"q \" b \\ t \t u é U 😀\"}"),
            (#"a = 'C:\x "q"'"#, #"{a="C:\x "q""}"#), ("a = \"\"\"\n x\ny\"\"\"", "{a=\" x\ny\"}"),
            ("a = \"\"\"x \\\n\n   y\"\"\"", "{a=\"x y\"}"), ("a = '''\nx\\\ny'''", "{a=\"x\\\ny\"}"),
            ("a = \"\"\"\"q\"\"\"\"\"", "{a=\"\"q\"\"\"}"), ("a = ''''q'''", "{a=\"'q\"}"), ("a = \"\"", "{a=\"\"}"),
            ("a = \"\"\"\r\nx\r\ny\"\"\"", "{a=\"x\ny\"}"), ("a = \"\"\"a \"\" b\"\"\"", "{a=\"a \"\" b\"}"),
            // Numbers and booleans.
            ("a = true\nb = false", "{a=true b=false}"), ("a = +1_000", "{a=1000}"), ("a = -0", "{a=0}"),
            ("a = 0xDEAD_beef", "{a=3735928559}"), ("a = 0o17", "{a=15}"), ("a = 0b101", "{a=5}"),
            ("a = 3.14", "{a=3.14}"), ("a = 5e+22", "{a=5e22}"), ("a = -1_0.5E-3", "{a=-10.5e-3}"),
            ("a = inf\nb = -nan", "{a=inf b=-nan}"), ("a = 9223372036854775807", "{a=9223372036854775807}"),
            // Dates.
            ("a = 1979-05-27", "{a=1979-05-27}"), ("a = 07:32:00.5", "{a=07:32:00.5}"),
            ("a = 1979-05-27T07:32:00Z", "{a=1979-05-27T07:32:00Z}"),
            ("a = 1979-05-27 07:32:00-07:00", "{a=1979-05-27 07:32:00-07:00}"),
            ("a = 1979-05-27 # day", "{a=1979-05-27}"),
            // Lists and tables on one line.
            ("a = [1, 'b', [2.5], ]", "{a=[1 \"b\" [2.5]]}"), ("a = [ # c\n 1, # d\n\n 2\n]", "{a=[1 2]}"),
            ("a = []", "{a=[]}"), ("a = { b = 1, c.d = 'x' }", "{a={b=1 c={d=\"x\"}}}"), ("a = {}", "{a={}}"),
            ("a = [{ b = 1 }, { b = 2 }]", "{a=[{b=1} {b=2}]}"),
            // Tables.
            ("[a]\nb = 1\n[c]\nd = 2", "{a={b=1} c={d=2}}"), ("[ a . 'b' ] # c\nd = 1", "{a={b={d=1}}}"),
            ("[a.b]\nc = 1\n[a]\nd = 2", "{a={b={c=1} d=2}}"), ("[a]\n[a.b]\n", "{a={b={}}}"),
            ("[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3", "{a=[{b=1} {b=2 c={d=3}}]}"),
            ("[[a]]\n[[a.b]]\nc = 1\n[[a.b]]\n[[a]]\n", "{a=[{b=[{c=1} {}]} {}]}"),
            ("a.b.c = 1\n[a.b.d]\ne = 2", "{a={b={c=1 d={e=2}}}}"), ("[a]\nb.c = 1\nb.d = 2", "{a={b={c=1 d=2}}}"),
        ] as [(String, String)]
    )
    func accepted(text: String, meaning: String) {
        #expect(Self.shown(text) == meaning)
    }

    @Test(
        "what it is not is refused, at its place",
        arguments: [
            ("a", "1:2: there is no \"=\" behind the key"), ("a =", "1:4: there is no value"),
            ("= 1", "1:1: there is no key"), ("a. = 1", "1:4: there is no key"),
            ("a b = 1", "1:3: there is no \"=\" behind the key"),
            ("a = b", "1:5: this is no value"), ("a = 1 b = 2", "1:7: the line goes on behind its end"),
            ("é = 1", "1:1: there is no key"), ("\"\"\"a\"\"\" = 1", "1:1: a key is one line"),
            // Strings.
            ("a = \"x", "1:5: the quotes are never closed"), ("a = \"x\ny\"", "1:5: the quotes are never closed"),
            ("a = '''x''", "1:5: the quotes are never closed"), (#"a = "\x41""#, "1:6: an unknown escape"),
            (#"a = "\u12""#, "1:6: an escape with less than 4 digits"),
            (#"a = "\ud800""#, "1:6: an escape that is no character"),
            (#"a = "\UFFFFFFFF""#, "1:6: an escape that is no character"),
            ("a = \"\u{1}\"", "1:6: a control character"), ("# \u{7F}", "1:3: a control character"),
            ("a = 'x\ry'", "1:5: the quotes are never closed"), ("a = \"\"\"x\ry\"\"\"", "1:9: a control character"),
            // Numbers and dates.
            ("a = 01", "1:5: this is no value"), ("a = 1__0", "1:5: this is no value"),
            ("a = _1", "1:5: this is no value"),
            ("a = 1.", "1:5: this is no value"), ("a = .5", "1:5: this is no value"),
            ("a = 1e", "1:5: this is no value"),
            ("a = +0x1", "1:5: this is no value"), ("a = 0b2", "1:5: this is no value"),
            ("a = 9223372036854775808", "1:5: this is no value"), ("a = True", "1:5: this is no value"),
            ("a = 1979-13-01", "1:5: this is no value"), ("a = 24:00:00", "1:5: this is no value"),
            ("a = 07:32", "1:5: this is no value"), ("a = 1979-05-27T", "1:5: this is no value"),
            // Lists and tables on one line.
            ("a = [1", "1:5: \"[\" is never closed"), ("a = [1 2]", "1:8: a comma or \"]\" is missing"),
            ("a = [,]", "1:6: there is no value"), ("a = {b = 1", "1:11: a comma or \"}\" is missing"),
            ("a = {b = 1,}", "1:12: there is no key"), ("a = {b = 1\n}", "1:11: a comma or \"}\" is missing"),
            ("a = {b = 1, b = 2}", "1:13: the key is repeated"),
            // Keys and tables.
            ("a = 1\na = 2", "2:1: the key is repeated"),
            ("a = 1\na.b = 2", "2:1: the key has a value already, which is no table"),
            ("[a]\n[a]", "2:2: the table is defined a second time"), ("[a", "1:3: a bracket is missing"),
            ("[]", "1:2: there is no key"), ("[[a]", "1:5: a bracket is missing"),
            ("[a] b = 1", "1:5: the line goes on behind its end"),
            ("a = {}\n[a.b]", "2:2: the key has a value already, which is no table"),
            ("a = []\n[[a]]", "2:3: the key has a value already, which is no table"),
            ("[a]\n[[a]]", "2:3: the name is that of a table already"),
            ("[[a]]\n[a]", "2:2: the table is defined a second time"),
            ("a.b = 1\n[a]", "2:2: the table is defined a second time"),
            ("[a.b]\n[a]\nb.c = 1", "3:1: the table has a header of its own"),
            ("a = { b = 1 }\na.c = 2", "2:1: the key has a value already, which is no table"),
        ] as [(String, String)]
    )
    func refused(text: String, complaint: String) {
        #expect(Self.shown(text) == complaint)
    }

    @Test("the length, the depth, the keys and the number of parts have limits")
    func limits() {
        let limits = Limits(bytes: 200, nodes: 8, depth: 4, keyBytes: 10)
        func shown(_ text: String) -> String { Self.shown(text, limits: limits) }
        #expect(shown("a = '\(String(repeating: "x", count: 200))'") == "1:1: longer than 200 bytes")
        #expect(shown("a = [[[1]]]") == "{a=[[[1]]]}")
        #expect(shown("a = [[[[1]]]]") == "1:9: more than 4 levels of nesting")
        #expect(shown("a.b.c.d.e = 1") == "1:9: more than 4 levels of nesting")
        #expect(shown("[a.b.c.d.e]") == "1:10: more than 4 levels of nesting")
        #expect(shown("a = { b = [[[[1]]]] }") == "1:14: more than 4 levels of nesting")
        #expect(shown("abcdefghijk = 1") == "1:1: a key of more than 10 bytes")
        #expect(shown("a = [1, 2, 3, 4, 5, 6]") == "{a=[1 2 3 4 5 6]}")
        #expect(shown("a = [1, 2, 3, 4, 5, 6, 7]") == "1:24: more than 8 parts")
    }

    @Test("damaged texts are read or refused, with every place inside of the text", arguments: [4, 5, 6] as [UInt64])
    func damaged(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for name in ImportedFiles.names where name.hasSuffix(".toml") {
            let text = try ImportedFiles.text(of: name)
            for _ in 0..<200 {
                let damaged = Damage.damaged(text, &random)
                do throws(TOMLError) {
                    _ = try TOMLReader.read(damaged)
                } catch {
                    #expect(error.mark.index <= damaged.unicodeScalars.count)
                    #expect(error.mark.line >= 1 && error.mark.column >= 1)
                }
            }
        }
    }

    @Test(
        "no text costs more than its length",
        arguments: [
            "[[a]]\n", "[[a]]\n[a.b]\n", "[", "a = [", "a = {a = ", "\"", "'''", "a.", "#\u{301}", "a = '\u{301}", "\\",
            "\n",
            "= ", "1_",
        ]
    )
    func growth(piece: String) {
        Growth.expectLinear(piece, length: 48 * 1_024) { length in
            String(repeating: piece, count: max(1, length / piece.utf8.count))
        } _: {
            _ = try? TOMLReader.read($0)
        }
    }

    @Test(
        "many entries cost as much as each of them",
        arguments: ["name = 'a'\n", "type = '\u{301}\u{301}'\n", "b = 1\n"]
    )
    func entries(line: String) {
        let entry = "[[proxies]]\nlocalPort = 1\n" + line
        Growth.expectLinear(line, length: 12 * 1_024) { length in
            String(repeating: entry, count: max(1, length / entry.utf8.count))
        } _: {
            _ = ConfigurationImport("a", from: .frp, files: ImaginaryFiles(files: ["a": $0]))
        }
    }

    @Test("every start of a text is read or refused")
    func truncated() throws {
        let scalars = Array(try ImportedFiles.text(of: "frp-home.toml").unicodeScalars)
        for count in 0...scalars.count {
            let text = String(String.UnicodeScalarView(scalars[..<count]))
            _ = try? TOMLReader.read(text)
        }
    }
}
