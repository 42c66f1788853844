// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("a host name")
struct HostnameTests {
    private static let longest = String(repeating: "a", count: 63)

    @Test(
        "these are names",
        arguments: ["a", "a.b", "A-b.C9", "9", "1.2.3.4", "a--b", longest, "\(longest).\(longest)"]
    )
    func valid(text: String) {
        #expect(Hostname.isValid(text))
    }

    @Test(
        "these are not",
        arguments: [
            "", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a_b", "a b", " a", "ä", "a*", "*.a", "a:1", "a/b",
            longest + "a", "a\0", "ａ",
        ]
    )
    func invalid(text: String) {
        #expect(!Hostname.isValid(text))
    }

    @Test(
        "localhost and all names below it mean this host, and no others",
        arguments: [
            ("localhost", true), ("app.localhost", true), ("a.b.localhost", true), ("localhost.test", false),
            ("notlocalhost", false), ("local", false), ("", false), ("127.0.0.1", false),
        ]
    )
    func loopback(text: String, isLoopback: Bool) {
        #expect(Hostname.isLoopback(text) == isLoopback)
        #expect((IPAddress.known(of: text) == IPAddress.loopbacks) == isLoopback)
    }

    @Test("a name has at most 253 characters")
    func length() {
        let name = [Self.longest, Self.longest, Self.longest, String(repeating: "b", count: 61)].joined(separator: ".")
        #expect(Hostname.isValid(name))
        #expect(!Hostname.isValid(name + "b"))
    }

    @Test(
        "numbers and dots that are no address are a slip, and everything else is not",
        arguments: [
            ("192.168.1.300", true), ("1.2.3", true), ("127.1", true), ("10.0.0.1.", true), ("192.168.01.1", true),
            ("8443", true), ("1..2", true), ("192.168.1.30", false), ("web.1", false), ("1.web", false), ("", false),
            (".", false), ("1.2.3.a", false), ("::1", false), ("٣.1", false),
        ]
    )
    func mistakenAddress(text: String, isOne: Bool) {
        #expect(Hostname.isMistakenAddress(text) == isOne)
    }

    @Test("a label holds no dot")
    func label() {
        #expect(Hostname.isLabel("a-b"))
        #expect(!Hostname.isLabel("a.b"))
        #expect(!Hostname.isLabel(""))
    }
}
