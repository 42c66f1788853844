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
}
