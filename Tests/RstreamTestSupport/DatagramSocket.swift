// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc

/// A Unix socket that takes datagrams, in the place of one of systemd's.
package struct DatagramSocket: ~Copyable {
    package let descriptor: CInt

    /// Throws ``POSIXFailure`` when there is something at the path already, or nothing can be.
    package init(path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw POSIXFailure("bind \(path)", errno) }
    }

    deinit { close(descriptor) }

    /// The next datagram, whole; empty when there is none.
    package func next() -> [UInt8] { Self.next(descriptor) }

    static func next(_ descriptor: CInt) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 300_000)
        let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        return Array(buffer.prefix(max(0, count)))
    }
}
