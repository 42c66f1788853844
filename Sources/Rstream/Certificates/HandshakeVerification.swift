// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Verifies the certificates of one TLS handshake: NIOSSL calls ``verify(_:_:)`` for each certificate, and
/// ``ChainVerification`` decides. ``TLSClient`` makes one per connection.
///
/// Confined to the channel's event loop.
final class HandshakeVerification {
    private var chain: ChainVerification
    private let anchors: TrustAnchors
    private let now: Int64
    private var isLeafTrusted: Bool?
    private var leaf: CertificateContents?
    /// The handler that knows the peer's leaf. It is set after the handler is made, which needs the callback.
    weak var tls: NIOSSLClientHandler?

    init(_ verifier: CertificateVerifier, _ anchors: TrustAnchors, now: Int64) {
        chain = ChainVerification(verifier)
        self.anchors = anchors
        self.now = now
    }

    var isGood: Bool { chain.isGood }

    /// Why the peer is refused; nil if no problem was found.
    var refusal: CertificateRefusal? {
        chain.problem.map { CertificateRefusal($0, name: chain.name, leaf: leaf) }
    }

    /// The error of a handshake that completed without verification.
    var notVerified: CertificateRefusal { CertificateRefusal(.notVerified, name: chain.name, leaf: nil) }

    /// NIOSSL's verification callback.
    func verify(_ verified: NIOSSLVerificationResult, _ certificate: NIOSSLCertificate) -> NIOSSLVerificationResult {
        let presented = tls?.peerCertificate
        if isLeafTrusted == nil {
            isLeafTrusted = presented.map(anchors.contains) ?? false
            leaf = presented.flatMap { try? CertificateContents($0) }
        }
        guard let contents = try? CertificateContents(certificate) else {
            chain.refuse(.malformed)
            return .failed
        }
        let step = VerificationStep(
            isPreverified: verified == .certificateVerified,
            isLeaf: presented == certificate,
            isTrusted: anchors.contains(certificate),
            now: now
        )
        let isAccepted = chain.verify(contents, step, isLeafTrusted: isLeafTrusted ?? false)
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
