// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import NIOCore
internal import RstreamModel

/// A link-local IPv6 address with its zone, the interface: `fe80::1%eth0` (RFC 4007 §11). ``NameService`` connects to
/// one without a lookup.
struct ZonedAddress {
    let address: IPAddress
    private let zone: String

    /// Nil for a name, and for an address without a zone.
    init?(_ text: String) {
        guard let percent = text.firstIndex(ofByte: "%"), let address = IPAddress(text[..<percent]) else { return nil }
        self.address = address
        zone = String(text[text.utf8.index(after: percent)...])
    }

    /// The socket address. The interface is looked up each time, since it may appear or disappear.
    func socketAddress(port: Int) throws -> SocketAddress {
        let index = UInt32(zone) ?? if_nametoindex(zone)
        guard index > 0 else {
            throw NameFailure(name: "\(address)%\(zone)", reason: "this host has no interface \(zone)")
        }
        let plain = try SocketAddress(ipAddress: "\(address)", port: port)
        // IPv4 addresses have no zones.
        guard case .v6(let storage) = plain else { return plain }
        var zoned = storage.address
        // Sets the last field, `sin6_scope_id`, in host byte order. Its name is private to a module of NIO.
        let last = MemoryLayout.size(ofValue: zoned) - MemoryLayout.size(ofValue: index)
        withUnsafeMutableBytes(of: &zoned) { $0.storeBytes(of: index, toByteOffset: last, as: UInt32.self) }
        return SocketAddress(zoned, host: "\(address)%\(zone)")
    }
}
