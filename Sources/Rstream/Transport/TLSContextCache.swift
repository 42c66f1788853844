// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import RstreamModel
internal import RstreamWire
internal import Synchronization

/// Makes and caches the TLS context for one kind of peer: the engine, a proxy, a name server or an
/// upstream.
///
/// Making a context costs ten times as much as a handshake. It is made again only if the contents of one of its files
/// changed, so a renewed certificate is used at the next connect.
///
/// The cached context is guarded by a mutex.
final class TLSContextCache: Sendable {
    /// The kind of peer, and its TLS settings.
    struct Peer: Sendable {
        /// For error texts.
        let names: ConnectionPeer
        let options: TransportOptions.TLS
        let applicationProtocols: [String]
        let minimumVersion: NIOSSL.TLSVersion
        var implementation = TLSClient.Implementation.nioSSL

        static func engine(_ options: TransportOptions.TLS) -> Peer {
            Peer(
                names: .engine,
                options: options,
                applicationProtocols: [wireALPN],
                minimumVersion: .tlsv13,
                implementation: .forEngines
            )
        }

        /// TLS 1.2 is accepted too, since not all proxies and name servers support 1.3.
        static func proxy(_ options: TransportOptions.TLS) -> Peer {
            Peer(names: .proxy, options: options, applicationProtocols: ["http/1.1"], minimumVersion: .tlsv12)
        }

        /// What the service speaks inside of TLS is the visitor's and the service's affair, so no ALPN is offered.
        static func upstream(_ options: TransportOptions.TLS) -> Peer {
            Peer(names: .upstream, options: options, applicationProtocols: [], minimumVersion: .tlsv12)
        }

        /// ALPN `dot` is registered for RFC 7858; servers without ALPN ignore it.
        static func nameServer(_ options: TransportOptions.TLS) -> Peer {
            Peer(names: .nameServer, options: options, applicationProtocols: ["dot"], minimumVersion: .tlsv12)
        }
    }

    private struct Files: Hashable {
        var ca: [UInt8]?
        var certificate: [UInt8]?
        var key: [UInt8]?
        var pin: Secret?
    }

    private struct State {
        var made: (files: Files, context: TLSClientContext)?
        /// When the files were last read; set when a read begins.
        var readAt: ContinuousClock.Instant?
    }

    /// Where ``context()`` is to be called: a device that does not answer must not keep others from their files.
    let threads: BlockingThreads
    private let peer: Peer
    private let credential: RstreamClientOptions.Credential
    private let interval: Duration
    private let logger: Logger
    private let systemTrust: @Sendable () -> SystemTrust
    private let inBackground: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let state = Lock(State())

