internal import Glibc
internal import NIOCore
internal import RstreamModel

/// An IPv6 address that means something on one link only, with the interface of that link: `fe80::1%eth0` (RFC 4007 §11).
struct ZonedAddress {
    let address: IPAddress
    private let zone: String

    /// Nil for a name, and for an address without a zone.
    init?(_ text: String) {
        guard let percent = text.firstIndex(ofByte: "%"), let address = IPAddress(text[..<percent]) else { return nil }
        self.address = address
        zone = String(text[text.utf8.index(after: percent)...])
    }

    /// The address for a socket; the interface is looked for each time, as it may come and go.
    func socketAddress(port: Int) throws -> SocketAddress {
        let index = UInt32(zone) ?? if_nametoindex(zone)
        guard index > 0 else {
            throw NameFailure(name: "\(address)%\(zone)", reason: "this host has no interface \(zone)")
        }
        let plain = try SocketAddress(ipAddress: "\(address)", port: port)
        // An IPv4 address has no zones.
        guard case .v6(let storage) = plain else { return plain }
        var zoned = storage.address
        // The last field, `sin6_scope_id`, in the host's order; its name belongs to a module of NIO's own.
        let last = MemoryLayout.size(ofValue: zoned) - MemoryLayout.size(ofValue: index)
        withUnsafeMutableBytes(of: &zoned) { $0.storeBytes(of: index, toByteOffset: last, as: UInt32.self) }
        return SocketAddress(zoned, host: "\(address)%\(zone)")
    }
}
