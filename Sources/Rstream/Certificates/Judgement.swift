internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// How the certificates of one connection were judged. Confined to the connection's event loop.
final class Judgement {
    private let judge: CertificateJudge
    /// What shows the certificates; nil before it is made.
    weak var tls: NIOSSLClientHandler?
    /// The first one that was found.
    private(set) var flaw: CertificateFlaw?
    private var hasSeenAnchor = false
    private var hasSeenLeaf = false

    init(_ judge: CertificateJudge) {
        self.judge = judge
    }

    /// Whether the leaf was among those that were judged, and nothing is wrong with any.
    var isGood: Bool { hasSeenLeaf && flaw == nil }

    /// Takes BoringSSL's word for what it does not like, and looks at the rest.
    func judge(_ verified: NIOSSLVerificationResult, _ certificate: NIOSSLCertificate) -> NIOSSLVerificationResult {
        guard verified == .certificateVerified else { return .failed }
        let isAnchor = !hasSeenAnchor
        hasSeenAnchor = true
        let isLeaf = tls?.peerCertificate == certificate
        if isLeaf { hasSeenLeaf = true }
        guard let der = try? certificate.toDERBytes(), let contents = try? CertificateContents(der: der) else {
            return refuse(.malformed)
        }
        if let found = judge.flaw(in: contents, isAnchor: isAnchor, isLeaf: isLeaf) { return refuse(found) }
        return .certificateVerified
    }

    private func refuse(_ found: CertificateFlaw) -> NIOSSLVerificationResult {
        flaw = flaw ?? found
        return .failed
    }
}

/// Stands behind TLS and says what the judge found, where TLS says no more than that there is something. Lets no
/// connection pass that was not judged. It leaves when the handshake is over.
///
/// Confined to the channel's event loop.
final class JudgementHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let judgement: Judgement

    init(_ judgement: Judgement) {
        self.judgement = judgement
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(judgement.flaw ?? error)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        guard judgement.isGood else {
            context.fireErrorCaught(judgement.flaw ?? CertificateFlaw.unseen)
            return context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
