// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// The listening sockets of this process, as the kernel lists them.
package enum OpenPorts {
    /// More descriptors than a test process has.
    private static let descriptors: Range<CInt> = 0..<4_096

    /// The descriptor that listens at a port of an IPv4 address.
    package static func descriptor(atPort port: Int) -> CInt? {
        descriptors.first { isListening($0) && Self.port(of: $0) == port }
    }

    private static func isListening(_ descriptor: CInt) -> Bool {
        var answer: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &answer, &length) == 0 && answer == 1
    }

    private static func port(of descriptor: CInt) -> Int? {
        // Family, then the port in network order.
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_in>.size)
        var length = socklen_t(bytes.count)
        let result = bytes.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &length) }
        }
        return result == 0 ? Int(bytes[2]) << 8 | Int(bytes[3]) : nil
    }
}
