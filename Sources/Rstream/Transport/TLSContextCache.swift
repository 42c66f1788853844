internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RstreamModel
internal import RstreamWire
internal import Synchronization

/// The one TLS context for a kind of peer, shared by all of its connections.
///
/// Making a context parses the whole trust store, which costs ten times as much as a handshake. It is made again only
/// when the text of one of its files changed, so a renewed certificate is used at the next connect.
///
/// What was made last is guarded by a mutex.
final class TLSContextCache: Sendable {
    /// What TLS is spoken to.
    struct Peer: Sendable {
        /// As errors call it.
        let noun: String
        let options: TransportOptions.TLS
        let applicationProtocols: [String]
        let minimumVersion: NIOSSL.TLSVersion

        static func engine(_ options: TransportOptions.TLS) -> Peer {
            Peer(noun: "engine", options: options, applicationProtocols: [wireALPN], minimumVersion: .tlsv13)
        }

        /// Proxies and name servers are other people's, and not all of them are new.
        static func proxy(_ options: TransportOptions.TLS) -> Peer {
            Peer(noun: "proxy", options: options, applicationProtocols: ["http/1.1"], minimumVersion: .tlsv12)
        }

        /// ALPN `dot` is registered for RFC 7858; servers that know nothing of it ignore it.
        static func nameServer(_ options: TransportOptions.TLS) -> Peer {
            Peer(noun: "name server", options: options, applicationProtocols: ["dot"], minimumVersion: .tlsv12)
        }
    }

    private struct Files: Hashable {
        var ca: [UInt8]?
        var certificate: [UInt8]?
        var key: [UInt8]?
    }

    private struct State {
        var made: (files: Files, context: NIOSSLContext)?
        /// When the files were looked at last, or are being looked at now.
        var lookedAt: ContinuousClock.Instant?
    }

    /// Larger files than this are not certificates.
    private static let largestFile = 1 << 20

    private let peer: Peer
    private let credential: ClientOptions.Credential
    private let interval: Duration
    private let inBackground: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let state = Mutex(State())

    /// For ``lastContext()`` files are looked at after `interval` again, by `inBackground`, which is not an event loop.
    init(
        _ peer: Peer,
        credential: ClientOptions.Credential = .none,
        interval: Duration = .seconds(1),
        inBackground: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { work in
            NIOThreadPool.singleton.submit { _ in work() }
        }
    ) {
        self.peer = peer
        self.credential = credential
        self.interval = interval
        self.inBackground = inBackground
    }

    /// The context for a connection that is about to be made.
    func context() throws(RstreamError) -> NIOSSLContext {
        state.withLock { $0.lookedAt = .now }
        let files = try readFiles()
        if let context = state.withLock({ $0.made?.files == files ? $0.made?.context : nil }) { return context }
        let context = try makeContext(files)
        state.withLock { $0.made = (files, context) }
        return context
    }

    /// The context that was made last, for a connection of which there are many and that must not wait for files. They are
    /// looked at meanwhile, so a renewed certificate is used soon after; half of one is used never.
    func lastContext() -> NIOSSLContext? {
        let (context, isDue) = state.withLock { state -> (NIOSSLContext?, Bool) in
            let now = ContinuousClock.now
            let isDue = state.lookedAt.map { $0.duration(to: now) >= interval } ?? false
            if isDue { state.lookedAt = now }
            return (state.made?.context, isDue)
        }
        if isDue, hasFiles { inBackground { [self] in _ = try? self.context() } }
        return context
    }

    private var hasFiles: Bool {
        if case .clientCertificate = credential { return true }
        return peer.options.caFile != nil
    }

    private func readFiles() throws(RstreamError) -> Files {
        var files = Files()
        if let caFile = peer.options.caFile { files.ca = try Self.read(caFile) }
        switch credential {
        case .clientCertificate(let certificateFile, let keyFile):
            files.certificate = try Self.read(certificateFile)
            files.key = try SecretFile.read(keyFile, "key", isTrusted: false)
        case .clientCertificatePEM(let certificate, let key):
            files.certificate = Array(certificate.utf8)
            files.key = Array(key.reveal().utf8)
        case .token, .tokenProvider, .tokenFile, .application, .none: break
        }
        return files
    }

    private func makeContext(_ files: Files) throws(RstreamError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = peer.minimumVersion
        configuration.applicationProtocols = peer.applicationProtocols
        // How long a close waits for the peer's own goodbye, which may never be read.
        configuration.shutdownTimeout = .seconds(1)
        // The name is judged by ``CertificateJudge``.
        configuration.certificateVerification = peer.options.insecureSkipVerify ? .none : .noHostnameVerification
        if let ca = files.ca {
            guard let certificates = try? NIOSSLCertificate.fromPEMBytes(ca), !certificates.isEmpty else {
                throw Self.unusable(
                    "\(peer.noun) CA file \"\(peer.options.caFile ?? "")\" does not contain a valid PEM certificate"
                )
            }
            configuration.additionalTrustRoots = [.certificates(certificates)]
        }
        if let certificate = files.certificate, let key = files.key {
            let names = pairNames
            guard let chain = try? NIOSSLCertificate.fromPEMBytes(certificate), !chain.isEmpty else {
                throw Self.unusable("\(names.certificate) does not contain a valid PEM certificate")
            }
            guard let key = try? NIOSSLPrivateKey(bytes: key, format: .pem) else {
                throw Self.unusable("\(names.key) does not contain a valid PEM private key")
            }
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(key)
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Self.unusable("the TLS settings cannot be used: \(error)")
        }
    }

    /// What the halves of the client certificate are called in errors.
    private var pairNames: (certificate: String, key: String) {
        guard case .clientCertificate(let certificateFile, let keyFile) = credential else {
            return ("the client certificate", "the client certificate's key")
        }
        return ("certificate file \"\(certificateFile)\"", "key file \"\(keyFile)\"")
    }

    private static func read(_ path: String) throws(RstreamError) -> [UInt8] {
        do throws(FileContents.Failure) {
            return try FileContents(of: path, limit: largestFile).bytes
        } catch {
            switch error {
            case .tooLong(let limit): throw unusable("file \"\(path)\" is larger than \(limit) bytes")
            case .failed(let number): throw unreadable(path, String(cString: strerror(number)))
            case .notRegular: throw unreadable(path, "\(error)")
            }
        }
    }

    private static func unreadable(_ path: String, _ why: String) -> RstreamError {
        RstreamError(
            code: .invalidConfig,
            origin: .host,
            retry: .afterBackoff,
            what: "file \"\(path)\" cannot be read: \(why)",
            fix: "check the path, and that this process may read it"
        )
    }

    private static func unusable(_ what: String) -> RstreamError {
        RstreamError(code: .invalidConfig, origin: .configuration, retry: .afterReload, what: what)
    }
}
