// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamTestSupport
import Testing

@Suite("an IP address")
struct IPAddressTests {
    @Test(
        "an IPv4 literal is its number",
        arguments: [
            ("192.0.2.10", 0xC000_020A), ("0.0.0.0", 0), ("255.255.255.255", 0xFFFF_FFFF), ("127.0.0.1", 0x7F00_0001),
            ("100.20.3.0", 0x6414_0300), ("0.0.0.1", 1), ("1.0.0.0", 0x0100_0000),
        ] as [(String, UInt32)]
    )
    func v4(text: String, number: UInt32) {
        #expect(IPAddress(text) == .v4(number))
        #expect(IPAddress.v4(number).description == text)
    }

    @Test(
        "an IPv6 literal prints in the form of RFC 5952",
        arguments: [
            ("::", "::"),
            ("::1", "::1"),
            ("1::", "1::"),
            ("0:0:0:0:0:0:0:0", "::"),
            ("2001:DB8::ABCD", "2001:db8::abcd"),
            ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
            // A single group of zeros is not shortened.
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            // The longest run is; of two equal ones, the first.
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("::ffff:192.0.2.10", "::ffff:c000:20a"),
            ("1:2:3:4:5:6:192.0.2.10", "1:2:3:4:5:6:c000:20a"),
            ("fe80::", "fe80::"),
        ]
    )
    func v6(text: String, printed: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == printed)
        #expect(IPAddress(printed) == address)
    }

    @Test(
        "these are not addresses",
        arguments: [
            "", " ", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.04", "1..2.3", "1.2.3.4 ", "+1.2.3.4",
            "1.2.3.a", "１.2.3.4", "1.2.3.", ".1.2.3", "1.2.3.4.", "00.1.2.3", "1.2.3.00", "1000.2.3.4",
            "4294967297.2.3.4", "1.2.3.4/8", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
            "1::2::3", "12345::", "g::", "+1::", "::1%eth0", "[::1]", "::1.2.3", "::1.2.3.256", "1.2.3.4::",
            "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4:1", ":1", "1:", "::１", "localhost",
        ]
    )
    func invalid(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("octets are in network order and lead back")
    func octets() throws {
        #expect(IPAddress.v4(0xC000_020A).octets == [192, 0, 2, 10])
        let address = try #require(IPAddress("2001:db8::102"))
        #expect(address.octets == [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2])
        #expect(IPAddress(v6Octets: address.octets) == address)
    }

    @Test("another number of octets is no IPv6 address", arguments: [0, 1, 4, 15, 17, 32])
    func octetCount(count: Int) {
        #expect(IPAddress(v6Octets: Array(repeating: 1, count: count)) == nil)
    }

    @Test("eight groups make an IPv6 address, no more and no fewer", arguments: 0...10)
    func groups(count: Int) {
        #expect((IPAddress.IPv6Groups(Array(repeating: 1, count: count)) != nil) == (count == 8))
    }

    @Test("any address prints as a text that reads back", arguments: 1...20 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<200 {
            // Mostly zeros, so that runs of them are found in every place.
            let groups = (0..<8).map { _ in Bool.random(using: &random) ? 0 : UInt16.random(in: 0...3, using: &random) }
            let six = IPAddress.v6(try #require(IPAddress.IPv6Groups(groups)))
            #expect(IPAddress(six.description) == six, "seed \(seed)")
            let four = IPAddress.v4(.random(in: .min ... .max, using: &random))
            #expect(IPAddress(four.description) == four, "seed \(seed)")
        }
    }
}

@Suite("a range of addresses")
struct IPPrefixTests {
    @Test(
        "a prefix holds what shares its leading bits",
        arguments: [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            // Bits behind the length do not count.
            ("192.0.2.77/24", "192.0.2.1", true),
            ("192.0.2.0/25", "192.0.2.127", true),
            ("192.0.2.0/25", "192.0.2.128", false),
            ("192.0.2.1/32", "192.0.2.1", true),
            ("192.0.2.1/32", "192.0.2.0", false),
            ("0.0.0.0/0", "255.1.2.3", true),
            ("128.0.0.0/1", "127.255.255.255", false),
            ("128.0.0.0/1", "128.0.0.0", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::1/128", "::1", true),
            ("::1/128", "::2", false),
            ("::/0", "ffff::", true),
            // The families do not mix.
            ("::/0", "192.0.2.1", false),
            ("0.0.0.0/0", "::", false),
        ]
    )
    func contains(prefix: String, address: String, isInside: Bool) throws {
        let prefix = try #require(IPPrefix(prefix))
        #expect(prefix.contains(try #require(IPAddress(address))) == isInside)
    }

    @Test(
        "these are not prefixes",
        arguments: [
            "", "/", "/8", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
            "10.0.0/8", "10.0.0.0/a", "10.0.0.0/0008", "::/129", "::/ 8", "::/٨", "host/8",
        ]
    )
    func invalid(text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test("it prints as address and length", arguments: ["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::1/128"])
    func description(text: String) {
        #expect(IPPrefix(text)?.description == text)
    }
}
