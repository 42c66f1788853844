internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Judges the certificates of one connection: passes BoringSSL's questions on to ``ChainVerification``. Confined to
/// the connection's event loop.
final class CertificateVerification {
    private var chain: ChainVerification
    private let anchors: TrustAnchors
    private let now: Int64
    private var isLeafTrusted: Bool?
    private var leaf: CertificateContents?
    /// The handler that presents the certificates; nil before it is made.
    weak var tls: NIOSSLClientHandler?

    init(_ judge: CertificateVerifier, _ anchors: TrustAnchors, now: Int64) {
        chain = ChainVerification(judge)
        self.anchors = anchors
        self.now = now
    }

    var isGood: Bool { chain.isGood }

    /// Why the peer is refused; nil when it is not.
    var refusal: CertificateRefusal? {
        chain.problem.map { CertificateRefusal($0, name: chain.name, leaf: leaf) }
    }

    /// The error for a connection whose certificates were not judged at all.
    var unseen: CertificateRefusal { CertificateRefusal(.unseen, name: chain.name, leaf: nil) }

    func judge(_ verified: NIOSSLVerificationResult, _ certificate: NIOSSLCertificate) -> NIOSSLVerificationResult {
        let presented = tls?.peerCertificate
        if isLeafTrusted == nil {
            isLeafTrusted = presented.map(anchors.contains) ?? false
            leaf = presented.flatMap { try? CertificateContents($0) }
        }
        guard let contents = try? CertificateContents(certificate) else {
            chain.refuse(.malformed)
            return .failed
        }
        let sight = CertificatePosition(
            isVerified: verified == .certificateVerified,
            isLeaf: presented == certificate,
            isTrusted: anchors.contains(certificate),
            now: now
        )
        let goesOn = chain.sees(contents, sight, isLeafTrusted: isLeafTrusted ?? false)
        return goesOn ? .certificateVerified : .failed
    }
}

extension CertificateContents {
    init(_ certificate: NIOSSLCertificate) throws {
        try self.init(der: try certificate.toDERBytes())
    }
}

/// Follows TLS in the pipeline and reports why certificates were refused, which TLS does not. Lets no
/// connection through that was not judged. Leaves the pipeline when the handshake is over.
///
/// Confined to the channel's event loop.
final class CertificateVerificationHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let judgement: CertificateVerification

    init(_ judgement: CertificateVerification) {
        self.judgement = judgement
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(judgement.refusal ?? error)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        guard judgement.isGood else {
            context.fireErrorCaught(judgement.refusal ?? judgement.unseen)
            return context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
