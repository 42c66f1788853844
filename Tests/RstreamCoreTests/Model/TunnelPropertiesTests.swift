// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("how people are told where a tunnel is")
struct TunnelPropertiesTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        let expected: String
        let properties: TunnelProperties

        var testDescription: String { expected }

        init(_ expected: String, _ change: (inout TunnelProperties) -> Void) {
            self.expected = expected
            var properties = TunnelProperties()
            change(&properties)
            self.properties = properties
        }
    }

    private static func published(_ expected: String, _ kind: String?, _ port: UInt32? = nil) -> Case {
        Case(expected) {
            $0.hostname = "h.example"
            $0.protocol = kind
            $0.port = port
        }
    }

    private static let cases = [
        published("https://h.example", "http"),
        published("https://h.example", "http", 443),
        published("https://h.example:8443", "http", 8443),
        published("h.example:443 (tls)", "tls"),
        published("h.example:8443 (tls)", "tls", 8443),
        published("h.example:443 (tcp)", "tcp"),
        published("h.example:5000 (tcp)", "tcp", 5000),
        published("h.example (dtls)", "dtls"),
        published("h.example:5000 (dtls)", "dtls", 5000),
        published("h.example (quic)", "quic", 443),
        published("https://h.example (webtty)", "webtty"),
        published("h.example", nil),
        published("h.example:1", nil, 1),
        published("h.example", "later"),
        Case("https://old.example:1") {
            $0.host = "old.example:1"
            $0.protocol = "http"
            $0.port = 7
        },
        Case("old.example (tls)") {
            $0.host = "old.example"
            $0.hostname = "  "
            $0.protocol = "tls"
        },
        Case("https://new.example") {
            $0.host = "old.example"
            $0.hostname = "new.example"
            $0.protocol = "http"
        },
        Case("rstrm://web (unpublished)") {
            $0.id = "t1"
            $0.name = "web"
            $0.publish = false
        },
        Case("rstrm://t1 (unpublished)") { $0.id = "t1" },
        Case("rstrm:// (unpublished)") { _ in },
    ]

    @Test("the address takes the form of the official tools", arguments: cases)
    private func address(example: Case) {
        #expect(example.properties.forwardingAddress == example.expected)
    }
}
