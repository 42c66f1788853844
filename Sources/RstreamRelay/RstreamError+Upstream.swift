// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import NIOCore
internal import NIOPosix
internal import Rstream
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket

extension RstreamError {
    /// No upstream was tried within `connectTimeout`, because this host was too busy.
    static let noTimeForUpstreams = RstreamError(
        code: .upstreamUnreachable,
        origin: .host,
        retry: .afterBackoff,
        what: "no upstream was tried within connectTimeout",
        fix: "raise the tunnel's upstream.connectTimeout, or give this host less to do"
    )

    /// A service has accepted a connection, and does not answer in TLS.
    static let silentTLS = RstreamError(
        code: .upstreamUnreachable,
        origin: .upstream,
        retry: .afterBackoff,
        what: "TLS: the handshake took too long",
        fix: "look at the service's own log, or raise the tunnel's upstream.connectTimeout"
    )

    /// The error of a service that could not be dialed. Its `retry` says whether the cause may pass by itself, so that
    /// a stream may be held for it.
    static func dial(
        of upstream: Upstream,
        within limit: UpstreamDialer.Limit = .whole,
        failed error: any Error
    ) -> RstreamError {
        if case ChannelError.connectTimeout = error {
            switch limit {
            case .whole: break
            case .part: return unreachable(upstream.address, "no connection within its part of connectTimeout")
            case .check: return unreachable(upstream.address, "no connection within health.timeout")
            }
        }
        // Of TLS, which does not know whose connection it is.
        if let error = error as? RstreamError {
            return RstreamError(
                code: error.code,
                origin: error.origin,
                retry: error.retry,
                what: "upstream \(upstream.address): \(error.what)",
                fix: error.fix
            )
        }
        if case UnixSocket.Failure.notPermitted = error {
            return notPermitted(upstream.address, isLimited: upstream.options.socketOwner != nil)
        }
        return dial(of: upstream.address, failed: error)
    }

    private static func dial(of address: UpstreamAddress, failed error: any Error) -> RstreamError {
        switch error {
        case UnixSocket.Failure.reserved: reserved(address)
        case let error as UpstreamDialer.UnknownService:
            unreachable(address, "\"\(error.name)\" is neither a port nor a known service", passes: false)
        case let error as NIOConnectionError:
            if let telling = error.connectionErrors.first(where: { !$0.isAbsent }) ?? error.connectionErrors.first {
                dial(of: address, failed: telling.error)
            } else {
                unresolved(address, error.host, error.dnsAError ?? error.dnsAAAAError)
            }
        case let error as NameFailure: unresolved(address, error.name, error)
        case let error as IOError: unreachable(address, errno: error.errnoCode)
        case UnixSocket.Failure.errno(let code): unreachable(address, errno: code)
        case ChannelError.connectTimeout: unreachable(address, "no connection within its connectTimeout")
        default: unreachable(address, "the connection failed")
        }
    }

    private static func unresolved(
        _ address: UpstreamAddress,
        _ name: String,
        _ error: (any Error)?
    ) -> RstreamError {
        let reason = (error as? NameFailure).map { ": \($0.reason)" } ?? ""
        return unreachable(
            address,
            "the name \"\(name.shortened)\" cannot be resolved\(reason)",
            fix: "check the name in the tunnel's forward, and this host's name servers"
        )
    }

    private static func unreachable(
        _ address: UpstreamAddress,
        _ reason: String,
        origin: Origin = .upstream,
        passes: Bool = true,
        fix: String = start
    ) -> RstreamError {
        unreachable("upstream \(address): \(reason)", origin: origin, passes: passes, fix: fix)
    }

    private static func unreachable(
        _ what: String,
        origin: Origin = .upstream,
        passes: Bool = true,
        fix: String = start
    ) -> RstreamError {
        RstreamError(
            code: .upstreamUnreachable,
            origin: origin,
            retry: passes ? .afterBackoff : .afterReload,
            what: what,
            fix: fix
        )
    }

    private static let start = "start the service, or change the tunnel's forward"

    private static func unreachable(_ address: UpstreamAddress, errno code: CInt) -> RstreamError {
        switch code {
        case ECONNREFUSED: unreachable("upstream \(address) refuses connections")
        case EADDRNOTAVAIL:
            unreachable(
                address,
                "this host has no free local port for another connection to it, or no address of its family",
                origin: .host,
                fix: "look at this host's addresses; for more ports widen net.ipv4.ip_local_port_range, or let the "
                    + "service keep connections open for less time"
            )
        case ENOENT: unreachable(address, "no such socket")
        // Unix sockets only; a TCP service with a full queue does not answer at all.
        case EAGAIN:
            unreachable(
                address,
                "the service does not keep up: its queue of new connections is full",
                fix: "let the service listen with a longer backlog, or give the tunnel a holdTimeout"
            )
        case EACCES, EPERM: unreachable(address, "permission denied", passes: false)
        case ELOOP, ENAMETOOLONG, ENOTDIR, EPROTOTYPE:
            unreachable(address, SystemError.reason(code), passes: false)
        default: unreachable(address, SystemError.reason(code))
        }
    }

    /// A check has connected, and did not get the answer that it wants.
    static func check(of upstream: Upstream, failed reason: String) -> RstreamError {
        unreachable(upstream.address, reason, fix: "look at the service's own log, or change the tunnel's health.http")
    }

    private static func reserved(_ address: UpstreamAddress) -> RstreamError {
        RstreamError(
            code: .upstreamUnreachable,
            origin: .configuration,
            retry: .afterReload,
            what: "upstream \(address): the socket is the daemon's own admin socket",
            fix: "forward to another service; rstreamctl is for this one"
        )
    }

    private static func notPermitted(_ address: UpstreamAddress, isLimited: Bool) -> RstreamError {
        let remedy =
            switch address {
            case _ where isLimited: "let the owner of the tunnel file run the service, or root own the file"
            case .unix: "list its directory in limits.unixUpstreams if tunnels may use it"
            case .tcp, .abstract: "let the daemon's user, root or a member of the daemon's group run the service"
            }
        return RstreamError(
            code: .upstreamUnreachable,
            origin: .configuration,
            retry: .afterReload,
            what: "upstream \(address): the socket belongs to another user",
            fix: remedy
        )
    }
}

extension SingleConnectionFailure {
    /// Whether this host cannot dial addresses of the family at all, which says nothing about the service when another
    /// address was tried too.
    fileprivate var isAbsent: Bool {
        guard let code = (error as? IOError)?.errnoCode else { return false }
        return [EADDRNOTAVAIL, EAFNOSUPPORT, ENETUNREACH].contains(code)
    }
}
