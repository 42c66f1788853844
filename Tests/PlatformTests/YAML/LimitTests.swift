// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing
import YAML

@Suite("no text can make a tree without end")
struct LimitTests {
    @Test("aliases of aliases count as what they stand for")
    func billionLaughs() {
        var source = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...20 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            source += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(complaint(about: source)?.hasSuffix("more than 250000 parts, aliases included") == true)
    }

    @Test("merged mappings of merged mappings count as what they stand for")
    func mergedLaughs() {
        var source = "a0: &a0 {k: [x, x, x, x, x, x, x, x, x]}\n"
        for level in 1...40 { source += "a\(level): &a\(level) {p: *a\(level - 1), q: *a\(level - 1)}\n" }
        #expect(complaint(about: source)?.contains("more than") == true)
    }

    @Test("the number of parts is exact")
    func exactCount() {
        let limits = Limits(nodes: 5)
        #expect(complaint(about: "a: [b, c, d]", limits: limits) == "1:11: more than 5 parts, aliases included")
        #expect(complaint(about: "a: [b, c]", limits: limits) == nil)
    }

    @Test("levels count, also through aliases", arguments: [("[[[1]]]", true), ("[[[[1]]]]", false)])
    func depth(source: String, isTaken: Bool) {
        let limits = Limits(depth: 3)
        #expect((complaint(about: source, limits: limits) == nil) == isTaken)
        #expect(complaint(about: "[&a [[1]], *a]", limits: limits) == nil)
        #expect(complaint(about: "[&a [[1]], [*a]]", limits: limits) == "1:13: more than 3 levels of nesting")
    }

    @Test("a text of opening brackets ends early", arguments: ["[", "{a: ", "- ", "? "])
    func onlyOpening(text: String) {
        let source = String(repeating: text, count: 500_000)
        #expect(complaint(about: source) == nil || complaint(about: source)?.isEmpty == false)
    }

    @Test("a text over the limit is not parsed")
    func length() {
        #expect(complaint(about: "a: bc", limits: Limits(bytes: 4)) == "1:1: longer than 4 bytes")
        #expect(complaint(about: "a: b", limits: Limits(bytes: 4)) == nil)
        #expect(throws: SyntaxError.self) { try Document(parsing: [0x61, 0x62], limits: Limits(bytes: 1)) }
    }
}
