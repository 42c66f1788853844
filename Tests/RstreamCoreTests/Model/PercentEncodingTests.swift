// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("Percent-encoding")
struct PercentEncodingTests {
    @Test("encodes everything but unreserved characters, and dots where a segment must not be one of a folder")
    func encoding() {
        #expect(PercentEncoding.encode("aZ09-._~") == "aZ09-._~")
        #expect(PercentEncoding.encode("a/b c?é\u{0}+%") == "a%2Fb%20c%3F%C3%A9%00%2B%25")
        #expect(PercentEncoding.encode("../a", encodesDots: true) == "%2E%2E%2Fa")
        #expect(PercentEncoding.encode("") == "")
    }

    @Test("is undone", arguments: ["", "web", "a/b c?é", "100%", "%2F", "名前", "e\u{301}", "\u{0}+"])
    func decoding(text: String) {
        for encodesDots in [false, true] {
            let encoded = PercentEncoding.encode(text, encodesDots: encodesDots)
            #expect(PercentEncoding.decode(encoded)?.sameBytes(as: text) == true)
            #expect(PercentEncoding.decodeLeniently(encoded).sameBytes(as: text))
        }
    }

    @Test(
        "with a mistake in it is refused, or stays as it is",
        arguments: ["%", "a%2", "%zz", "%+1", "%%20", "%é"]
    )
    func mistakes(text: String) {
        #expect(PercentEncoding.decode(text) == nil)
        #expect(PercentEncoding.decodeLeniently(text) == text.replacing("%20", with: " "))
    }

    @Test("of bytes that are no UTF-8 is refused, or shows where they were")
    func noText() {
        #expect(PercentEncoding.decode("%FFa") == nil)
        #expect(PercentEncoding.decodeLeniently("%FFa") == "\u{FFFD}a")
    }

    @Test("of a form has a plus for a space")
    func plus() {
        #expect(PercentEncoding.decode("a+b%2B", plusIsSpace: true) == "a b+")
        #expect(PercentEncoding.decode("a+b") == "a+b")
    }
}
