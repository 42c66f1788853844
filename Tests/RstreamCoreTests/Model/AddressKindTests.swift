// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("The kind of an address")
struct AddressKindTests {
    @Test(
        "is that of the network it belongs to, at both ends of each range and beside them",
        arguments: [
            ("0.0.0.0", AddressKind.unspecified), ("0.255.255.255", .unspecified), ("1.0.0.0", .open),
            ("9.255.255.255", .open), ("10.0.0.0", .private), ("10.255.255.255", .private), ("11.0.0.0", .open),
            ("100.63.255.255", .open), ("100.64.0.0", .shared), ("100.127.255.255", .shared), ("100.128.0.0", .open),
            ("126.255.255.255", .open), ("127.0.0.0", .loopback), ("127.255.255.255", .loopback), ("128.0.0.0", .open),
            ("169.253.255.255", .open), ("169.254.0.0", .linkLocal), ("169.254.169.254", .linkLocal),
            ("169.255.0.0", .open), ("172.15.255.255", .open), ("172.16.0.0", .private), ("172.31.255.255", .private),
            ("172.32.0.0", .open), ("192.0.0.8", .reserved), ("192.0.2.1", .reserved), ("192.88.99.1", .reserved),
            ("192.167.255.255", .open), ("192.168.0.0", .private), ("192.168.255.255", .private),
            ("192.169.0.0", .open), ("198.17.255.255", .open), ("198.18.0.0", .reserved), ("198.19.255.255", .reserved),
            ("198.20.0.0", .open), ("198.51.100.7", .reserved), ("203.0.113.7", .reserved), ("203.0.114.0", .open),
            ("223.255.255.255", .open), ("224.0.0.1", .multicast), ("239.255.255.255", .multicast),
            ("240.0.0.1", .reserved), ("255.255.255.255", .reserved), ("8.8.8.8", .open),
        ]
    )
    func v4(text: String, kind: AddressKind) throws {
        #expect(try #require(IPAddress(text)).kind == kind)
    }

    @Test(
        "is that of an IPv6 network, and everything outside of global unicast is special",
        arguments: [
            ("::", AddressKind.unspecified), ("::1", .loopback), ("::2", .reserved), ("::8.8.8.8", .reserved),
            ("100::1", .reserved), ("2000::1", .open), ("2001:4860:4860::8888", .open), ("2001::1", .reserved),
            ("2001:1ff:ffff::", .reserved), ("2001:200::", .open), ("2001:db8::1", .reserved), ("2001:db9::1", .open),
            ("3fff::1", .reserved), ("3fff:1000::1", .open), ("4000::1", .reserved), ("5f00::1", .reserved),
            ("fbff::1", .reserved), ("fc00::1", .private), ("fdff::1", .private), ("fe00::1", .reserved),
            ("fe80::1", .linkLocal), ("febf::1", .linkLocal), ("fec0::1", .private), ("ff02::1", .multicast),
        ]
    )
    func v6(text: String, kind: AddressKind) throws {
        #expect(try #require(IPAddress(text)).kind == kind)
    }

    @Test(
        "is the IPv4 address's, where an IPv6 address stands for one",
        arguments: ["::ffff:", "::ffff:0:", "64:ff9b::"],
        [
            ("127.0.0.1", AddressKind.loopback), ("10.1.2.3", .private), ("169.254.169.254", .linkLocal),
            ("100.64.0.1", .shared), ("0.0.0.0", .unspecified), ("224.0.0.1", .multicast), ("192.0.2.1", .reserved),
            ("8.8.8.8", .open),
        ]
    )
    func embedded(prefix: String, inner: (String, AddressKind)) throws {
        #expect(try #require(IPAddress(prefix + inner.0)).kind == inner.1)
    }

    @Test("is the IPv4 address's in 6to4 too, and a network's own translation is private")
    func translated() throws {
        #expect(try #require(IPAddress("2002:7f00:1::1")).kind == .loopback)
        #expect(try #require(IPAddress("2002:a00:1::1")).kind == .private)
        #expect(try #require(IPAddress("2002:808:808::1")).kind == .open)
        #expect(try #require(IPAddress("64:ff9b:1::808:808")).kind == .private)
    }

    @Test("a mapped address is the IPv4 address, others are themselves")
    func unmapped() throws {
        #expect(try #require(IPAddress("::ffff:192.0.2.1")).unmapped == IPAddress("192.0.2.1"))
        for text in ["::1", "64:ff9b::192.0.2.1", "192.0.2.1"] {
            let address = try #require(IPAddress(text))
            #expect(address.unmapped == address)
        }
    }

    @Test("is known of a literal and of a loopback name, and of no other host")
    func known() throws {
        #expect(IPAddress.loopbacks.map(\.description) == ["127.0.0.1", "::1"])
        #expect(IPAddress.loopbacks.allSatisfy { $0.kind == .loopback })
        for literal in ["192.0.2.1", "127.0.0.1", "::1", "2001:db8::1"] {
            #expect(IPAddress.known(of: literal) == [try #require(IPAddress(literal))])
        }
        #expect(IPAddress.known(of: "db.example") == nil)
    }
}
