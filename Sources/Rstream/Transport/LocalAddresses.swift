// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import NIOCore
internal import NIOPosix
package import RstreamModel

/// The local addresses of outgoing connections (`transport.bind`), and so the families that can be dialed (CONFIG.md
/// §7).
///
/// ``Dialer`` makes one per connection, because an interface's addresses change. Immutable.
struct LocalAddresses: Hashable, Sendable {
    /// Nil if the kernel chooses the address.
    let bound: [TransportOptions.IPFamily: IPAddress]?
    /// The families to dial.
    let families: Set<TransportOptions.IPFamily>

    /// Looks up the addresses if `bind` names an interface. May block.
    init(bind: TransportOptions.Bind?, ipFamily: TransportOptions.IPFamily?) throws(RstreamError) {
        let wanted = ipFamily.map { [$0] } ?? TransportOptions.IPFamily.both
        switch bind {
        case nil:
            bound = nil
            families = wanted
        case .address(let address)?:
            guard wanted.contains(address.family) else {
                throw RstreamError(
                    code: .invalidConfig,
                    origin: .configuration,
                    retry: .afterReload,
                    what: "cannot connect from \(address): only \(address.family.other.text) is dialed",
                    fix: "change transport.bind or transport.ipFamily"
                )
            }
            bound = [address.family: address]
            families = [address.family]
        case .interface(let name)?:
            let found = Self.addresses(of: name).filter { wanted.contains($0.key) }
            guard !found.isEmpty else {
                let kind = ipFamily.map { "\($0.text) " } ?? ""
                throw RstreamError(
                    code: .engineUnreachable,
                    origin: .host,
                    retry: .afterBackoff,
                    what: "interface \"\(name)\" has no \(kind)address to connect from",
                    fix: "check transport.bind.interface and this host's network"
                )
            }
            bound = found
            families = Set(found.keys)
        }
    }

    /// Whether an interface of this host has `address` now; true if that cannot be found out. May block.
    static func has(_ address: IPAddress) -> Bool {
        MayBlock.now("getifaddrs")
        guard let devices = try? System.enumerateDevices() else { return true }
        return devices.contains { device in device.address?.ipAddress.flatMap { IPAddress($0) } == address }
    }

    /// Binds a socket that is not connected yet to the local address of its family; nil where there is nothing to bind.
    func bind(_ channel: any Channel) -> EventLoopFuture<Void>? {
        guard let bound else { return nil }
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        // NIO races both families, and only the socket itself knows its family.
        return socket.unsafeGetSocketOption(level: .socket, name: .domain).flatMap { (domain: CInt) in
            guard let address = bound[domain == AF_INET6 ? .ipv6 : .ipv4] else {
                return channel.eventLoop.makeFailedFuture(IOError(errnoCode: EADDRNOTAVAIL, reason: "bind"))
            }
            return channel.eventLoop.makeCompletedFuture {
                try SocketAddress(ipAddress: address.description, port: 0)
            }.flatMap { channel.bind(to: $0) }.flatMapErrorThrowing { error in
                guard let error = error as? IOError else { throw error }
                switch error.errnoCode {
                case EADDRNOTAVAIL: throw LocalAddressAbsent(address: address)
                // The kernel chooses the port, and found no free one.
                case EADDRINUSE: throw IOError(errnoCode: EADDRNOTAVAIL, reason: "bind")
                default: throw error
                }
            }
        }
    }

    /// The first address of each family, link-local IPv6 addresses excluded.
    private static func addresses(of interface: String) -> [TransportOptions.IPFamily: IPAddress] {
        MayBlock.now("getifaddrs")
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [:] }
        defer { freeifaddrs(first) }
        var found: [TransportOptions.IPFamily: IPAddress] = [:]
        var next = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard String(cString: entry.ifa_name) == interface, let socket = entry.ifa_addr,
                let address = IPAddress(socket, length: UnsafePointer(socket).family == AF_INET6 ? 28 : 16),
                found[address.family] == nil
            else { continue }
            found[address.family] = address
        }
        return found
    }
}

/// This host does not have the address of `transport.bind`, or not yet.
struct LocalAddressAbsent: Error {
    let address: IPAddress
}

extension UnsafePointer<sockaddr> {
    /// `sa_family`, read as bytes: which module owns the member depends on where the compiler saw `sockaddr` first.
    fileprivate var family: CInt { CInt(UnsafeRawPointer(self).load(as: sa_family_t.self)) }
}

extension IPAddress {
    /// The address of a `sockaddr`; nil for link-local addresses with a zone (`fe80::1%eth0`).
    init?(_ socket: UnsafePointer<sockaddr>, length: socklen_t) {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard [AF_INET, AF_INET6].contains(socket.family),
            getnameinfo(socket, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
        else { return nil }
        self.init(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    var family: TransportOptions.IPFamily {
        switch self {
        case .v4: .ipv4
        case .v6: .ipv6
        }
    }
}

extension TransportOptions.IPFamily {
    /// Whatever resolves.
    package static let both = Set(allCases)

    /// The name of the family in errors.
    var text: String {
        switch self {
        case .ipv4: "IPv4"
        case .ipv6: "IPv6"
        }
    }

    var other: Self {
        switch self {
        case .ipv4: .ipv6
        case .ipv6: .ipv4
        }
    }
}

extension NIOBSDSocket.Option {
    /// The address family of a socket.
    fileprivate static let domain = NIOBSDSocket.Option(rawValue: SO_DOMAIN)
}
