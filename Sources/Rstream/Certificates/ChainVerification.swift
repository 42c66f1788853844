/// What is known of a certificate when the verification of a chain comes to it.
struct CertificatePosition: Hashable, Sendable {
    /// Whether BoringSSL finds nothing wrong with it, as far as it has come.
    var isVerified: Bool
    /// Whether it is the first one of the chain that is asked about.
    var isFirst = false
    var isLeaf: Bool
    /// Whether this very certificate is one of those that are trusted here.
    var isTrusted: Bool
    /// Seconds since 1970.
    var now: Int64
}

/// Goes along with BoringSSL's verification of one chain, the anchor first and the leaf last, and says to every
/// certificate whether to go on.
///
/// BoringSSL wants every chain to end at a root. Where it ends at another certificate that is trusted here, BoringSSL asks
/// about that one first, and is told to go on. That is said only once: a certificate whose key BoringSSL cannot read is
/// asked about in the same words, later, and nothing that it signed could be checked.
///
/// Pure: certificates in, a word out.
struct ChainVerification {
    private let judge: CertificateVerifier
    /// The first one that was found.
    private(set) var flaw: CertificateProblem?
    private var hasSeenAnchor = false
    private var hasSeenLeaf = false

    init(_ judge: CertificateVerifier) {
        self.judge = judge
    }

    var name: String { judge.name }

    /// Whether the leaf was among those that were judged, and nothing is wrong with any.
    var isGood: Bool { hasSeenLeaf && flaw == nil }

    /// Whether to go on. `isLeafTrusted` says that the leaf itself is trusted here: then it needs no issuer, whatever
    /// others were sent with it.
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
        flaw = flaw ?? found
    }

    private func found(
        _ certificate: CertificateContents,
        _ sight: CertificatePosition,
        isLeafTrusted: Bool
    ) -> CertificateProblem? {
        if isLeafTrusted {
            return sight.isLeaf ? judge.anchorFlaw(in: certificate, isLeaf: true, now: sight.now) : nil
        }
        if sight.isVerified {
            return judge.flaw(in: certificate, isAnchor: sight.isFirst, isLeaf: sight.isLeaf)
        }
        // A root is found to be one; where it is asked about, something else is wrong with it.
        guard sight.isFirst, sight.isTrusted, certificate.subject != certificate.issuer else {
            return judge.cause(of: certificate, sight)
        }
        return judge.anchorFlaw(in: certificate, isLeaf: false, now: sight.now)
    }
}
