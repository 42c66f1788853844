// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// The header of HAProxy's PROXY protocol, which tells a service who its visitor is before the visitor's first byte.
///
/// The engine transmits the visitor's address, and a published port is known from the engine's grant. The other fields
/// are unknown: the destination is the unspecified address of the visitor's family, and an unknown port is 1, because
/// some services refuse a header with port 0. A visitor whose address the engine does not transmit is announced as
/// HAProxy does: `UNKNOWN` in version 1, `LOCAL` in version 2; the service then sees the daemon's own address. An
/// IPv4-mapped IPv6 address is written as IPv4, because services compare it with allow lists of IPv4 addresses.
package enum ProxyProtocol {
    /// The first bytes of every header of version 2.
    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    /// The bytes to write first.
    package static func header(
        _ version: ProxyProtocolVersion,
        source: IPAddress?,
        destinationPort: UInt16?
    ) -> [UInt8] {
        let port = destinationPort.flatMap { $0 == 0 ? nil : $0 } ?? unknownPort
        return switch version {
        case .v1: Array(line(source.map(unmapped), port).utf8)
        case .v2: signature + block(source.map(unmapped), port)
        }
    }

    private static let unknownPort: UInt16 = 1

    private static func line(_ source: IPAddress?, _ port: UInt16) -> String {
        switch source {
        case .v4(let number): "PROXY TCP4 \(IPAddress.v4(number)) 0.0.0.0 \(unknownPort) \(port)\r\n"
        case .v6(let groups): "PROXY TCP6 \(IPAddress.v6(groups)) :: \(unknownPort) \(port)\r\n"
        case nil: "PROXY UNKNOWN\r\n"
        }
    }

    /// Version and command, family and protocol, length; then source, destination and their ports.
    private static func block(_ source: IPAddress?, _ port: UInt16) -> [UInt8] {
        guard let source else { return [0x20, 0x00, 0, 0] }
        let octets = source.octets
        let family: UInt8 = if case .v4 = source { 0x11 } else { 0x21 }
        let ports = [unknownPort, port].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        let addresses = octets + Array(repeating: 0, count: octets.count) + ports
        return [0x21, family, 0, UInt8(addresses.count)] + addresses
    }

    /// Turns `::ffff:192.0.2.1` into 192.0.2.1.
    private static func unmapped(_ address: IPAddress) -> IPAddress {
        guard case .v6(let groups) = address, groups.values.prefix(5).allSatisfy({ $0 == 0 }),
            groups.values[5] == 0xFFFF
        else { return address }
        return .v4(UInt32(groups.values[6]) << 16 | UInt32(groups.values[7]))
    }
}
