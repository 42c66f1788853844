// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What kind of network an address belongs to (IANA's registries of special-purpose addresses, RFC 6890).
package enum AddressKind: String, Hashable, Sendable, CaseIterable {
    /// Reached over the internet.
    case open
    /// This host.
    case loopback
    /// A neighbour on the same link.
    case linkLocal
    /// A home's or a company's network (RFC 1918, RFC 4193).
    case `private`
    /// Shared by the customers of a provider (RFC 6598, carrier-grade NAT).
    case shared
    /// The unspecified address, which systems take for this host.
    case unspecified
    case multicast
    /// For documents, tests, translation and later use.
    case reserved

    /// To stand in front of "address".
    package var text: String {
        switch self {
        case .open: "public"
        case .loopback, .private, .unspecified, .multicast, .reserved: rawValue
        case .linkLocal: "link-local"
        case .shared: "shared"
        }
    }
}

extension IPAddress {
    /// The kind of network that the address belongs to. An IPv6 address that stands for one of IPv4 is of the latter's
    /// kind.
    package var kind: AddressKind {
        switch self {
        case .v4(let number): Self.kind(v4: number)
        case .v6(let groups): Self.kind(v6: groups.values)
        }
    }

    /// The loopback address of each family, IPv4 first.
    package static let loopbacks = ["127.0.0.1", "::1"].compactMap { IPAddress($0) }

    /// The addresses of a host that needs no look-up: a literal is itself, and a loopback name, in lower case, stands
    /// for both loopback addresses. Nil for every other name.
    package static func known(of host: String) -> [IPAddress]? {
        if let literal = IPAddress(host) { return [literal] }
        return Hostname.isLoopback(host) ? loopbacks : nil
    }

    /// The IPv4 address that an IPv4-mapped one is to the kernel; any other as it is.
    package var unmapped: IPAddress {
        guard case .v6(let groups) = self, groups.values.starts(with: [0, 0, 0, 0, 0, 0xFFFF]) else { return self }
        return .v4(UInt32(groups.values[6]) << 16 | UInt32(groups.values[7]))
    }

    private static func kind(v4 number: UInt32) -> AddressKind {
        ranges.first { number & ~(UInt32.max >> $0.length) == $0.start }?.kind ?? .open
    }

    /// All of IPv4 that is not public; the more special range first.
    private static let ranges: [(start: UInt32, length: UInt32, kind: AddressKind)] = [
        (0x0000_0000, 8, .unspecified),
        (0x0A00_0000, 8, .private),
        (0x6440_0000, 10, .shared),
        (0x7F00_0000, 8, .loopback),
        (0xA9FE_0000, 16, .linkLocal),
        (0xAC10_0000, 12, .private),
        // Protocol assignments, among them the addresses of transition mechanisms.
        (0xC000_0000, 24, .reserved),
        (0xC000_0200, 24, .reserved),
        // Relays of 6to4, given up by RFC 7526.
        (0xC058_6300, 24, .reserved),
        (0xC0A8_0000, 16, .private),
        (0xC612_0000, 15, .reserved),
        (0xC633_6400, 24, .reserved),
        (0xCB00_7100, 24, .reserved),
        (0xE000_0000, 4, .multicast),
        (0xF000_0000, 4, .reserved),
    ]

    private static func kind(v6 groups: [UInt16]) -> AddressKind {
        func embedded(at index: Int) -> AddressKind {
            kind(v4: UInt32(groups[index]) << 16 | UInt32(groups[index + 1]))
        }
        switch groups[0] {
        case 0 where groups.starts(with: [0, 0, 0, 0, 0, 0xFFFF]): return embedded(at: 6)
        // IPv4-translated (RFC 2765).
        case 0 where groups.starts(with: [0, 0, 0, 0, 0xFFFF, 0]): return embedded(at: 6)
        case 0 where groups.dropLast().allSatisfy { $0 == 0 } && groups[7] <= 1:
            return groups[7] == 0 ? .unspecified : .loopback
        // Translation to IPv4 (RFC 6052); the prefix of RFC 8215 is a network's own.
        case 0x64 where groups.starts(with: [0x64, 0xFF9B, 0, 0, 0, 0]): return embedded(at: 6)
        case 0x64 where groups.starts(with: [0x64, 0xFF9B, 1]): return .private
        // 6to4.
        case 0x2002: return embedded(at: 1)
        // Protocol assignments, Teredo among them, and two ranges for documents.
        case 0x2001 where groups[1] < 0x200 || groups[1] == 0xDB8: return .reserved
        case 0x3FFF where groups[1] < 0x1000: return .reserved
        case 0x2000...0x3FFF: return .open
        case 0xFC00...0xFDFF: return .private
        case 0xFE80...0xFEBF: return .linkLocal
        // Site-local, which unique local addresses have replaced.
        case 0xFEC0...0xFEFF: return .private
        case 0xFF00...0xFFFF: return .multicast
        default: return .reserved
        }
    }
}
