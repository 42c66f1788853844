internal import NIOCore
internal import NIOSSL
internal import RstreamModel

/// Starts TLS as a client. No other code does: for every peer BoringSSL verifies the chain and
/// ``CertificateVerifier`` the rest, before anything confidential is sent, the client's certificate
/// included.
enum TLSClient {
    /// What the peer has to prove; it is known by a DNS name or an IP address.
    enum Check {
        /// A certificate of that name.
        case name
        /// Nothing (`insecureSkipVerify`).
        case nothing
        /// Nothing: the closure gets its certificates, its own first, and TLS ends there.
        case inspection(@Sendable ([NIOSSLCertificate]) -> Void)
    }

    /// Which authorities are trusted.
    enum Trust {
        /// All (`insecureSkipVerify`).
        case all
        /// The system's and these further ones.
        case anchors(SystemTrust, own: [NIOSSLCertificate])
    }

    /// The client's own certificate and key, for a peer that asks for them.
    struct Identity {
        let chain: [NIOSSLCertificate]
        let key: NIOSSLPrivateKey

        /// Whether the key is that of this certificate. BoringSSL looks at that when it is given both.
        func belongs(to certificate: NIOSSLCertificate) -> Bool {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .certificates([])
            configuration.certificateChain = [.certificate(certificate)]
            configuration.privateKey = .privateKey(key)
            return (try? NIOSSLContext(configuration: configuration)) != nil
        }
    }

    /// The schemes by which the other end may prove its certificate and its chain: what OpenSSL and Go take by default.
    /// BoringSSL's own list leaves P-521 and Ed25519 out.
    static let signatureAlgorithms: [SignatureAlgorithm] = [
        .ecdsaSecp256R1Sha256, .rsaPssRsaeSha256, .ed25519, .rsaPkcs1Sha256, .ecdsaSecp384R1Sha384, .rsaPssRsaeSha384,
        .rsaPkcs1Sha384, .ecdsaSecp521R1Sha512, .rsaPssRsaeSha512, .rsaPkcs1Sha512,
    ]

    /// The groups for keys, the best first. In TLS 1.2 a server's P-521 certificate is taken only when P-521 is one.
    static let groups: [NIOTLSCurve] = [.x25519_MLKEM768, .x25519, .secp256r1, .secp384r1, .secp521r1]

    /// The settings of every client.
    static func makeContext(
        _ applicationProtocols: [String],
        minimumVersion: NIOSSL.TLSVersion,
        trust: Trust,
        identity: Identity? = nil
    ) throws -> TLSClientContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = minimumVersion
        configuration.applicationProtocols = applicationProtocols
        configuration.verifySignatureAlgorithms = signatureAlgorithms
        configuration.curves = groups
        // How long a close waits for the peer's close_notify, which may never be read.
        configuration.shutdownTimeout = .seconds(1)
        var anchors = TrustAnchors()
        // NIOSSL would read the system's store itself, and fail where there is none.
        switch trust {
        case .all:
            configuration.certificateVerification = .none
            configuration.trustRoots = .certificates([])
        case .anchors(let system, let own):
            // The name is judged by ``CertificateVerifier``.
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(system.certificates)
            configuration.additionalTrustRoots = [.certificates(own)]
            anchors = TrustAnchors(system: system.set, own: Set(own))
        }
        if let identity {
            configuration.certificateChain = identity.chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(identity.key)
        }
        let leaf = identity?.chain.first.flatMap { try? CertificateContents($0) }
        return TLSClientContext(try NIOSSLContext(configuration: configuration), anchors, leaf?.validity)
    }

    /// The handlers to add to a pipeline. A refusal comes out of them as ``CertificateRefusal``.
    static func handlers(
        _ settings: TLSClientContext,
        to name: String,
        check: Check = .name
    ) throws -> [any ChannelHandler] {
        let context = settings.context
        switch check {
        case .name:
            let judgement = CertificateVerification(
                CertificateVerifier(name: name),
                settings.anchors,
                now: TokenExpiry.now
            )
            let maker: any JudgingHandlerMaker.Type = NIOSSLHandlerMaker.self
            let tls = try maker.makeHandler(context, serverHostname: sentName(name)) { judgement.judge($0, $1) }
            judgement.tls = tls
            return [tls, CertificateVerificationHandler(judgement)]
        case .nothing:
            return [try NIOSSLClientHandler(context: context, serverHostname: sentName(name))]
        case .inspection(let inspect):
            let tls = try NIOSSLClientHandler(
                context: context,
                serverHostname: sentName(name),
                customVerificationCallback: { chain, promise in
                    inspect(chain)
                    promise.succeed(.failed)
                }
            )
            return [tls]
        }
    }

    /// An IP literal is not sent as a name (RFC 6066 §3).
    private static func sentName(_ name: String) -> String? { IPAddress(name) == nil ? name : nil }
}

/// A client's TLS context, and the authorities that it trusts.
final class TLSClientContext: Sendable {
    fileprivate let context: NIOSSLContext
    fileprivate let anchors: TrustAnchors
    /// When the client's own certificate is valid, if it has one.
    let validity: CertificateValidity?

    fileprivate init(_ context: NIOSSLContext, _ anchors: TrustAnchors, _ validity: CertificateValidity?) {
        self.context = context
        self.anchors = anchors
        self.validity = validity
    }
}

/// Makes a handler that asks about every certificate of a chain that was verified, the anchor first and the leaf last.
///
/// NIOSSL calls its initializer for that deprecated, because on macOS nothing is asked. Its other ways either replace
/// BoringSSL's verification, or show the leaf alone and only when the client's own certificate has been sent. A
/// protocol stands in between because a use of what is deprecated would be an error.
private protocol JudgingHandlerMaker {
    static func makeHandler(
        _ context: NIOSSLContext,
        serverHostname: String?,
        _ judge: @escaping NIOSSLVerificationCallback
    ) throws -> NIOSSLClientHandler
}

private enum NIOSSLHandlerMaker: JudgingHandlerMaker {
    @available(*, deprecated, message: "NIOSSL's initializer is")
    static func makeHandler(
        _ context: NIOSSLContext,
        serverHostname: String?,
        _ judge: @escaping NIOSSLVerificationCallback
    ) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: serverHostname, verificationCallback: judge)
    }
}
