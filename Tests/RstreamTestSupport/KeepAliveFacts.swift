// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// How a connection of this process is probed while it is idle, as the kernel has it.
package struct KeepAliveFacts: Hashable, Sendable {
    package var isOn: Bool
    /// Seconds of silence before the first probe.
    package var idle: CInt
    /// Seconds between probes.
    package var interval: CInt
    /// How many probes are lost before the connection is.
    package var probes: CInt

    package init(isOn: Bool, idle: CInt, interval: CInt, probes: CInt) {
        (self.isOn, self.idle, self.interval, self.probes) = (isOn, idle, interval, probes)
    }

    private init(of descriptor: CInt) {
        func option(_ level: CInt, _ name: CInt) -> CInt {
            var value: CInt = -1
            var length = socklen_t(MemoryLayout<CInt>.size)
            return getsockopt(descriptor, level, name, &value, &length) == 0 ? value : -1
        }
        let tcp = CInt(IPPROTO_TCP)
        self.init(
            isOn: option(SOL_SOCKET, SO_KEEPALIVE) == 1,
            idle: option(tcp, TCP_KEEPIDLE),
            interval: option(tcp, TCP_KEEPINTVL),
            probes: option(tcp, TCP_KEEPCNT)
        )
    }

    /// What the kernel gives to a new socket.
    package static var ofNewSocket: KeepAliveFacts {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        return KeepAliveFacts(of: descriptor)
    }

    /// More descriptors than a test process has.
    private static let descriptors: Range<CInt> = 0..<4_096

    /// Those of this process's connections whose ports, its own and its peer's, are wanted.
    package static func ofConnections(where isWanted: (_ own: Int, _ peer: Int) -> Bool) -> [KeepAliveFacts] {
        descriptors.compactMap { descriptor in
            guard let own = port(getsockname, descriptor), let peer = port(getpeername, descriptor),
                isWanted(own, peer)
            else { return nil }
            return KeepAliveFacts(of: descriptor)
        }
    }

    private typealias Name = (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt

    /// Nil for what is no connection over IP.
    private static func port(_ name: Name, _ descriptor: CInt) -> Int? {
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_in6>.size)
        var length = socklen_t(bytes.count)
        let result = bytes.withUnsafeMutableBytes { buffer in
            guard let address = buffer.assumingMemoryBound(to: sockaddr.self).baseAddress else { return CInt(-1) }
            return name(descriptor, address, &length)
        }
        // Family, then the port in network order.
        let family = CInt(bytes[0]) | CInt(bytes[1]) << 8
        guard result == 0, family == AF_INET || family == AF_INET6 else { return nil }
        return Int(bytes[2]) << 8 | Int(bytes[3])
    }
}
