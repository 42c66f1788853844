// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import NIOCore
package import RstreamModel

/// Binding and closing of listening sockets.
package enum ListeningSocket {
    /// Stops listening: new connections are refused, and the address is free when this returns.
    ///
    /// Closing the descriptor is not enough. The socket lives as long as any process has a copy of the descriptor, as a
    /// child has that this process is just starting; shutting the socket down ends the listening itself. Not for a
    /// socket that is shared on purpose.
    package static func close(_ channel: any Channel) async {
        let closed = channel.eventLoop.flatSubmit { closeNow(channel) }
        // Fails only when it is closed already.
        try? await closed.get()
    }

    /// The same, on the channel's event loop.
    @discardableResult
    package static func closeNow(_ channel: any Channel) -> EventLoopFuture<Void> {
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable { (descriptor: NIOBSDSocket.Handle) in
            _ = shutdown(descriptor, CInt(SHUT_RDWR))
        }
        // In the same breath: NIO does not expect a listening socket to end by itself.
        return channel.close()
    }
}

extension ListeningSocket {
    /// Copies of the descriptors of listening sockets, for another process; they belong to the caller. None when one of
    /// the sockets is closed.
    package static func copies(of channels: [any Channel]) async -> [CInt] {
        var copies: [CInt] = []
        for channel in channels {
            let copy = try? await channel.eventLoop.submit {
                try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable {
                    (descriptor: NIOBSDSocket.Handle) -> CInt in
                    fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                } ?? -1
            }.get()
            guard let copy, copy >= 0 else {
                for copy in copies { Glibc.close(copy) }
                return []
            }
            copies.append(copy)
        }
        return copies
    }

    /// One of the addresses cannot be listened at, and therefore none is.
    package struct Refusal: Error {
        package let cause: IOError
        private let address: IPAddress
        private let place: String

        fileprivate init(_ address: IPAddress, port: Int, _ cause: IOError) {
            self.cause = cause
            self.address = address
            place = ListenAddress.tcp(host: "\(address)", port: port).description
        }

        /// The address to stand in a sentence, with what was `wanted` where that is another text.
        package func place(of wanted: String) -> String {
            place.sameBytes(as: wanted) ? place : "\(place) (\(wanted))"
        }

        /// Whether this host has no such address, or none of its family.
        fileprivate var isAbsence: Bool {
            switch cause.errnoCode {
            case EADDRNOTAVAIL, EAFNOSUPPORT: true
            // A link-local address needs its link's name, and a host's own name may resolve to such addresses.
            case EINVAL: address.kind == .linkLocal
            default: false
            }
        }
    }

    /// How many ports are tried that are free at one address and taken at another.
    private static let mostPorts = 16

    /// Listens at each of the addresses that this host has, at the same port; port 0 stands for a port that is free at
    /// all of them. If one is taken, none is listened at: a listener at half of its addresses would go unnoticed.
    ///
    /// Sockets of `bind` are returned or discarded. Throws ``Refusal`` when the kernel refuses an address.
    package static func bind<Socket>(
        to addresses: [IPAddress],
        port: Int,
        _ bind: (SocketAddress) async throws -> Socket,
        portOf: (Socket) -> Int?,
        discard: (Socket) async -> Void
    ) async throws -> [Socket] {
        var ports = port == 0 ? mostPorts : 1
        while true {
            ports -= 1
            do {
                return try await bindOnce(to: addresses, port: port, bind, portOf: portOf, discard: discard)
            } catch let refusal as Refusal where refusal.cause.errnoCode == EADDRINUSE && ports > 0 {
                continue
            }
        }
    }

    private static func bindOnce<Socket>(
        to addresses: [IPAddress],
        port: Int,
        _ bind: (SocketAddress) async throws -> Socket,
        portOf: (Socket) -> Int?,
        discard: (Socket) async -> Void
    ) async throws -> [Socket] {
        var (sockets, port, absent): ([Socket], Int, Refusal?) = ([], port, nil)
        // Resolvers say some twice, and the kernel gives each once.
        var seen: Set<IPAddress> = []
        do {
            for address in addresses where seen.insert(address.unmapped).inserted {
                do {
                    let socket = try await bind(try SocketAddress(ipAddress: "\(address)", port: port))
                    sockets.append(socket)
                    if port == 0 { port = portOf(socket) ?? 0 }
                } catch let error as IOError {
                    let refusal = Refusal(address, port: port, error)
                    guard refusal.isAbsence else { throw refusal }
                    absent = absent ?? refusal
                }
            }
        } catch {
            for socket in sockets { await discard(socket) }
            throw error
        }
        guard !sockets.isEmpty else { throw absent ?? IOError(errnoCode: EADDRNOTAVAIL, reason: "bind") }
        return sockets
    }

    /// Binds to an address as a listener does, and closes the socket at once. No client can connect meanwhile, and a
    /// process that listens there is not disturbed. `takesIPv4` says whether `::` includes all addresses of IPv4.
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

extension SocketAddress {
    /// An address and a port, as a configuration has them; nil for a socket in the file system.
    package var place: String? {
        guard let ipAddress, let port else { return nil }
        return ListenAddress.tcp(host: ipAddress, port: port).description
    }
}
