// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOSSL
internal import RstreamModel

#if EngineTLS
internal import EngineTLS
#endif

/// Makes the TLS contexts and handlers of all client connections; nothing else in the library starts TLS as a client.
///
/// So every peer is verified alike: BoringSSL verifies the chain and ``HandshakeVerification`` the rest, before
/// anything confidential is sent, the client's certificate included. Without state.
enum TLSClient {
    /// Whose handler speaks TLS.
    enum Implementation: String, Sendable, CaseIterable {
        case nioSSL
        #if EngineTLS
        /// Our own, on the same BoringSSL. Only for TLS 1.3.
        case engineTLS
        #endif

        /// For connections to engines, which are many: each stream is one.
        static var forEngines: Implementation {
            #if EngineTLS
            .engineTLS
            #else
            .nioSSL
            #endif
        }
    }

    /// How a connection verifies the peer's certificates.
    enum Verification {
        /// The whole chain, and that the leaf is for the DNS name or IP address of the peer.
        case full
        /// Not at all (`insecureSkipVerify`).
        case none
        /// Not at all: the closure gets the certificates, the leaf first, and then the handshake fails.
        case inspection(@Sendable ([NIOSSLCertificate]) -> Void)
    }

    /// The trust anchors of a context.
    enum Trust {
        /// Any certificate is accepted (`insecureSkipVerify`).
        case any
        /// The system's trust store and further certificates.
        case anchors(SystemTrust, own: [NIOSSLCertificate])
    }

    /// The client certificate and its key, sent to servers that request one.
    struct Identity {
        let chain: [NIOSSLCertificate]
        let key: Key

        /// Whether the key belongs to this certificate; BoringSSL checks that when it gets both.
        func belongs(to certificate: NIOSSLCertificate) -> Bool {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .certificates([])
            configuration.certificateChain = [.certificate(certificate)]
            configuration.privateKey = .privateKey(key.forNIOSSL)
            return (try? NIOSSLContext(configuration: configuration)) != nil
        }
    }

    enum Key {
        /// A private key, and the PEM that it was read from: NIOSSL does not write Ed25519 keys.
        case file(parsed: NIOSSLPrivateKey, pem: [UInt8])
        /// One that stays in a device. It was checked against its certificate when it was found.
        case hardware(HardwareSigner)

        fileprivate var forNIOSSL: NIOSSLPrivateKey {
            switch self {
            case .file(let parsed, _): parsed
            case .hardware(let signer): NIOSSLPrivateKey(customPrivateKey: signer)
            }
        }
    }

    /// The signature schemes that peers may use, which OpenSSL and Go accept by default. BoringSSL's default list lacks
    /// P-521 and Ed25519.
    static let signatureAlgorithms: [SignatureAlgorithm] = [
        .ecdsaSecp256R1Sha256, .rsaPssRsaeSha256, .ed25519, .rsaPkcs1Sha256, .ecdsaSecp384R1Sha384, .rsaPssRsaeSha384,
        .rsaPkcs1Sha384, .ecdsaSecp521R1Sha512, .rsaPssRsaeSha512, .rsaPkcs1Sha512,
    ]

    /// The key exchange groups, best first. In TLS 1.2 a server's P-521 certificate is accepted only if P-521 is
    /// listed.
    static let groups: [NIOTLSCurve] = [.x25519_MLKEM768, .x25519, .secp256r1, .secp384r1, .secp521r1]

    /// Makes a context with the settings that all clients share.
    static func makeContext(
        _ applicationProtocols: [String],
        minimumVersion: NIOSSL.TLSVersion,
        trust: Trust,
        identity: Identity? = nil,
        implementation: Implementation = .nioSSL
    ) throws -> TLSClientContext {
        let leaf = identity?.chain.first.flatMap { try? CertificateContents($0) }
        let settings: TLSClientContext.Settings =
            switch implementation {
            case .nioSSL: try nioSSL(applicationProtocols, minimumVersion: minimumVersion, trust, identity)
            #if EngineTLS
            case .engineTLS: .engineTLS(try engineTLS(applicationProtocols, trust, identity))
            #endif
            }
        return TLSClientContext(settings, leaf?.validity)
    }

