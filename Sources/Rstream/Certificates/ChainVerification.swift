/// The facts about a certificate when the verification of a chain reaches it.
struct CertificatePosition: Hashable, Sendable {
    /// Whether BoringSSL has found nothing wrong with it so far.
    var isVerified: Bool
    /// Whether it is the first certificate of the chain that BoringSSL asks about.
    var isFirst = false
    var isLeaf: Bool
    /// Whether this certificate itself is trusted here.
    var isTrusted: Bool
    /// Seconds since 1970.
    var now: Int64
}

/// Follows BoringSSL's verification of one chain, the anchor first and the leaf last, and answers for every
/// certificate whether to continue.
///
/// BoringSSL wants every chain to end at a root. Where it ends at another certificate that is trusted here, BoringSSL
/// asks about that one first, and the answer is to continue. That answer is given once: about a certificate whose key
/// it cannot read BoringSSL asks in the same way, later, and nothing that such a key signed could be checked.
///
/// Pure: certificates in, a decision out.
struct ChainVerification {
    private let judge: CertificateVerifier
    /// The first problem that was found.
    private(set) var problem: CertificateProblem?
    private var hasSeenAnchor = false
    private var hasSeenLeaf = false

    init(_ judge: CertificateVerifier) {
        self.judge = judge
    }

    var name: String { judge.name }

    /// Whether the leaf was judged, and no certificate has a problem.
    var isGood: Bool { hasSeenLeaf && problem == nil }

    /// Whether to continue. With `isLeafTrusted` the leaf itself is trusted here and needs no issuer, whatever
    /// certificates were sent with it.
    mutating func sees(_ certificate: CertificateContents, _ sight: CertificatePosition, isLeafTrusted: Bool) -> Bool {
        var sight = sight
        sight.isFirst = !hasSeenAnchor
        hasSeenAnchor = true
        if sight.isLeaf { hasSeenLeaf = true }
        guard let found = found(certificate, sight, isLeafTrusted: isLeafTrusted) else { return true }
        refuse(found)
        return false
    }

    mutating func refuse(_ found: CertificateProblem) {
        problem = problem ?? found
    }

    private func found(
        _ certificate: CertificateContents,
        _ sight: CertificatePosition,
        isLeafTrusted: Bool
    ) -> CertificateProblem? {
        if isLeafTrusted {
            return sight.isLeaf ? judge.anchorProblem(in: certificate, isLeaf: true, now: sight.now) : nil
        }
        if sight.isVerified {
            return judge.problem(in: certificate, isAnchor: sight.isFirst, isLeaf: sight.isLeaf)
        }
        // BoringSSL recognises a root; when it asks about one, something else is wrong with it.
        guard sight.isFirst, sight.isTrusted, certificate.subject != certificate.issuer else {
            return judge.cause(of: certificate, sight)
        }
        return judge.anchorProblem(in: certificate, isLeaf: false, now: sight.now)
    }
}
