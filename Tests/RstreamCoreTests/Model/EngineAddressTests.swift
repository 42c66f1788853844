// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("an engine's address is host[:port]")
struct EngineAddressTests {
    @Test(
        "these are addresses",
        arguments: [
            ("engine.example.com", "engine.example.com", 443),
            ("engine.example.com:8443", "engine.example.com", 8443),
            ("localhost:1", "localhost", 1),
            ("localhost:65535", "localhost", 65_535),
            ("localhost:00443", "localhost", 443),
            ("  engine.example.com:443\n", "engine.example.com", 443),
            ("Engine.EXAMPLE.com", "engine.example.com", 443),
            ("a", "a", 443),
            ("name.:443", "name", 443),
            ("Engine.example.", "engine.example", 443),
            ("a-b.c9", "a-b.c9", 443),
            // As containers are called.
            ("engine.1", "engine.1", 443),
            ("xn--bcher-kva.example", "xn--bcher-kva.example", 443),
            ("192.0.2.1", "192.0.2.1", 443),
            ("192.0.2.1:99", "192.0.2.1", 99),
            ("[::1]", "::1", 443),
            ("[::1]:8443", "::1", 8443),
            ("[2001:DB8::A]:1", "2001:db8::a", 1),
            ("[::ffff:192.0.2.1]:1", "::ffff:192.0.2.1", 1),
        ] as [(String, String, Int)]
    )
    func valid(text: String, host: String, port: Int) throws {
        let address = try EngineAddress(text)
        #expect(address.host == host)
        #expect(address.port == port)
    }

    @Test(
        "these are not, and the reason says why",
        arguments: [
            ("", .blank), ("   ", .blank), ("\n", .blank),
            ("https://engine.example.com", .character("/")),
            ("rstrm://engine", .character("/")),
            ("engine.example.com/path", .character("/")),
            ("engine?x=1", .character("?")),
            ("engine#a", .character("#")),
            ("user@engine", .character("@")),
            ("engine\\a", .character("\\")),
            ("engine .example", .character(" ")),
            ("engine\t:1", .character("\t")),
            ("bücher.example", .character("ü")),
            ("engine:٤٤٣", .character("٤")),
            (":443", .host("")),
            ("-a.example", .host("-a.example")),
            ("a-.example", .host("a-.example")),
            ("a..b", .host("a..b")),
            (".a", .host(".a")),
            ("a_b", .host("a_b")),
            ("a\0b", .host("a\0b")),
            ("::1", .host("::1")),
            ("2001:db8::1", .host("2001:db8::1")),
            ("a:1:2", .host("a:1:2")),
            ("[::1", .host("[::1")),
            ("[]", .host("")),
            ("[::g]", .host("::g")),
            ("[192.0.2.1]:1", .host("192.0.2.1")),
            ("[fe80::1%eth0]:1", .host("fe80::1%eth0")),
            ("[::1]443", .port("443")),
            ("192.168.1.300", .mistakenAddress("192.168.1.300")),
            ("192.168.1.300:443", .mistakenAddress("192.168.1.300")),
            ("1.2.3", .mistakenAddress("1.2.3")),
            ("8443", .mistakenAddress("8443")),
            ("a:", .port("")),
            ("a:0", .port("0")),
            ("a:65536", .port("65536")),
            ("a:-1", .port("-1")),
            ("a:+1", .port("+1")),
            ("a:https", .port("https")),
            ("a:99999999999999999999999", .port("99999999999999999999999")),
            ("[::1]:", .port("")),
        ] as [(String, EngineAddress.Malformed)]
    )
    func invalid(text: String, reason: EngineAddress.Malformed) {
        #expect(throws: reason) { try EngineAddress(text) }
        #expect(!reason.description.isEmpty)
    }

    @Test("a label has at most 63 characters and a name at most 253")
    func lengths() throws {
        let label = String(repeating: "a", count: 63)
        #expect(try EngineAddress(label).host == label)
        #expect(throws: EngineAddress.Malformed.self) { try EngineAddress(label + "a") }
        let name = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
        #expect(name.utf8.count == 253)
        #expect(try EngineAddress(name).host == name)
        #expect(throws: EngineAddress.Malformed.self) { try EngineAddress(name + "b") }
    }

    @Test("it prints as it would be dialed, and reads back", arguments: ["a", "A:1", "192.0.2.1", "[::1]", "[::1]:2"])
    func description(text: String) throws {
        let address = try EngineAddress(text)
        #expect(try EngineAddress(address.description) == address)
        #expect(address.description.hasSuffix(":\(address.port)"))
    }

    @Test("an IPv6 literal prints in brackets")
    func brackets() throws {
        #expect(try EngineAddress("[::1]").description == "[::1]:443")
        #expect(try EngineAddress("a.b").description == "a.b:443")
    }

    @Test(
        "only literals are literals",
        arguments: [("192.0.2.1", true), ("[::1]", true), ("a.b", false), ("1.b", false)]
    )
    func literal(text: String, isLiteral: Bool) throws {
        #expect(try EngineAddress(text).isIPLiteral == isLiteral)
    }
}
