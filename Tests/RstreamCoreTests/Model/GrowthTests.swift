// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("no text costs more than its length")
struct GrowthTests {
    @Test("addresses, names and URLs", arguments: HardText.allCases)
    func parsers(text: HardText) {
        Growth.expectLinear("engine") {
            text.text($0)
        } _: {
            _ = try? EngineAddress($0)
        }
        Growth.expectLinear("engine with a port") {
            "e:" + text.text($0)
        } _: {
            _ = try? EngineAddress($0)
        }
        Growth.expectLinear("forward") {
            text.text($0)
        } _: {
            _ = try? UpstreamAddress($0)
        }
        Growth.expectLinear("socket") {
            "unix:/" + text.text($0)
        } _: {
            _ = try? UpstreamAddress($0)
        }
        Growth.expectLinear("proxy") {
            "http://u:" + text.text($0) + "@p"
        } _: {
            _ = try? ProxyURL($0)
        }
        Growth.expectLinear("exception") {
            text.text($0)
        } _: {
            _ = ProxyException($0)
        }
        Growth.expectLinear("exceptions") {
            text.text($0 / 2) + String(repeating: ",", count: $0 / 2)
        } _: {
            _ = ProxyException.list($0)
        }
        Growth.expectLinear("host name") {
            text.text($0)
        } _: {
            _ = Hostname.isValid($0)
        }
        Growth.expectLinear("address") {
            "1.2.3." + text.text($0)
        } _: {
            _ = IPAddress($0)
        }
        Growth.expectLinear("prefix") {
            "1.2.3.4/" + text.text($0)
        } _: {
            _ = IPPrefix($0)
        }
    }

    @Test("what is done with any text", arguments: HardText.allCases)
    func operations(text: HardText) {
        Growth.expectLinear("trimmed") {
            " " + text.text($0) + " "
        } _: {
            _ = $0.trimmed
        }
        Growth.expectLinear("shortened") {
            text.text($0)
        } _: {
            _ = $0.shortened
        }
        Growth.expectLinear("without user") {
            "https://" + text.text($0) + "@h"
        } _: {
            _ = $0.withoutUser
        }
        Growth.expectLinear("as a key") {
            text.text($0)
        } _: {
            _ = Set([ByteKey($0), ByteKey($0 + "x")])
        }
        Growth.expectLinear("searched") {
            String(repeating: ":/", count: $0 / 2) + text.text(4)
        } _: {
            _ = $0.firstRange(ofBytes: "://")
        }
    }

    @Test("many pieces")
    func pieces() {
        for separator in [".", ":", "@", "/", "[", "]", "%"] {
            Growth.expectLinear("\(separator)") {
                String(repeating: "a\(separator)", count: $0 / 2)
            } _: { text in
                _ = try? EngineAddress(text)
                _ = try? UpstreamAddress(text)
                _ = try? ProxyURL(text)
                _ = IPAddress(text)
                _ = Hostname.isMistakenAddress(text)
                _ = ProxyException(text)
            }
        }
    }

    @Test("lengths end at the border")
    func lengths() throws {
        let label = String(repeating: "a", count: 63)
        let longest = "\(label).\(label).\(label).\(label.dropLast(2))"
        #expect(longest.utf8.count == 253)
        #expect(try EngineAddress("\(longest):65535").host == longest)
        #expect(throws: EngineAddress.Malformed.self) { try EngineAddress("\(longest)a:65535") }
        #expect(try UpstreamAddress("\(longest):1") == .tcp(host: longest, service: "1"))
        #expect(throws: UpstreamAddress.Malformed.self) { try UpstreamAddress("\(longest)a:1") }
        #expect(throws: ProxyURL.Malformed.tooLong) { try ProxyURL(String(repeating: "a", count: 4_097)) }
        // What is said about them has an end as well.
        let error = #expect(throws: EngineAddress.Malformed.self) { try EngineAddress(HardText.marks.text(100_000)) }
        #expect((error?.description.utf8.count ?? 0) < 200)
    }

    @Test("a path is its bytes, as for the kernel")
    func bytes() throws {
        let (composed, decomposed) = ("unix:/run/\u{E9}", "unix:/run/e\u{301}")
        #expect(composed == decomposed)
        #expect(try UpstreamAddress(composed) != UpstreamAddress(decomposed))
        #expect(Set([try UpstreamAddress(composed), try UpstreamAddress(decomposed)]).count == 2)
        // A mark that follows a separator is a part of what stands behind it.
        #expect(try UpstreamAddress("a:\u{301}1") == .tcp(host: "a", service: "\u{301}1"))
        #expect(throws: EngineAddress.Malformed.self) { try EngineAddress("e.example:\u{301}443") }
        #expect(IPAddress("1.2.3.4\u{301}") == nil)
    }
}

@Suite("a specification has an end")
struct SpecLengthTests {
    private static func problems(_ change: (inout TunnelSpec) -> Void) -> [String] {
        var spec = TunnelSpec(name: "web")
        change(&spec)
        return spec.problems.map(\.description)
    }

    @Test("a name, a host name, and labels")
    func lengths() {
        func text(_ length: Int) -> String { String(repeating: "a", count: length) }
        #expect(Self.problems { $0.name = text(255) }.isEmpty)
        #expect(Self.problems { $0.name = text(256) } == ["the name is longer than 255 bytes"])
        #expect(Self.problems { $0.hostname = text(254) } == ["the hostname is longer than 253 bytes"])
        #expect(Self.problems { $0.labels = [text(256): text(1_024)] }.isEmpty)
        #expect(Self.problems { $0.labels = [text(257): ""] }.count == 1)
        #expect(Self.problems { $0.labels = ["a": text(1_025)] }.count == 1)
        let labels = Dictionary(uniqueKeysWithValues: (0..<64).map { ("\($0)", "") })
        #expect(Self.problems { $0.labels = labels }.isEmpty)
        #expect(Self.problems { $0.labels = labels.merging(["rstream.source": "x"]) { $1 } }.isEmpty)
        #expect(Self.problems { $0.labels = labels.merging(["one": ""]) { $1 } } == ["there are more than 64 labels"])
    }
}

@Suite("the text of a token")
struct TokenTextTests {
    private static func token(_ text: String) throws(TokenText.Problem) -> String {
        try TokenText.token(in: Array(text.utf8)).reveal()
    }

    @Test("is one line of printable ASCII, without what stands around it")
    func valid() throws {
        #expect(try Self.token("abc\n") == "abc")
        #expect(try Self.token(" \r\n a~!b \t\n") == "a~!b")
        #expect(try Self.token(String(repeating: "a", count: 16_384)).utf8.count == 16_384)
    }

    @Test(
        "is nothing else",
        arguments: [
            ("", .empty), (" \n", .empty), ("a\nb", .lines), ("a\rb", .lines), ("a\r\nX: y", .lines),
            ("-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n", .lines), ("caf\u{E9}", .characters),
            ("a\0b", .characters), ("a\u{7F}", .characters), ("HOME=/\0PATH=/bin\0", .characters),
            ("a\tb", .characters),
            (String(repeating: "a", count: 16_385), .tooLong),
        ] as [(String, TokenText.Problem)]
    )
    func invalid(text: String, flaw: TokenText.Problem) {
        #expect(throws: flaw) { try Self.token(text) }
    }

    @Test("is never shown by what is wrong with it")
    func discreet() {
        for flaw in [TokenText.Problem.empty, .tooLong, .lines, .characters] {
            #expect(!flaw.description.contains("hunter"))
        }
        #expect(throws: TokenText.Problem.lines) { try TokenText.check(Secret("hunter2\n")) }
    }
}
