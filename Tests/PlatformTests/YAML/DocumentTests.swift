// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing
import YAML

@Suite("a text becomes a tree with places")
struct DocumentTests {
    @Test("every node has the place it starts and ends at, counted from 1")
    func places() throws {
        let document = try Document(parsing: "a:\n  - b\n  - 'cd'\n")
        let list = try #require(document.root?["a"])
        guard case .sequence(let items) = list.content else { throw Unexpected() }
        #expect(items.map(\.span.start.line) == [2, 3])
        #expect(items.map(\.span.start.column) == [5, 5])
        #expect(items.map(\.span.end.column) == [6, 9])
        #expect(items.map(text) == ["b", "cd"])
    }

    @Test("columns count characters, not bytes")
    func columnsOfCharacters() throws {
        let document = try Document(parsing: "{\"Größe\": ü, b: c}")
        #expect(document.root?["b"]?.span.start.column == 17)
    }

    @Test("a line ends with LF, CR LF or CR", arguments: ["\n", "\r\n", "\r"])
    func lineEnds(end: String) throws {
        let document = try Document(parsing: "a: 1\(end)b: 2\(end)")
        #expect(document.root?["b"]?.span.start == Mark(index: 7 + (end == "\r\n" ? 2 : 1), line: 2, column: 4))
    }

    @Test("a byte order mark is not a character")
    func byteOrderMark() throws {
        let document = try Document(parsing: [0xEF, 0xBB, 0xBF] + Array("a: b".utf8))
        #expect(document.root?["a"]?.span.start.column == 4)
    }

