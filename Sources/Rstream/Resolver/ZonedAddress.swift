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
        // A literal, which is read and not looked up; NIO has no other way to give a zone.
        return try SocketAddress.makeAddressResolvingHost("\(address)%\(index)", port: port)
    }
}