    private static func nioSSL(
        _ applicationProtocols: [String],
        minimumVersion: NIOSSL.TLSVersion,
        _ trust: Trust,
        _ identity: Identity?
    ) throws -> TLSClientContext.Settings {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = minimumVersion
        configuration.applicationProtocols = applicationProtocols
        configuration.verifySignatureAlgorithms = signatureAlgorithms
        configuration.curves = groups
        // How long a close waits for the peer's close_notify, which may never be read.
        configuration.shutdownTimeout = .seconds(1)
        var anchors = TrustAnchors()
        // Without explicit roots NIOSSL reads the system's store itself, and fails on a host without one.
        switch trust {
        case .any:
            configuration.certificateVerification = .none
            configuration.trustRoots = .certificates([])
        case .anchors(let system, let own):
            // ``CertificateVerifier`` checks the host name.
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(system.certificates)
            configuration.additionalTrustRoots = [.certificates(own)]
            anchors = TrustAnchors(system: system.set, own: Set(own))
        }
        if let identity {
            configuration.certificateChain = identity.chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(identity.key.forNIOSSL)
        }
        return .nioSSL(try NIOSSLContext(configuration: configuration), anchors)
    }

    /// The handlers of one connection, in pipeline order. Verification fails with a ``CertificateRefusal``. A connection
    /// to the engine at `address` may resume an earlier one.
    static func handlers(
        _ context: TLSClientContext,
        to name: String,
        at address: EngineAddress? = nil,
        verification: Verification = .full
    ) throws -> [any ChannelHandler] {
        // An IP literal is not sent as a name (RFC 6066 §3).
        let sentName = IPAddress(name) == nil ? name : nil
        let handshake = HandshakeVerification(CertificateVerifier(name: name), now: TokenExpiry.now)
        return switch context.settings {
        case .nioSSL(let context, let anchors):
            try nioSSL(context, anchors, sentName: sentName, verification, handshake)
        #if EngineTLS
        case .engineTLS(let context):
            [try engineTLS(context, sentName: sentName, at: address, verification, handshake)]
        #endif
        }
    }

    private static func nioSSL(
        _ context: NIOSSLContext,
        _ anchors: TrustAnchors,
        sentName: String?,
        _ verification: Verification,
        _ handshake: HandshakeVerification
    ) throws -> [any ChannelHandler] {
        switch verification {
        case .full:
            let verification = NIOSSLVerification(handshake, anchors)
            let maker: any VerifyingHandlerMaker.Type = NIOSSLHandlerMaker.self
            let tls = try maker.makeHandler(context, serverHostname: sentName) { verification.verify($0, $1) }
            verification.tls = tls
            return [tls, HandshakeVerificationHandler(handshake)]
        case .none:
            return [try NIOSSLClientHandler(context: context, serverHostname: sentName)]
        case .inspection(let inspect):
            let tls = try NIOSSLClientHandler(
                context: context,
                serverHostname: sentName,
                customVerificationCallback: { chain, promise in
                    inspect(chain)
                    promise.succeed(.failed)
                }
            )
            return [tls]
        }
    }
}

/// A TLS context of a client, with its trust anchors. Immutable, shared by connections.
final class TLSClientContext: Sendable {
    enum Settings: Sendable {
        case nioSSL(NIOSSLContext, TrustAnchors)
        #if EngineTLS
        case engineTLS(TLSContext)
        #endif
    }

    fileprivate let settings: Settings
    /// The validity period of the client's own certificate, if it has one.
    let validity: CertificateValidity?

    fileprivate init(_ settings: Settings, _ validity: CertificateValidity?) {
        (self.settings, self.validity) = (settings, validity)
    }
}

/// Makes a handler that calls back for every certificate of the chain, the anchor first and the leaf last.
///
/// NIOSSL marks that initializer as deprecated because it never calls back on macOS. The alternatives either replace
/// BoringSSL's verification, or report only the leaf, after the client's certificate was sent. The protocol hides the
/// deprecation, whose warning would be an error here.
private protocol VerifyingHandlerMaker {
    static func makeHandler(
        _ context: NIOSSLContext,
        serverHostname: String?,
        _ callback: @escaping NIOSSLVerificationCallback
    ) throws -> NIOSSLClientHandler
}

private enum NIOSSLHandlerMaker: VerifyingHandlerMaker {
    @available(*, deprecated, message: "NIOSSL's initializer is")
    static func makeHandler(
        _ context: NIOSSLContext,
        serverHostname: String?,
        _ callback: @escaping NIOSSLVerificationCallback
    ) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: serverHostname, verificationCallback: callback)
    }
}
