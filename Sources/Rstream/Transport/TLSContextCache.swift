// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import RstreamModel
internal import RstreamWire
internal import Synchronization

/// Makes and caches the TLS context for one kind of peer: the engine, a proxy or a name server.
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

        /// ALPN `dot` is registered for RFC 7858; servers without ALPN ignore it.
        static func nameServer(_ options: TransportOptions.TLS) -> Peer {
            Peer(names: .nameServer, options: options, applicationProtocols: ["dot"], minimumVersion: .tlsv12)
        }
    }

    private struct Files: Hashable {
        var ca: [UInt8]?
        var certificate: [UInt8]?
        var key: [UInt8]?
    }

    private struct State {
        var made: (files: Files, context: TLSClientContext)?
        /// When the files were last read; set when a read begins.
        var readAt: ContinuousClock.Instant?
    }

    private let peer: Peer
    private let credential: RstreamClientOptions.Credential
    private let interval: Duration
    private let logger: Logger
    private let systemTrust: @Sendable () -> SystemTrust
    private let inBackground: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let state = Lock(State())

    /// ``lastContext()`` has the files read again after `interval`, by `inBackground`, which must not use an event
    /// loop.
    init(
        _ peer: Peer,
        credential: RstreamClientOptions.Credential = .none,
        interval: Duration = .seconds(1),
        logger: Logger = Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() }),
        systemTrust: @escaping @Sendable () -> SystemTrust = SystemTrust.current,
        inBackground: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { work in
            BlockingThreads.files.submit(work)
        }
    ) {
        self.peer = peer
        self.credential = credential
        self.interval = interval
        self.logger = logger
        self.systemTrust = systemTrust
        self.inBackground = inBackground
    }

    /// The context for a new connection. Reads the files first, so it blocks on the disk.
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
        if case .clientCertificate = credential { return true }
        return peer.options.caFile != nil
    }

    private func readFiles() throws(RstreamError) -> Files {
        Files(ca: try readAuthorities(), certificate: try readCertificate(), key: try readKey())
    }

    private func readAuthorities() throws(RstreamError) -> [UInt8]? {
        guard let caFile = peer.options.caFile else { return nil }
        return try CertificateFile.read(caFile)
    }

    private func readCertificate() throws(RstreamError) -> [UInt8]? {
        switch credential {
        case .clientCertificate(let certificateFile, _): try CertificateFile.read(certificateFile)
        case .clientCertificatePEM(let certificate, _): Array(certificate.utf8)
        case .token, .tokenProvider, .tokenFile, .application, .none: nil
        }
    }

    private func readKey() throws(RstreamError) -> [UInt8]? {
        switch credential {
        case .clientCertificate(_, let keyFile): try SecretFile.read(keyFile, "key", isTrusted: false)
        case .clientCertificatePEM(_, let key): Array(key.reveal().utf8)
        case .token, .tokenProvider, .tokenFile, .application, .none: nil
        }
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
            if let certificate = files.certificate, let key = files.key {
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