    @Test("the style of a scalar is kept, and only a plain one can be null")
    func styles() throws {
        let document = try Document(parsing: "a: ~\nb: '~'\nc: \"null\"\nd: |\n  x\ne:\nf: !!null x\ng: !!str null\n")
        let root = try #require(document.root)
        #expect(
            ["a", "b", "c", "d", "e", "f", "g"].map { root[$0]?.isNull } == [
                true, false, false, false, true, true, false,
            ]
        )
        guard case .scalar(let block)? = root["d"]?.content else { throw Unexpected() }
        #expect(block == Node.Scalar(text: "x\n", style: .literal))
    }

    @Test("comments and nothing else have no root", arguments: ["", "# a\n", "\n\n"])
    func empty(source: String) throws {
        #expect(try Document(parsing: source).root == nil)
    }

    @Test("an alias stands for its anchor, with the anchor's place")
    func alias() throws {
        let document = try Document(parsing: "a: &x [1]\nb: *x\n")
        #expect(document.root?["a"] == document.root?["b"])
    }

    @Test("a merge key brings in what is not said explicitly, the first of a list first")
    func merge() throws {
        let source = """
            base: &base {a: 1, b: 1, c: 1}
            more: &more {a: 2, d: 2}
            one: {<<: *base, b: 3}
            two: {b: 4, <<: [*more, *base]}
            """
        let root = try #require(try Document(parsing: source).root)
        #expect(pairs(root["one"]) == ["b=3", "a=1", "c=1"])
        #expect(pairs(root["two"]) == ["b=4", "a=2", "d=2", "c=1"])
    }

    @Test("a quoted << is a key like any other")
    func quotedMerge() throws {
        let root = try #require(try Document(parsing: "a: {'<<': 1}").root)
        #expect(pairs(root["a"]) == ["<<=1"])
    }

    @Test(
        "what a configuration must not hold is reported, and the rest is still read",
        arguments: [
            ("a: 1\nb: 2\na: 3\n", "repeated key \"a\"", 3, 1),
            ("a: {<<: 1}\n", "\"<<\" takes a mapping or a list of mappings", 1, 5),
            ("a: {<<: [{b: 1}, 2]}\n", "\"<<\" takes a mapping or a list of mappings", 1, 5),
            ("a: {<<: {b: 1}, <<: {c: 1}}\n", "repeated key \"<<\"", 1, 17),
            ("[a]: 1\nb: 2\n", "a key must be text", 1, 1),
            ("a: !mine 1\n", "tags are not supported", 1, 4),
            ("a: !!set {b}\n", "tags are not supported", 1, 4),
        ]
    )
    func problems(source: String, message: String, line: Int, column: Int) throws {
        let problem = try #require(try Document(parsing: source).problems.first)
        #expect(problem.message == message)
        #expect(problem.span.start.line == line)
        #expect(problem.span.start.column == column)
    }

    @Test("a repeated key names the first place and keeps the first value")
    func repeatedKey() throws {
        let document = try Document(parsing: "a: 1\na: 3\n")
        #expect(document.problems.map(\.other?.start.line) == [1])
        #expect(pairs(document.root) == ["a=1"])
    }

    @Test(
        "a text that is not YAML says where and why",
        arguments: [
            ("a:\n\tb: 1\n", "2:1: a tab is not allowed here"),
            ("a: @b\n", "1:4: a value cannot start with \"@\""),
            ("a: b: c\n", "1:5: a key is not allowed here"),
            ("a: 1\nb\nc: 2\n", "2:1: a key without \":\""),
            ("a: 1\n  b: 2\n", "2:4: a key is not allowed here"),
            ("a: \"b\n", "1:4: the quotes that start here are not closed"),
            ("a: [b, c\n", "1:4: the \"[\" here is not closed"),
            ("a: {b: c\n", "1:4: the \"{\" here is not closed"),
            ("a: {b: c", "1:4: the \"{\" here is not closed"),
            ("a: {b: {c: d}\n# x\n\n", "1:4: the \"{\" here is not closed"),
            ("a: {b: c\nd:\n  - {e: f}\n", "1:4: the \"{\" here is not closed"),
            ("a: [b\nc: [d]\n", "1:4: the \"[\" here is not closed"),
            ("{\n \"a\": 1\n \"b\": {}\n}\n", "3:5: \",\" or \"}\" was expected here"),
            ("a: {b: [c, d}\n", "1:13: \",\" or \"]\" was expected here"),
            ("a:\n  - b:c\n    d: e\n", "2:6: a space is missing after \":\""),
            ("a:1\n# b\n\nc: 2\n", "1:2: a space is missing after \":\""),
            ("a: 1\nb:2\nc: 3\n", "2:2: a space is missing after \":\""),
            ("a: 1\nhttp://b\nc: 3\n", "2:1: a key without \":\""),
            ("a: [::1]:80\n", "1:4: an address in brackets needs quotes"),
            ("a: [fe80::1]:80\nb: c\n", "1:4: an address in brackets needs quotes"),
            ("- {a: [fe80::1]:80, b: c}\n", "1:7: an address in brackets needs quotes"),
            ("a: \"\\q\"\n", "1:5: an unknown escape in double quotes"),
            ("a:\n  - b\n c: d\n", "3:2: a key was expected here"),
            ("a: - b\n", "1:4: a list is not allowed here"),
            ("a: b\n---\nc: d\n", "2:1: a second document"),
            ("a: *b\n", "1:4: the alias has no anchor"),
            ("a: &a [*a]\n", "1:8: the alias refers to a node that contains it"),
            ("a: \u{1}b\n", "1:4: the character U+0001 is not allowed"),
            ("é: \u{7F}b\n", "1:4: the character U+007F is not allowed"),
            ("a: [\n", "1:4: the \"[\" here is not closed"),
            ("a: {b: [c], d: {\n", "1:16: the \"{\" here is not closed"),
            ("a: [@]\n", "1:5: a value cannot start with \"@\""),
            ("a: [b: c: d]\n", "1:9: \",\" or \"]\" was expected here"),
            ("a: ? b\n", "1:4: \"? \" is not allowed here"),
            ("a: 'b\n", "1:4: the quotes that start here are not closed"),
            ("[a]\nb: c\n", "2:1: this does not continue what is above"),
            ("a: \"\\xZZ\"\n", "1:7: an invalid escape in double quotes"),
            ("a: \"\\uD800\"\n", "1:7: an invalid escape in double quotes"),
            ("a: | b\n", "1:6: only a comment may stand here"),
            ("a: |0\n  b\n", "1:5: a text cannot be indented by 0"),
            ("a: & b\n", "1:5: a name was expected after \"&\""),
            ("a: **.css\n", "1:5: a name was expected after \"*\""),
            ("a: !<b c\n", "1:7: an invalid tag"),
            ("a: !b!c d\n", "1:4: an invalid tag"),
            ("%YAML 1.x\n---\na: 1\n", "1:9: an invalid directive: a line that starts with \"%\""),
            ("%YAML 9.0\n---\na: 1\n", "1:1: an invalid directive: a line that starts with \"%\""),
        ]
    )
    func syntaxErrors(source: String, expected: String) {
        #expect(complaint(about: source) == expected)
    }

    @Test(
        "half a character as JSON writes it is told from an escape that is none",
        arguments: ["\\uD83D\\uDE00", "\\uDE00"]
    )
    func surrogates(escape: String) throws {
        let error = #expect(throws: SyntaxError.self) { try Document(parsing: "a: \"\(escape)\"\n") }
        #expect(error?.hint == "YAML has no surrogate pairs, as JSON has: write the character itself, or \\UNNNNNNNN")
        let other = #expect(throws: SyntaxError.self) { try Document(parsing: "a: \"\\U00110000\"\n") }
        #expect(other?.hint == "write \\xNN, \\uNNNN or \\UNNNNNNNN, or use single quotes")
    }

    @Test("bytes that are not UTF-8 are refused at their place")
    func notUTF8() {
        #expect(throws: SyntaxError.self) { try Document(parsing: [0x61, 0x3A, 0x20, 0xFF]) }
        do throws(SyntaxError) {
            _ = try Document(parsing: Array("é: 1\nb: ".utf8) + [0xC3, 0x28])
        } catch {
            #expect(error.description == "2:4: not UTF-8 text")
        }
    }

    private func pairs(_ node: Node?) -> [String] {
        guard case .mapping(let pairs)? = node?.content else { return [] }
        return pairs.map { "\($0.key)=\(text($0.value))" }
    }

    private func text(_ node: Node) -> String {
        guard case .scalar(let scalar) = node.content else { return "" }
        return scalar.text
    }
}

/// What is said about a text that is not YAML, nil when it is.
func complaint(about source: String, limits: Limits = Limits()) -> String? {
    do throws(SyntaxError) {
        _ = try Document(parsing: source, limits: limits)
        return nil
    } catch {
        return error.description
    }
}

struct Unexpected: Error {}