    /// ``lastContext()`` has the files read again after `interval`, by `inBackground`, which must not use an event
    /// loop; it is ``threads`` unless given.
    init(
        _ peer: Peer,
        credential: RstreamClientOptions.Credential = .none,
        interval: Duration = .seconds(1),
        logger: Logger = Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() }),
        systemTrust: @escaping @Sendable () -> SystemTrust = SystemTrust.current,
        inBackground: (@Sendable (@escaping @Sendable () -> Void) -> Void)? = nil
    ) {
        let threads: BlockingThreads = if case .hardwareKey = credential { .devices } else { .files }
        self.peer = peer
        self.credential = credential
        self.interval = interval
        self.logger = logger
        self.systemTrust = systemTrust
        self.threads = threads
        self.inBackground = inBackground ?? { work in threads.submit(work) }
    }

    /// The context for a new connection. Reads the files first, so it blocks on the disk, and on a device that holds the
    /// client certificate's key when it has to be found anew.
    func context() throws(RstreamError) -> TLSClientContext {
        state.withLock { $0.readAt = .now }
        let files = try readFiles()
        if let context = state.withLock({ $0.made?.files == files ? $0.made?.context : nil }) {
            try ClientIdentity(credential).check(context.validity, now: TokenExpiry.now)
            return context
        }
        let context = try makeContext(files)
        try ClientIdentity(credential).check(context.validity, now: TokenExpiry.now)
        return state.withLock { state in
            // Another thread may have made one meanwhile, which is in use: another object would count as renewed.
            if let made = state.made, made.files == files { return made.context }
            state.made = (files, context)
            return context
        }
    }

    /// The cached context, for streams, which are many and must not wait for files. The files are read again in the
    /// background, so a renewed certificate is used soon; a certificate without its new key never is.
    func lastContext() -> TLSClientContext? {
        let (context, isDue) = state.withLock { state -> (TLSClientContext?, Bool) in
            let now = ContinuousClock.now
            let isDue = state.readAt.map { $0.duration(to: now) >= interval } ?? false
            if isDue { state.readAt = now }
            return (state.made?.context, isDue)
        }
        if isDue, hasFiles { inBackground { [self] in _ = try? self.context() } }
        return context
    }

    private var hasFiles: Bool {
        switch credential {
        case .clientCertificate, .hardwareKey: true
        case .token, .tokenProvider, .tokenFile, .application, .clientCertificatePEM, .none: peer.options.caFile != nil
        }
    }

    private func readFiles() throws(RstreamError) -> Files {
        Files(ca: try readAuthorities(), certificate: try readCertificate(), key: try readKey(), pin: try readPIN())
    }

    private func readAuthorities() throws(RstreamError) -> [UInt8]? {
        guard let caFile = peer.options.caFile else { return nil }
        return try CertificateFile.read(caFile)
    }

    private func readCertificate() throws(RstreamError) -> [UInt8]? {
        switch credential {
        case .clientCertificate(let certificateFile, _), .hardwareKey(let certificateFile, _):
            try CertificateFile.read(certificateFile)
        case .clientCertificatePEM(let certificate, _): Array(certificate.utf8)
        case .token, .tokenProvider, .tokenFile, .application, .none: nil
        }
    }

    private func readKey() throws(RstreamError) -> [UInt8]? {
        switch credential {
        case .clientCertificate(_, let keyFile): try SecretFile.read(keyFile, "key", isTrusted: false)
        // Of no use without its TPM, and all that another user needs beside it.
        case .hardwareKey(_, let key):
            try key.file.map { file throws(RstreamError) in
                try SecretFile.read(file, "key", isTrusted: false)
            }
        case .clientCertificatePEM(_, let key): Array(key.reveal().utf8)
        case .token, .tokenProvider, .tokenFile, .application, .none: nil
        }
    }

    private func readPIN() throws(RstreamError) -> Secret? {
        guard case .hardwareKey(_, let key) = credential, let path = key.pinFile else { return nil }
        return try SecretFile.pin(path)
    }

    /// Of a device only that is examined which needs neither it nor its PIN: devices count wrong PINs.
    private func deviceProblems(_ key: HardwareKey, _ chain: [NIOSSLCertificate]?) -> [FileProblem] {
        var problems: [FileProblem] = []
        let identity = ClientIdentity(credential)
        FileProblem.note(.certificate, in: &problems) { () throws(RstreamError) in
            if let chain { _ = try identity.publicKey(of: chain) }
        }
        FileProblem.note(.hardwareKey, in: &problems) { () throws(RstreamError) in
            _ = try readKey()
            try KeyDevice.examine(key)
        }
        FileProblem.note(.pin, in: &problems) { () throws(RstreamError) in _ = try readPIN() }
        return problems
    }

    /// The errors that ``context()`` would throw, of each file, so that one problem does not hide another.
    func problems(authorities: FileProblem.Kind) -> [FileProblem] {
        var problems: [FileProblem] = []
        var (chain, key): ([NIOSSLCertificate]?, TLSClient.Key?)
        let identity = ClientIdentity(credential)
        FileProblem.note(authorities, in: &problems) { () throws(RstreamError) in
            if let ca = try readAuthorities() { _ = try certificates(ca) }
        }
        FileProblem.note(.certificate, in: &problems) { () throws(RstreamError) in
            if let text = try readCertificate() { chain = try identity.chain(in: text) }
        }
        if case .hardwareKey(_, let device) = credential { return problems + deviceProblems(device, chain) }
        FileProblem.note(.key, in: &problems) { () throws(RstreamError) in
            if let text = try readKey() { key = try identity.privateKey(in: text) }
        }
        FileProblem.note(.key, in: &problems) { () throws(RstreamError) in
            if let chain, let key { _ = try identity.pair(chain, key) }
        }
        return problems
    }

    private func makeContext(_ files: Files) throws(RstreamError) -> TLSClientContext {
        MayBlock.now("reading the trust store")
        // The CA file is read even with insecureSkipVerify: a mistake in it should not go unnoticed.
        let own = try files.ca.map { ca throws(RstreamError) in try certificates(ca) } ?? []
        let identity: TLSClient.Identity? =
            if case .hardwareKey(_, let key) = credential, let certificate = files.certificate {
                try ClientIdentity(credential).find(key, pin: files.pin, certificate: certificate)
            } else if let certificate = files.certificate, let key = files.key {
                try ClientIdentity(credential).read(certificate: certificate, key: key)
            } else {
                nil
            }
        let trust: TLSClient.Trust =
            if peer.options.insecureSkipVerify {
                .any
            } else {
                .anchors(try systemTrust().usable(besides: own, for: peer.names), own: own)
            }
        do {
            return try TLSClient.makeContext(
                peer.applicationProtocols,
                minimumVersion: peer.minimumVersion,
                trust: trust,
                identity: identity,
                implementation: peer.implementation
            )
        } catch {
            throw CertificateFile.unusable("the TLS settings for the \(peer.names.noun) cannot be used", fix: nil)
        }
    }

    private func certificates(_ ca: [UInt8]) throws(RstreamError) -> [NIOSSLCertificate] {
        let path = peer.options.caFile ?? ""
        let bundle = CertificateBundle(pem: ca)
        guard !bundle.certificates.isEmpty else {
            throw CertificateFile.noCertificate("\(peer.names.noun) CA file \"\(path)\"", ca, path)
        }
        for line in bundle.damagedLines.prefix(10) {
            logger.warning(
                "invalid certificate in CA file",
                metadata: ["file": "\(path)", "line": .stringConvertible(line)]
            )
        }
        return bundle.certificates
    }
}
