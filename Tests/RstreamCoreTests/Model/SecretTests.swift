// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("a secret never prints")
struct SecretTests {
    private struct Enclosing: Hashable {
        let name = "web"
        let secret: Secret
        let optional: Secret?
        let list: [Secret]
        let table: [String: Secret]
    }

    private static let text = "s3cr3t-t0ken"
    private let secret = Secret(Self.text)
    private var enclosing: Enclosing {
        Enclosing(secret: secret, optional: secret, list: [secret], table: ["key": secret])
    }

    @Test("a secret prints as three stars")
    func description() {
        #expect(secret.description == "***")
        #expect(secret.debugDescription == "***")
        #expect("\(secret)" == "***")
        #expect(String(describing: secret) == "***")
        #expect(String(reflecting: secret) == "***")
    }

    @Test("a value that holds secrets prints none of them, and prints the stars instead")
    func enclosingValue() {
        for text in ["\(enclosing)", String(describing: enclosing), String(reflecting: enclosing)] {
            #expect(!text.contains(Self.text))
            #expect(text.contains("***"))
            #expect(text.contains("web"))
        }
    }

    @Test("dump and mirrors do not find the text")
    func reflection() {
        var alone = ""
        dump(secret, to: &alone)
        #expect(alone.contains("***"))
        #expect(!alone.contains(Self.text))

        var inside = ""
        dump(enclosing, to: &inside)
        #expect(!inside.contains(Self.text))
        #expect(inside.contains("web"))

        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test("client details print without their token")
    func clientDetails() {
        let details = ClientDetails(agent: "a", token: secret)
        #expect(!"\(details)".contains(Self.text))
        #expect(!String(reflecting: details).contains(Self.text))
        var dumped = ""
        dump(details, to: &dumped)
        #expect(!dumped.contains(Self.text))
    }

    @Test("the text comes out where it is asked for")
    func reveal() {
        #expect(secret.reveal() == Self.text)
        #expect(secret == Secret(Self.text))
        #expect(secret != Secret("other"))
    }

    @Test("two secrets are the same when all their bytes are, and only then")
    func equality() {
        for (one, other) in [
            ("é", "e\u{301}"), ("K", "\u{212A}"), ("a", "a\u{0}"), ("", "\u{0}"), ("ab", "ba"), ("\r\n", "\n"),
        ] {
            #expect(Secret(one) != Secret(other))
            #expect(Set([Secret(one), Secret(other)]).count == 2)
            #expect(Secret(one) == Secret(one))
            #expect(Set([Secret(one), Secret(one)]).count == 1)
        }
        let long = String(repeating: "x", count: 100_000)
        #expect(Secret(long) == Secret(long) && Secret(long) != Secret(long + "x"))
        #expect(Secret(long).reveal() == long && Secret("").reveal().isEmpty)
    }

    @Test("bytes that were overwritten are gone")
    func wiping() {
        var bytes = Array("hidden".utf8)
        SecretMemory.wipe(&bytes)
        #expect(bytes == Array(repeating: 0, count: 6))
    }

    @Test("white space alone counts as not set", arguments: ["", " ", "\t\n \r\n", "\u{00A0}"])
    func blank(text: String) {
        #expect(Secret(text).isBlank)
    }

    @Test("anything else counts as set", arguments: ["k", " k ", "\u{0}"])
    func notBlank(text: String) {
        #expect(!Secret(text).isBlank)
    }

    @Test("details with another token keep everything else")
    func replacingToken() {
        let details = ClientDetails(
            agent: "a",
            channel: "c",
            version: "1",
            os: "linux",
            arch: "amd64",
            token: secret,
            protocolVersion: "1.4.5"
        )
        #expect(details.with(token: nil).token == nil)
        #expect(details.with(token: Secret("k")).token?.reveal() == "k")
        #expect(details.with(token: Secret("k")).with(token: secret) == details)
    }
}

@Suite("a URL that is shown")
struct ShownURLTests {
    @Test(
        "names no user and no password, however broken it is",
        arguments: [
            ("https://user:hidden@host/path", "https://***@host/path"),
            ("https://user@host", "https://***@host"),
            ("user:hidden@host", "***@host"),
            ("https://user:hid/den@host", "https://***@host"),
            ("https://user:hid@den@host", "https://***@host"),
            ("user:hid://den@host", "***@host"),
            ("@", "***@"),
            ("https://host/path", "https://host/path"),
            ("", ""),
        ]
    )
    func users(url: String, shown: String) {
        #expect(url.withoutUser == shown)
    }
}
