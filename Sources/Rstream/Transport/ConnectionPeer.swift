// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel

#if EngineTLS
internal import EngineTLS
#endif

/// A kind of peer in error texts: what it is called, and the settings that concern it.
///
/// Turns errors of connections into the `what` and `fix` of an ``RstreamError``.
struct ConnectionPeer {
    let noun: String
    let address: String
    let caFile: String?
    let serverName: String
    /// The lowest TLS version that is accepted.
    let leastTLS: String
    /// The setting of the client certificate; nil if the peer never gets one.
    let clientCertificate: String?

    static let engine = ConnectionPeer(
        noun: "engine",
        address: "the address",
        caFile: "transport.tls.caFile",
        serverName: "transport.tls.serverName",
        leastTLS: "1.3",
        clientCertificate: "mtls"
    )
    static let proxy = ConnectionPeer(
        noun: "proxy",
        address: "the address in transport.proxy",
        caFile: "transport.proxy.tls.caFile",
        serverName: "transport.proxy.tls.serverName",
        leastTLS: "1.2",
        clientCertificate: nil
    )
    static let controlPlane = ConnectionPeer(
        noun: "control plane",
        address: "apiUrl",
        caFile: nil,
        serverName: "apiUrl",
        leastTLS: "1.2",
        clientCertificate: nil
    )
    static let nameServer = ConnectionPeer(
        noun: "name server",
        address: "transport.dns.override",
        caFile: nil,
        serverName: "transport.dns.serverName",
        leastTLS: "1.2",
        clientCertificate: nil
    )

    static let upstream = ConnectionPeer(
        noun: "upstream",
        address: "the tunnel's forward",
        caFile: "upstream.tls.caFile",
        serverName: "upstream.tls.serverName",
        leastTLS: "1.2",
        clientCertificate: "upstream.tls"
    )

    /// The error text, and what to do about it.
    func explain(_ error: any Error) -> (what: String, fix: String?) {
        switch error {
        case let error as RstreamError: (error.what, error.fix)
        case let error as NIOConnectionError: explain(error)
        case let error as NameFailure:
            (
                "the name \"\(error.name)\" cannot be resolved: \(error.reason)",
                "check \(address) and this host's name servers"
            )
        case let error as AddressFamilyMismatch:
            ("only \(error.address.family.other.text) addresses are dialed", "change the address or transport.ipFamily")
        case let error as IOError: explain(error)
        case ChannelError.connectTimeout:
            ("no answer to the connection request", "check \(address), routes and firewalls")
        case ChannelError.eof, ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed:
            ("the connection was closed", nil)
        case let error as NIOSSLError: explain(error)
        case let error as BoringSSLError: explainTLS("\(error)")
        case is NIOSSLExtraError: ("this name cannot be used for TLS", "check \(address)")
        case is NIOSSLCloseTimedOutError: ("the connection did not close in time", nil)
        #if EngineTLS
        case let error as EngineTLSError: explain(error)
        #endif
        case let refusal as CertificateRefusal: explain(refusal)
        case let refusal as RedirectRule.Refusal: (refusal.what, refusal.fix)
        case let error as LocalAddressAbsent:
            (
                "this host does not have the address \(error.address) to connect from",
                "change transport.bind, or give the host the address"
            )
        case is LocalAddressGone: ("this host lost the connection's local address", nil)
        case let error as HandshakeTimeout:
            ("no connection within \(error.duration.secondsText)", "check \(address) and the port")
        // Texts of libraries are for developers, and may contain bytes of the peer.
        default: ("the connection failed", "check \(address) and this host's network")
        }
    }

    private func explain(_ error: NIOConnectionError) -> (what: String, fix: String?) {
        let failures = error.connectionErrors
        if let first = (failures.first { !$0.isFamilyUnavailable } ?? failures.first)?.error {
            let (what, fix) = explain(first)
            return (
                error.connectionErrors.count == 1 ? what : "\(what) (\(error.connectionErrors.count) addresses tried)",
                fix
            )
        }
        for failure in [error.dnsAError, error.dnsAAAAError] {
            if let refusal = failure as? RedirectRule.Refusal { return explain(refusal) }
        }
        let reason = (error.dnsAError ?? error.dnsAAAAError).flatMap { $0 as? NameFailure }.map { ": \($0.reason)" }
        return (
            "the name \"\(error.host)\" cannot be resolved\(reason ?? "")",
            "check \(address) and this host's name servers"
        )
    }

    private func explain(_ error: IOError) -> (what: String, fix: String?) {
        switch error.errnoCode {
        case ECONNREFUSED: ("the connection was refused", "check \(address), and that the \(noun) is running")
        case ECONNRESET, EPIPE: ("the connection was reset", nil)
        case EADDRNOTAVAIL:
            (
                "this host has no free local port for another connection to it, or no address of its family",
                "widen net.ipv4.ip_local_port_range, or check this host's addresses"
            )
        case ENETUNREACH, EHOSTUNREACH: ("there is no route to it", "check this host's network")
        case ETIMEDOUT: ("the connection timed out", nil)
        case EMFILE, ENFILE: ("too many open files", "raise LimitNOFILE")
        default: (SystemError.reason(error.errnoCode), nil)
        }
    }
}

extension SingleConnectionFailure {
    /// Whether this host cannot dial the family at all; less useful in an error than the failure of another address.
    fileprivate var isFamilyUnavailable: Bool {
        guard let code = (error as? IOError)?.errnoCode else { return false }
        return [EADDRNOTAVAIL, EAFNOSUPPORT, ENETUNREACH].contains(code)
    }
}
