internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel

extension RstreamError {
    /// What went wrong between this host and an engine, in words an operator can act on.
    static func connection(to address: EngineAddress, _ error: any Error) -> RstreamError {
        if let error = error as? RstreamError { return error }
        if error is CancellationError {
            return RstreamError(
                code: .clientClosed,
                origin: .host,
                retry: .never,
                what: "engine \(address): the attempt was cancelled"
            )
        }
        let (reason, fix) = explain(error)
        return RstreamError(
            code: .engineUnreachable,
            origin: .host,
            retry: .afterBackoff,
            what: "engine \(address): \(reason)",
            fix: fix
        )
    }

    private static func explain(_ error: any Error) -> (what: String, fix: String?) {
        switch error {
        case let error as NIOConnectionError: explain(error)
        case let error as IOError: explain(error)
        case ChannelError.connectTimeout:
            ("no answer to the connection request", "check the address, routes and firewalls")
        case ChannelError.eof, ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed:
            ("the connection was closed", nil)
        case let error as NIOSSLError: explain(error)
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            (
                "the certificate is not valid for this name",
                "check the address, or set transport.tls.serverName to the certificate's name"
            )
        case is LocalAddressGone: ("this host lost the address of the connection", nil)
        case let error as HandshakeTimeout:
            ("the TLS handshake did not end within \(error.duration.inSeconds)", "check the address and the port")
        default: ("\(error)", nil)
        }
    }

    private static func explain(_ error: NIOConnectionError) -> (what: String, fix: String?) {
        if let first = error.connectionErrors.first?.error {
            let (what, fix) = explain(first)
            return (
                error.connectionErrors.count == 1 ? what : "\(what) (\(error.connectionErrors.count) addresses tried)",
                fix
            )
        }
        return ("the name \"\(error.host)\" cannot be resolved", "check the address and this host's name servers")
    }

    private static func explain(_ error: IOError) -> (what: String, fix: String?) {
        switch error.errnoCode {
        case ECONNREFUSED: ("the connection was refused", "check the address, and that the engine is running")
        case ECONNRESET, EPIPE: ("the connection was reset", nil)
        case ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL: ("there is no route to it", "check this host's network")
        case ETIMEDOUT: ("the connection timed out", nil)
        case EMFILE, ENFILE: ("too many open files", "raise LimitNOFILE")
        default: (String(cString: strerror(error.errnoCode)), nil)
        }
    }

    private static func explain(_ error: NIOSSLError) -> (what: String, fix: String?) {
        switch error {
        case .handshakeFailed(let reason):
            let text = "\(reason)"
            if text.contains("CERTIFICATE_VERIFY_FAILED") {
                return (
                    "the certificate is not trusted",
                    "check the address, or name the engine's CA in transport.tls.caFile"
                )
            }
            if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
                return ("what answers does not speak TLS", "check the address and the port")
            }
            if text.contains("EOF") { return ("the connection was closed during the TLS handshake", nil) }
            return ("the TLS handshake failed: \(text)", nil)
        case .uncleanShutdown: return ("the connection was cut off", nil)
        case .unableToValidateCertificate:
            return ("the certificate is not trusted", "name the engine's CA in transport.tls.caFile")
        default: return ("TLS failed: \(error)", nil)
        }
    }
}

/// TCP was connected, and TLS did not get any further.
struct HandshakeTimeout: Error {
    let duration: Duration
}

/// The local end of the connection is no address of this host any more.
struct LocalAddressGone: Error {}
