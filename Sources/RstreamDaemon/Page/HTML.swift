// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A piece of an HTML document.
///
/// Names, labels, addresses and messages come from files, engines and visitors. They get into a document only as texts
/// and as values of attributes, which are escaped here; the names of elements and attributes are constants of the
/// program. So no text becomes markup, whatever it holds.
struct HTML: Hashable, Sendable {
    let markup: String

    private init(markup: String) { self.markup = markup }

    static let nothing = HTML(markup: "")

    /// A text, with what a person could not see in it as an escape, see `printable`.
    static func text(_ text: some StringProtocol) -> HTML { HTML(markup: escaped(text.printable)) }

    /// Lines of text as they are, for an element that keeps white space.
    static func lines(_ lines: [String]) -> HTML {
        HTML(markup: lines.map { escaped($0.printable) }.joined(separator: "\n"))
    }

    /// One element.
    static func element(
        _ name: StaticString,
        _ attributes: KeyValuePairs<StaticString, String> = [:],
        _ content: HTML...
    ) -> HTML {
        var markup = "<\(name)"
        for (name, value) in attributes { markup += " \(name)=\"\(escaped(value.printable))\"" }
        markup += ">"
        for piece in content { markup += piece.markup }
        return HTML(markup: markup + "</\(name)>")
    }

    static func joined(_ pieces: some Sequence<HTML>) -> HTML {
        HTML(markup: pieces.reduce(into: "") { $0 += $1.markup })
    }

    static func + (first: HTML, second: HTML) -> HTML { HTML(markup: first.markup + second.markup) }

    /// The characters that mean something in a text or in a quoted attribute, as references.
    private static func escaped(_ text: String) -> String {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): escaped += "&amp;".utf8
            case UInt8(ascii: "<"): escaped += "&lt;".utf8
            case UInt8(ascii: ">"): escaped += "&gt;".utf8
            case UInt8(ascii: "\""): escaped += "&quot;".utf8
            case UInt8(ascii: "'"): escaped += "&#39;".utf8
            default: escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}

extension HTML {
    /// The address of a tunnel. That of a web server becomes a link; what follows it, as in `https://a.example
    /// (webtty)`, is text, and so is every other address.
    static func address(_ address: String) -> HTML {
        let parts = address.split(byte: " ", maxSplits: 1, omittingEmpty: false)
        guard let url = parts.first, isWebAddress(url) else { return text(address) }
        let link = element("a", ["href": String(url), "rel": "noreferrer"], text(url))
        return parts.count > 1 ? link + text(" \(parts[1])") : link
    }

    /// Whether a browser takes it for an address of the web, and for nothing that runs a script.
    private static func isWebAddress(_ url: some StringProtocol) -> Bool {
        let known = ["https://", "http://"].first { scheme in
            String(decoding: url.utf8.prefix(scheme.utf8.count), as: UTF8.self).asciiLowercased.sameBytes(as: scheme)
        }
        guard let scheme = known, url.utf8.count > scheme.utf8.count else { return false }
        return url.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
