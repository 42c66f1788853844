// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// One call of BoringSSL's verification callback: what is known about the certificate that it reports.
struct VerificationStep: Hashable, Sendable {
    /// Whether BoringSSL has found no problem with the certificate so far (OpenSSL's `preverify_ok`).
    var isPreverified: Bool
    /// Whether it is the first certificate of the chain that is reported.
    var isFirst = false
    var isLeaf: Bool
    /// Whether this certificate itself is a trust anchor.
    var isTrusted: Bool
    /// Seconds since 1970.
    var now: Int64
}

/// Follows BoringSSL's verification of one chain, from the anchor to the leaf, and decides at each certificate whether
/// to continue. ``HandshakeVerification`` feeds it.
///
/// BoringSSL wants each chain to end at a root. If a chain ends at another trust anchor, BoringSSL first reports that
/// certificate as rejected, and this overrules it. It does so only once: BoringSSL reports a certificate whose key it
/// cannot read in the same way, later in the chain, and nothing signed with that key could be verified.
///
/// Pure: no I/O and no clock.
struct ChainVerification {
    private let verifier: CertificateVerifier
    /// The first problem that was found.
    private(set) var problem: CertificateProblem?
    private var hasSeenAnchor = false
    private var hasSeenLeaf = false

    init(_ verifier: CertificateVerifier) {
        self.verifier = verifier
    }

    /// The name that the leaf must have.
    var name: String { verifier.name }

    /// Whether the leaf was verified and no certificate has a problem.
    var isGood: Bool { hasSeenLeaf && problem == nil }

    /// Verifies the next certificate; false ends the handshake. If `isLeafTrusted`, the leaf itself is an anchor and
    /// needs no issuer, whatever else the peer sent with it.
    mutating func verify(_ certificate: CertificateContents, _ step: VerificationStep, isLeafTrusted: Bool) -> Bool {
        var step = step
        step.isFirst = !hasSeenAnchor
        hasSeenAnchor = true
        if step.isLeaf { hasSeenLeaf = true }
        guard let found = problem(in: certificate, step, isLeafTrusted: isLeafTrusted) else { return true }
        refuse(found)
        return false
    }

    mutating func refuse(_ found: CertificateProblem) {
        problem = problem ?? found
    }

    private func problem(
        in certificate: CertificateContents,
        _ step: VerificationStep,
        isLeafTrusted: Bool
    ) -> CertificateProblem? {
        if isLeafTrusted {
            return step.isLeaf ? verifier.anchorProblem(in: certificate, isLeaf: true, now: step.now) : nil
        }
        if step.isPreverified {
            return verifier.problem(in: certificate, isAnchor: step.isFirst, isLeaf: step.isLeaf)
        }
        // BoringSSL accepts trusted roots by itself, so a trusted root that it rejects has another problem.
        guard step.isFirst, step.isTrusted, certificate.subject != certificate.issuer else {
            return verifier.cause(of: certificate, step)
        }
        return verifier.anchorProblem(in: certificate, isLeaf: false, now: step.now)
    }
}
