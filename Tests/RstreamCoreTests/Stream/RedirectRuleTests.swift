// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import Testing

@Suite("Which addresses are dialed for the engine")
struct RedirectRuleTests {
    private typealias Redirects = TransportOptions.Redirects

    private func rule(_ policy: Redirects, engine: String = "engine.example", at own: String?) throws -> RedirectRule {
        RedirectRule(
            policy,
            engine: try EngineAddress(engine),
            connectedTo: try own.map { try #require(IPAddress($0)) }
        )
    }

    /// Those of `addresses` that are dialed.
    private func permitted(
        _ rule: RedirectRule,
        _ addresses: [String],
        of host: String = "other.example"
    ) throws
        -> [String]
    {
        let addresses = try addresses.map { try #require(IPAddress($0)) }
        do throws(RedirectRule.Refusal) {
            return try rule.permitted(addresses, of: host).map(\.description)
        } catch {
            return []
        }
    }

    /// One address of each kind that is not public, and forms of IPv6 that stand for some of them.
    private static let inner = [
        "127.0.0.1", "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "192.0.2.1", "240.0.0.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1", "64:ff9b:1::1",
    ]
    private static let outer = ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]

    @Test("an engine at a public address names public ones only", arguments: ["203.0.114.1", "2a00::1", nil])
    func `public`(own: String?) throws {
        let rule = try rule(.public, at: own)
        for address in Self.inner { #expect(try permitted(rule, [address]) == [], "\(address)") }
        for address in Self.outer { #expect(try permitted(rule, [address]).count == 1, "\(address)") }
    }

    @Test(
        "an engine at a special address names those of its own kind as well, and no others",
        arguments: [
            ("127.0.0.1", ["127.0.0.1", "::1", "::ffff:127.0.0.1"]),
            ("::1", ["127.0.0.1", "::1", "::ffff:127.0.0.1"]),
            ("::ffff:127.0.0.1", ["127.0.0.1", "::1", "::ffff:127.0.0.1"]),
            (
                "10.9.9.9",
                [
                    "10.0.0.1", "172.16.0.1", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1",
                    "2002:a00:1::1", "64:ff9b:1::1",
                ]
            ),
            ("100.64.9.9", ["100.64.0.1"]), ("fe80::9", ["169.254.169.254", "fe80::1"]),
        ]
    )
    func kind(own: String, expected: [String]) throws {
        let rule = try rule(.public, at: own)
        #expect(try Self.inner.filter { try permitted(rule, [$0]) != [] } == expected)
        for address in Self.outer { #expect(try permitted(rule, [address]).count == 1, "\(address)") }
    }

    @Test("an engine that is known by its address has the kind of that, also through a proxy")
    func literal() throws {
        let rule = try rule(.public, engine: "10.9.9.9:443", at: nil)
        #expect(try permitted(rule, ["10.0.0.1"]) == ["10.0.0.1"])
        #expect(try permitted(rule, ["127.0.0.1"]) == [])
    }

    @Test("of several addresses only those that are permitted are dialed, in their order")
    func mixed() throws {
        let rule = try rule(.public, at: "8.8.4.4")
        #expect(try permitted(rule, ["10.0.0.1", "8.8.8.8", "::1", "1.1.1.1"]) == ["8.8.8.8", "1.1.1.1"])
        #expect(try rule.permitted([], of: "other.example") == [], "a name without addresses is no refusal")
        let error = #expect(throws: RedirectRule.Refusal.self) {
            try rule.permitted([.v4(0x0A00_0001), .v4(0x7F00_0001)], of: "other.example")
        }
        #expect(error?.what == "10.0.0.1 is a private address, and the engine's own is not")
    }

    @Test("an engine may be held to its own host and address, at any port")
    func engine() throws {
        let rule = try rule(.engine, at: "8.8.4.4")
        #expect(try permitted(rule, ["8.8.4.4", "::ffff:8.8.4.4", "8.8.8.8"]) == ["8.8.4.4", "::ffff:808:404"])
        // Its own name may have other addresses, but not of another kind: it decides what the name resolves to.
        let host = "engine.example"
        #expect(try permitted(rule, ["8.8.8.8", "10.0.0.1", "127.0.0.1"], of: host) == ["8.8.8.8"])
        #expect(try permitted(rule, ["8.8.8.8"], of: "engine.example.other.example") == [])
    }

    @Test("any address is dialed if that is what is wanted")
    func any() throws {
        let rule = try rule(.any, at: "8.8.4.4")
        for address in Self.inner + Self.outer { #expect(try permitted(rule, [address]).count == 1, "\(address)") }
        try rule.checkUnresolved("localhost")
    }

    @Test("a name that a proxy resolves is judged as a name")
    func unresolved() throws {
        let open = try rule(.public, at: nil)
        try open.checkUnresolved("other.example")
        try open.checkUnresolved("engine.example")
        for name in ["localhost", "a.localhost"] {
            #expect(throws: RedirectRule.Refusal.self) { try open.checkUnresolved(name) }
        }
        let narrow = try rule(.engine, at: nil)
        try narrow.checkUnresolved("engine.example")
        #expect(throws: RedirectRule.Refusal.self) { try narrow.checkUnresolved("other.example") }
        try rule(.public, at: "::1").checkUnresolved("localhost")
        let local = try rule(.public, engine: "localhost", at: nil)
        try local.checkUnresolved("localhost")
    }
}
