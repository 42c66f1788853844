internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel

extension RstreamError {
    /// What went wrong between this host and an engine, in words an operator can act on.
    static func connection(to address: EngineAddress, _ error: any Error) -> RstreamError {
        connection(to: address, .direct, error)
    }

    /// What went wrong on the way to an engine before it could be spoken to; a proxy on that way is named. `isOpen` says
    /// that it relays already, so that the other side is the engine.
    static func connection(
        to address: EngineAddress,
        _ route: EngineRoute,
        isOpen: Bool = false,
        _ error: any Error
    ) -> RstreamError {
        if let error = error as? RstreamError { return error }
        if error is CancellationError {
            return RstreamError(
                code: .clientClosed,
                origin: .host,
                retry: .never,
                what: "engine \(address): the attempt was cancelled"
            )
        }
        let (place, peer): (String, ConnectionPeer) =
            switch route {
            case .direct: ("engine \(address)", .engine)
            case .proxy(let hop): ("engine \(address) through \(hop)", isOpen ? .engine : .proxy)
            }
        if let failure = error as? ProxyFailure {
            return RstreamError(
                code: .engineUnreachable,
                origin: failure.origin,
                retry: .afterBackoff,
                what: "\(place): \(failure.what)",
                fix: failure.fix
            )
        }
        let (reason, fix) = peer.explain(error)
        return RstreamError(
            code: .engineUnreachable,
            origin: .host,
            retry: .afterBackoff,
            what: "\(place): \(reason)",
            fix: fix
        )
    }
}

/// Who did not answer as hoped, and which settings are about it.
struct ConnectionPeer {
    let noun: String
    let address: String
    let caFile: String?
    let serverName: String

    static let engine = ConnectionPeer(
        noun: "engine",
        address: "the address",
        caFile: "transport.tls.caFile",
        serverName: "transport.tls.serverName"
    )
    static let proxy = ConnectionPeer(
        noun: "proxy",
        address: "the address in transport.proxy",
        caFile: "transport.proxy.tls.caFile",
        serverName: "transport.proxy.tls.serverName"
    )
    static let controlPlane = ConnectionPeer(
        noun: "control plane",
        address: "apiUrl",
        caFile: nil,
        serverName: "apiUrl"
    )
    static let nameServer = ConnectionPeer(
        noun: "name server",
        address: "transport.dns.override",
        caFile: nil,
        serverName: "transport.dns.serverName"
    )

    /// What went wrong, and what to do about it.
    func explain(_ error: any Error) -> (what: String, fix: String?) {
        switch error {
        case let error as RstreamError: (error.what, error.fix)
        case let error as NIOConnectionError: explain(error)
        case let error as NameFailure: ("the name \"\(error.name)\" cannot be resolved: \(error.reason)", nil)
        case let error as WrongFamily:
            ("only \(error.address.family.other.text) addresses are dialed", "change the address or transport.ipFamily")
        case let error as IOError: explain(error)
        case ChannelError.connectTimeout:
            ("no answer to the connection request", "check \(address), routes and firewalls")
        case ChannelError.eof, ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed:
            ("the connection was closed", nil)
        case let error as NIOSSLError: explain(error)
        case let flaw as CertificateFlaw: explain(flaw)
        case let refusal as RedirectRule.Refusal: (refusal.what, refusal.fix)
        case is LocalAddressGone: ("this host lost the address of the connection", nil)
        case let error as HandshakeTimeout:
            ("no connection within \(error.duration.secondsText)", "check \(address) and the port")
        // What libraries say is for their developers, and may hold what the other side said.
        default: ("the connection failed (\(type(of: error)))", nil)
        }
    }

    private func explain(_ flaw: CertificateFlaw) -> (what: String, fix: String?) {
        let renew = "give the \(noun) a new certificate"
        switch flaw {
        case .otherName:
            return (
                "the certificate is not valid for this name",
                "check \(address), or set \(serverName) to the certificate's name"
            )
        case .noNames:
            return (
                "the certificate has no subjectAltName that could be valid for this name, and its subject does not count",
                "\(renew) with a subjectAltName"
            )
        case .signature(let algorithm):
            return (
                "a certificate in the chain is signed with \(algorithm), which is not trusted",
                "\(renew) that is signed with SHA-256 or better"
            )
        case .keyLength(let bits):
            let (least, most) = (CertificateJudge.keyLengths.lowerBound, CertificateJudge.keyLengths.upperBound)
            return (
                "an RSA key in the certificate's chain has \(bits) bits, and from \(least) to \(most) are taken",
                "\(renew) with a key of \(least) bits or more, or an elliptic curve's"
            )
        case .malformed: return ("the certificate is malformed", renew)
        case .unseen: return ("the certificate could not be judged", nil)
        }
    }

    private func explain(_ error: NIOConnectionError) -> (what: String, fix: String?) {
        if let first = error.connectionErrors.first?.error {
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
        case ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL: ("there is no route to it", "check this host's network")
        case ETIMEDOUT: ("the connection timed out", nil)
        case EMFILE, ENFILE: ("too many open files", "raise LimitNOFILE")
        default: (String(cString: strerror(error.errnoCode)), nil)
        }
    }

    private func explain(_ error: NIOSSLError) -> (what: String, fix: String?) {
        switch error {
        case .handshakeFailed(let reason):
            let words = Self.words(in: "\(reason)")
            func isSaid(_ word: String) -> Bool { words.contains { $0.sameBytes(as: word) } }
            if isSaid("CERTIFICATE_VERIFY_FAILED") { return notTrusted("check \(address)") }
            if isSaid("WRONG_VERSION_NUMBER") || isSaid("HTTP_REQUEST") {
                return ("what answers does not speak TLS", "check \(address) and the port")
            }
            if isSaid("EOF") { return ("the connection was closed during the TLS handshake", nil) }
            return ("the TLS handshake failed\(words.first.map { ": \($0)" } ?? "")", nil)
        case .uncleanShutdown: return ("the connection was cut off", nil)
        case .unableToValidateCertificate: return notTrusted(nil)
        default: return ("TLS failed\(Self.words(in: "\(error)").first.map { ": \($0)" } ?? "")", nil)
        }
    }

    /// BoringSSL's names of errors, `TLSV1_ALERT_PROTOCOL_VERSION` for one: words in capitals in what it says, which is
    /// for developers otherwise. Nothing of a certificate stands there.
    private static func words(in text: String) -> [String] {
        let words = text.utf8.prefix(4_096).split { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): false
            default: true
            }
        }
        let underscore = UInt8(ascii: "_")
        return words.lazy
            .filter { $0.contains(underscore) && $0.last != underscore || $0.elementsEqual("EOF".utf8) }
            .prefix(8).map { String(decoding: $0.prefix(64), as: UTF8.self) }
    }

    private func notTrusted(_ fix: String?) -> (what: String, fix: String?) {
        let fixes = [fix, caFile.map { "name the \(noun)'s CA in \($0)" }].compactMap(\.self)
        return ("the certificate is not trusted", fixes.isEmpty ? nil : fixes.joined(separator: ", or "))
    }
}

/// The time for TCP, TLS and a proxy has passed.
struct HandshakeTimeout: Error {
    let duration: Duration
}

/// The local end of the connection is no address of this host any more.
struct LocalAddressGone: Error {}
