// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Verifies the certificates of one TLS handshake: the TLS library calls ``accepts(_:_:leaf:)`` for each certificate,
/// and ``ChainVerification`` decides. ``TLSClient`` makes one per connection.
///
/// Confined to the channel's event loop.
final class HandshakeVerification {
    /// The peer's own certificate, if it can be parsed, and whether it is a trust anchor.
    typealias Leaf = (contents: CertificateContents?, isTrusted: Bool)

    private var chain: ChainVerification
    private var leaf: Leaf?
    /// Seconds since 1970.
    let now: Int64
    /// The time when the first certificate of the chain expires.
    private(set) var end = Int64.max

    init(_ verifier: CertificateVerifier, now: Int64) {
        chain = ChainVerification(verifier)
        self.now = now
    }

    /// The name that the peer's certificate must have.
    var name: String { chain.name }

    var isGood: Bool { chain.isGood }

    /// Why the peer is refused; nil if no problem was found.
    var refusal: CertificateRefusal? {
        chain.problem.map { CertificateRefusal($0, name: chain.name, leaf: leaf?.contents) }
    }

    /// The error of a handshake that completed without verification.
    var notVerified: CertificateRefusal { CertificateRefusal(.notVerified, name: chain.name, leaf: nil) }

    /// Whether to go on after the next certificate; nil is one that cannot be parsed. `leaf` is asked for once.
    func accepts(_ certificate: CertificateContents?, _ step: VerificationStep, leaf presented: () -> Leaf) -> Bool {
        let leaf = leaf ?? presented()
        self.leaf = leaf
        guard let certificate else {
            chain.refuse(.malformed)
            return false
        }
        if let validity = certificate.validity { end = min(end, validity.end) }
        return chain.verify(certificate, step, isLeafTrusted: leaf.isTrusted)
    }
}

/// Feeds ``HandshakeVerification`` with what NIOSSL's verification callback reports.
///
/// Confined to the channel's event loop.
final class NIOSSLVerification {
    private let verification: HandshakeVerification
    private let anchors: TrustAnchors
    /// The handler that knows the peer's leaf. It is set after the handler is made, which needs the callback.
    weak var tls: NIOSSLClientHandler?

    init(_ verification: HandshakeVerification, _ anchors: TrustAnchors) {
        (self.verification, self.anchors) = (verification, anchors)
    }

    /// NIOSSL's verification callback.
    func verify(_ verified: NIOSSLVerificationResult, _ certificate: NIOSSLCertificate) -> NIOSSLVerificationResult {
        let presented = tls?.peerCertificate
        let step = VerificationStep(
            isPreverified: verified == .certificateVerified,
            isLeaf: presented == certificate,
            isTrusted: anchors.contains(certificate),
            now: verification.now
        )
        let isAccepted = verification.accepts(try? CertificateContents(certificate), step) {
            (presented.flatMap { try? CertificateContents($0) }, presented.map(anchors.contains) ?? false)
        }
        return isAccepted ? .certificateVerified : .failed
    }
}

extension CertificateContents {
    init(_ certificate: NIOSSLCertificate) throws {
        try self.init(der: try certificate.toDERBytes())
    }
}

/// Sits behind the TLS handler and replaces its unspecific error with what ``HandshakeVerification`` found. It also
/// closes a connection whose handshake completed without verification. Removes itself after the handshake.
///
/// Confined to the channel's event loop.
final class HandshakeVerificationHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let verification: HandshakeVerification

    init(_ verification: HandshakeVerification) {
        self.verification = verification
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(verification.refusal ?? error)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        guard verification.isGood else {
            context.fireErrorCaught(verification.refusal ?? verification.notVerified)
            return context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
