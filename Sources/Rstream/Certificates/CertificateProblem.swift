/// Why the peer's certificates are refused.
enum CertificateProblem: Hashable, Sendable {
    /// The leaf has other names.
    case otherName
    /// It has no subjectAltName of the kind that is needed; the subject's name does not count.
    case noNames
    /// Its signature, or that of another one in its chain, can be forged.
    case signature(String)
    /// An RSA key in its chain is too short to be safe, or so long that computing with it costs too much.
    case keyLength(bits: Int)
    /// It, or the certificate of the named authority in its chain, has expired.
    case expired(Place, at: Int64)
    /// It, or the certificate of the named authority, is not valid yet.
    case notYetValid(Place, from: Int64)
    /// The leaf's issuer, with this name, is not trusted here, and its certificate was not sent.
    case issuerUnseen(String?)
    /// The chain that was sent ends at an issuer of this name, which is not trusted here.
    case issuerUnknown(String?)
    /// The leaf is self-signed.
    case selfSigned
    /// The chain that was sent ends at a root of this name that is not trusted here.
    case rootUnknown(String?)
    /// A certificate of this name signed another one and may not sign.
    case notAuthority(String?)
    /// It is for other things than servers.
    case purpose
    /// A signature in its chain is wrong, or what an issuer allows does not cover it.
    case broken
    /// It can be read in more than one way, or in none.
    case malformed
    /// TLS did not present it.
    case unseen

    /// Which certificate of a chain.
    enum Place: Hashable, Sendable {
        case leaf
        /// An authority's, with its name.
        case authority(String?)
    }
}

/// A problem, with what helps to understand it.
struct CertificateRefusal: Error, Hashable, Sendable {
    let problem: CertificateProblem
    /// The name that was needed.
    let name: String
    /// The first names of the certificate.
    let names: [String]
    /// How many names it has.
    let count: Int

    /// More names of one certificate are not shown.
    private static let mostNames = 4

    init(_ problem: CertificateProblem, name: String, leaf: CertificateContents?) {
        self.problem = problem
        self.name = name
        names = leaf?.shownNames(Self.mostNames) ?? []
        count = leaf.map { $0.names.count + $0.addresses.count } ?? 0
    }
}

extension CertificateContents {
    /// The names, then the addresses, as many as are asked for.
    func shownNames(_ most: Int) -> [String] {
        // No DNS name is longer.
        let names = names.prefix(most).map { String(decoding: $0.prefix(253), as: UTF8.self) }
        return Array((names + addresses.prefix(most).map(\.description)).prefix(most))
    }
}
