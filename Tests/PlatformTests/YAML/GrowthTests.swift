// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing
import YAML

@Suite("no YAML costs more than its length")
struct GrowthTests {
    #if DEBUG
    private static let length = 64 * 1_024
    #else
    private static let length = Growth.longest
    #endif

    private static func expectLinear(_ name: String, _ make: (Int) -> String) {
        Growth.expectLinear(name, length: length, of: make) { _ = try? Document(parsing: $0) }
    }

    private static func repeated(_ text: String, _ length: Int) -> String {
        String(repeating: text, count: max(1, length / text.utf8.count))
    }

    @Test("long texts", arguments: HardText.allCases)
    func texts(text: HardText) {
        Self.expectLinear("plain") { "a: " + text.text($0) }
        Self.expectLinear("a key") { text.text($0) + ": b" }
        Self.expectLinear("an explicit key") { "? " + text.text($0) + "\n: b" }
        Self.expectLinear("quoted") { "a: \"" + text.text($0) + "\"" }
        Self.expectLinear("not closed") { "a: \"" + text.text($0) }
        Self.expectLinear("a block") { "a: |\n  " + text.text($0) }
        Self.expectLinear("a comment") { "# " + text.text($0) }
        Self.expectLinear("a tag") { "!<" + text.text($0) + "> b" }
        Self.expectLinear("many") { Self.repeated("- " + text.text(100) + "\n", $0) }
        Self.expectLinear("many keys") { length in
            (0..<length / 110).map { "k\($0)" + text.text(100) + ": 1\n" }.joined()
        }
    }

    @Test(
        "the same again and again",
        arguments: [
            "[", "]", "{", "{a: ", "- ", "? ", ": ", "\n", " ", "\t", ",", "a,", "'", "\"", "\\", "|\n", "# \n",
            "---\n",
            "...\n", "%TAG ! !\n", "%TAG !a! tag:b,2000:\n", "%YAML 1.1\n", "&a ", "*a ", "- &a b\n", "!!str ", "!a!b ",
            "a: b\n", "- a\n", "- [a]\n", "- {a: b}\n", "'a'\n", "\"\\u0301\"", "<<: ", "- - - a\n", "[[a], ", "\r",
            "\r\n",
        ]
    )
    func runs(text: String) {
        Self.expectLinear("\(text)") { Self.repeated(text, $0) }
        Self.expectLinear("\(text) in a list") { "[" + Self.repeated(text, $0) }
    }

    @Test("directives in front of a document, which libyaml compares with each other")
    func directives() {
        Self.expectLinear("each another") { length in
            (0..<length / 20).map { "%TAG !a\($0)! tag:b\n" }.joined() + "--- a\n"
        }
        Self.expectLinear("behind a document") { length in
            "a\n...\n" + (0..<length / 20).map { "%TAG !a\($0)! tag:b\n" }.joined() + "--- a\n"
        }
        #expect(complaint(about: "%YAML 1.1\n%TAG !a! tag:b,2000:\n---\na: b") == nil)
        let many = String(repeating: "%TAG !a! tag:b,2000:\n", count: 17) + "---\na: b"
        #expect(complaint(about: many) == "1:1: more than 16 directives")
    }

    @Test("anchors and aliases")
    func aliases() {
        Self.expectLinear("each another") { length in
            (0..<length / 16).map { "- &a\($0) b\n- *a\($0)\n" }.joined()
        }
        Self.expectLinear("one long text that many stand for") { length in
            "- &a " + Self.repeated("b", length / 2) + "\n" + Self.repeated("- *a\n", length / 2)
        }
        Self.expectLinear("a long name") { length in
            "- &" + Self.repeated("b", length / 2) + " c\n- *" + Self.repeated("b", length / 2)
        }
        Self.expectLinear("merged again and again") { length in
            "- &a { b: c }\n" + Self.repeated("- { <<: *a }\n", length)
        }
        Self.expectLinear("a list of merges") { length in
            "- &a { b: c }\n- { <<: [" + Self.repeated("*a, ", length) + "] }\n"
        }
    }

    @Test("aliases stand for no more text than a file may have twice")
    func bytes() {
        let limits = Limits(bytes: 100)
        #expect(complaint(about: "- &a \(String(repeating: "b", count: 60))\n- *a\n- *a", limits: limits) == nil)
        #expect(
            complaint(about: "- &a \(String(repeating: "b", count: 60))\n- *a\n- *a\n- *a", limits: limits)
                == "4:3: more than 200 bytes, aliases included"
        )
    }

    @Test("a key is its bytes, and has an end")
    func keys() throws {
        let document = try Document(parsing: "\u{E9}: 1\ne\u{301}: 2\n")
        #expect(document.problems.isEmpty)
        let long = try Document(parsing: "? \(String(repeating: "a", count: 1_025))\n: 1\nb: 2")
        #expect(long.problems.map(\.message) == ["a key of more than 1024 bytes"])
        #expect(long.root?["b"] != nil)
        // No key, so what stands there is still hidden like one.
        #expect(long.problems.first?.dropped?.value != nil)
    }
}
