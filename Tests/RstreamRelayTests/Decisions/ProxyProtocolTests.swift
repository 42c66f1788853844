// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemonModel
import RstreamModel
import Testing

@testable import RstreamRelay

@Suite("the header of the PROXY protocol")
struct ProxyProtocolTests {
    private func header(_ version: ProxyProtocolVersion, _ source: String?, port: UInt16? = nil) throws -> [UInt8] {
        ProxyProtocol.header(
            version,
            source: try source.map { try #require(IPAddress($0)) },
            destinationPort: port
        )
    }

    @Test(
        "of version 1 is one line that claims the visitor's address and nothing else, with ports that are not 0",
        arguments: [
            ("192.0.2.10", "PROXY TCP4 192.0.2.10 0.0.0.0 1 1\r\n"),
            ("255.255.255.255", "PROXY TCP4 255.255.255.255 0.0.0.0 1 1\r\n"),
            ("2001:db8::1", "PROXY TCP6 2001:db8::1 :: 1 1\r\n"),
            ("::1", "PROXY TCP6 ::1 :: 1 1\r\n"),
            ("::ffff:192.0.2.10", "PROXY TCP4 192.0.2.10 0.0.0.0 1 1\r\n"),
            (nil, "PROXY UNKNOWN\r\n"),
        ]
    )
    func version1(source: String?, line: String) throws {
        #expect(String(decoding: try header(.v1, source), as: UTF8.self) == line)
    }

    /// `\r\n\r\n\0\r\nQUIT\n`.
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    @Test(
        "of version 2 has 28 bytes for IPv4, in its clothes of IPv6 too",
        arguments: ["192.0.2.10", "::ffff:192.0.2.10"]
    )
    func version2IPv4(source: String) throws {
        let rest: [UInt8] = [0x21, 0x11, 0, 12, 192, 0, 2, 10, 0, 0, 0, 0, 0, 1, 0, 1]
        #expect(try header(.v2, source) == Self.signature + rest)
    }

    @Test("of version 2 has 52 bytes for IPv6")
    func version2IPv6() throws {
        let source: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0A]
        let rest = [0x21, 0x21, 0, 36] + source + [UInt8](repeating: 0, count: 16) + [0, 1, 0, 1]
        #expect(try header(.v2, "2001:db8::a") == Self.signature + rest)
    }

    @Test("of version 2 is that of a local connection when the visitor is not known")
    func version2Unknown() throws {
        #expect(try header(.v2, nil) == Self.signature + [0x20, 0x00, 0, 0])
    }

    @Test("names the published port where it is known, and never port 0")
    func destinationPort() throws {
        let line = try header(.v1, "192.0.2.10", port: 51_234)
        #expect(String(decoding: line, as: UTF8.self) == "PROXY TCP4 192.0.2.10 0.0.0.0 1 51234\r\n")
        #expect(try header(.v1, "192.0.2.10", port: 0) == header(.v1, "192.0.2.10"))
        #expect(try header(.v2, "192.0.2.10", port: 0x1234).suffix(4) == [0, 1, 0x12, 0x34])
        #expect(try header(.v2, "::1", port: 0x1234).suffix(4) == [0, 1, 0x12, 0x34])
    }

    @Test("of version 1 is never longer than the 107 bytes that a service must be ready for")
    func longest() throws {
        #expect(try header(.v1, "2001:1db8:2222:3333:4444:5555:6666:7777", port: .max).count <= 107)
    }
}
