// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The page's markup")
struct HTMLTests {
    /// Texts that become markup, a script or a request where they are not escaped.
    static let attacks = [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>",
        "' onmouseover='alert(1)", "</td></table><form action=//evil.example>", "&lt;b&gt;", "<!--", "]]>",
        "javascript:alert(1)", "{{version}}", "</title><meta http-equiv=refresh content=0>",
    ]

    @Test("no text becomes an element, in a text or in an attribute", arguments: attacks)
    func escapes(attack: String) {
        let html = HTML.element("td", ["data-key": attack], .text(attack)).markup
        #expect(html.hasPrefix("<td data-key=\"") && html.hasSuffix("</td>"))
        let inside = html.dropFirst("<td data-key=\"".count).dropLast("</td>".count)
        let parts = inside.split(separator: "\">", maxSplits: 1)
        #expect(parts.count == 2, "the attribute ends where it should")
        for part in parts {
            for special in ["<", ">", "\"", "'"] { #expect(!part.contains(special), "\(part)") }
            #expect(Self.unescaped(part) == attack)
        }
    }

    private static func unescaped(_ text: some StringProtocol) -> String {
        String(text).replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&#39;", with: "'").replacing("&amp;", with: "&")
    }

    @Test("what a person could not see is shown as an escape")
    func hidden() {
        #expect(HTML.text("a\u{202E}b\u{0}\n\u{200B}").markup == #"a\u{202E}b\u{0}\u{A}\u{200B}"#)
        #expect(HTML.text("wéb 東京").markup == "wéb 東京")
        #expect(HTML.element("p", ["class": "a\u{1B}"]).markup == #"<p class="a\u{1B}"></p>"#)
    }

    @Test("lines stay lines, and none of them becomes two")
    func lines() {
        #expect(HTML.lines(["{", "  <b>", "}\n"]).markup == "{\n  &lt;b&gt;\n}" + #"\u{A}"#)
    }

    @Test("addresses of web servers become links")
    func links() {
        let link = #"<a href="https://web.example" rel="noreferrer">https://web.example</a>"#
        #expect(HTML.address("https://web.example").markup == link)
        #expect(HTML.address("https://web.example (webtty)").markup == "\(link) (webtty)")
        let other = HTML.address("HTTP://a.example:8080/x?y=1&z").markup
        #expect(other.contains(#"href="HTTP://a.example:8080/x?y=1&amp;z""#))
    }

    @Test(
        "and no other text does",
        arguments: attacks + [
            "", "a.example:443 (tcp)", "rstrm://db (unpublished)", "ftp://a.example", "data:text/html,x", "//a.example",
            "https://", "http:/a", " https://a.example", "vbscript:x", "https:a", "https://a\u{202E}.example",
            "https://a\texample", "https://ä.example",
        ]
    )
    func texts(address: String) { #expect(!HTML.address(address).markup.contains("<a")) }

    @Test("an address cannot leave its link")
    func linkBounds() {
        let html = HTML.address(#"https://a"onclick="alert(1)'><script>"#).markup
        #expect(
            html.hasPrefix(#"<a href="https://a&quot;onclick=&quot;alert(1)&#39;&gt;&lt;script&gt;" rel="noreferrer">"#)
        )
    }

    @Test("takes time linear in the length of a text", arguments: ["<", "&", "a", "\u{301}", "https://", " "])
    func growth(unit: String) {
        Growth.expectLinear("a text and an address") {
            Growth.text(unit, $0)
        } _: { text in
            _ = HTML.element("a", ["href": text], .text(text))
            _ = HTML.address("https://" + text)
        }
    }
}

@Suite("The page's template")
struct PageTemplateTests {
    private static func filled(_ template: String, _ values: [String: HTML]) -> String {
        PageTemplate(template.utf8).filled(values)
    }

    @Test("has something put at each of its places, and nowhere else")
    func fills() {
        let values = ["a": HTML.text("1"), "b": HTML.element("b")]
        #expect(Self.filled("<p>{{a}}</p>{{b}}{{a}}", values) == "<p>1</p><b></b>1")
        #expect(Self.filled("{{c}}{a}{ {b}}", values) == "{a}{ {b}}", "what is unknown is empty")
        #expect(Self.filled("", values).isEmpty)
        #expect(PageTemplate("x{{a}}y{{b}}".utf8).places == ["a", "b"])
    }

    @Test("takes a text that looks like a place for a text")
    func texts() {
        let values = ["a": HTML.text("{{b}}"), "b": HTML.text("secret")]
        #expect(Self.filled("{{a}}", values) == "{{b}}")
        #expect(Self.filled("{{a}}}}", values) == "{{b}}}}")
    }
}

@Suite("The configuration page")
struct ConfigurationPageTests {
    @Test("shows the document as indented JSON that reads as itself")
    func roundTrip() throws {
        let document: JSONValue = .object([
            "version": .integer(1), "tunnels": .array([.object(["name": .text("<b>\"\n")]), .object([:])]),
            "include": .array([]), "watch": .bool(true), "nothing": .null, "share": .number(0.5),
        ])
        let lines = ConfigurationPage.lines(document)
        #expect(try AdminJSON.decode(JSONValue.self, from: lines.joined(separator: "\n").utf8) == document)
        #expect(lines.first == "{" && lines.last == "}")
        #expect(lines.contains(#"      "name": "<b>\"\n""#), "\(lines)")
        let html = ConfigurationPage.html(document)
        #expect(html.contains(#"&quot;name&quot;: &quot;&lt;b&gt;\&quot;\n&quot;"#))
        #expect(!html.contains("<b>"))
    }
}
