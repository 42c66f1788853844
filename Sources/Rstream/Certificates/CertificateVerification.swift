internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// How the certificates of one connection are judged: what BoringSSL asks, put in words for ``ChainVerification``. Confined to
/// the connection's event loop.
final class CertificateVerification {
    private var chain: ChainVerification
    private let anchors: TrustAnchors
    private let now: Int64
    private var isLeafTrusted: Bool?
    private var leaf: CertificateContents?
    /// What shows the certificates; nil before it is made.
    weak var tls: NIOSSLClientHandler?

    init(_ judge: CertificateVerifier, _ anchors: TrustAnchors, now: Int64) {
        chain = ChainVerification(judge)
        self.anchors = anchors
        self.now = now
    }

    var isGood: Bool { chain.isGood }

    /// Why the other end is not taken; nil where nothing was found.
    var refusal: CertificateRefusal? {
        chain.flaw.map { CertificateRefusal($0, name: chain.name, leaf: leaf) }
    }

    /// That nothing was judged at all.
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

/// Stands behind TLS and says what the judge found, where TLS says no more than that there is something. Lets no
/// connection pass that was not judged. It leaves when the handshake is over.
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
