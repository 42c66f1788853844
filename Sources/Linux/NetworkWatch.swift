// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc

/// A netlink socket that reports every address and route that is added or removed.
///
/// The channel that reads the descriptor owns it.
package struct NetworkWatch: Sendable {
    /// Non-blocking and closed on exec.
    package let descriptor: Int32

    /// Subscribes to addresses, routes and links of both families.
    package init() throws(SystemError) {
        let type = Int32(SOCK_RAW.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_NETLINK, type, NETLINK_ROUTE)
        guard descriptor >= 0 else { throw SystemError("socket", errno) }
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = UInt32(
            RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE
        )
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
            }
        }
        guard result == 0 else {
            let error = SystemError("bind", errno)
            close(descriptor)
            throw error
        }
    }

    /// Whether one of the messages of a read is about an address or a route, or a link that came up. An incomplete
    /// message at the end is ignored.
    package static func isChange(_ bytes: [UInt8]) -> Bool {
        let head = MemoryLayout<nlmsghdr>.size
        var offset = 0
        while bytes.count - offset >= head {
            let fields = unsafe bytes[offset..<offset + head].withUnsafeBytes { buffer in
                unsafe (
                    length: buffer.loadUnaligned(fromByteOffset: 0, as: UInt32.self),
                    type: buffer.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
                )
            }
            switch Int(fields.type) {
            case RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWLINK: return true
            default: break
            }
            // Messages begin at multiples of four.
            guard let length = Int(exactly: fields.length), length >= head else { break }
            offset += (length + 3) & ~3
        }
        return false
    }
}
