internal import Glibc
package import NIOCore
package import RstreamModel

extension ListeningSocket {
    /// Listens at the first of a host's addresses that this host has. An address that somebody else holds is an error,
    /// though there were others: half of what was wanted is not to be had in silence.
    package static func bind<Listening>(
        to addresses: [IPAddress],
        port: Int,
        _ bind: (SocketAddress) async throws -> Listening
    ) async throws -> Listening {
        var absent: (any Error)?
        for address in addresses {
            do {
                return try await bind(try SocketAddress(ipAddress: address.description, port: port))
            } catch let error as IOError where [EADDRNOTAVAIL, EAFNOSUPPORT].contains(error.errnoCode) {
                absent = absent ?? error
            }
        }
        throw absent ?? IOError(errnoCode: EADDRNOTAVAIL, reason: "bind")
    }

    /// Binds to an address as a listener does, and lets it go at once. Nobody can connect meanwhile, and whoever listens
    /// there goes on. `takesIPv4` says whether all addresses of IPv6 are to be those of IPv4 as well.
    package static func tryAddress(_ address: SocketAddress, takesIPv4: Bool) throws {
        let isIPv6 = address.protocol == .inet6
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, type, 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        defer { Glibc.close(descriptor) }
        var on: CInt = 1
        let length = socklen_t(MemoryLayout<CInt>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, length)
        if address.ipAddress == "::", !takesIPv4 {
            setsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &on, length)
        }
        let result = address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) }
        guard result == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
    }
}
