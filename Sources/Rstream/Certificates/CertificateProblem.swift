/// Why the certificates of the other end are not taken.
enum CertificateProblem: Hashable, Sendable {
    /// The leaf has other names.
    case otherName
    /// It has no subjectAltName of the kind that is looked for; what its subject is called says nothing.
    case noNames
    /// Its signature, or that of another one in its chain, can be forged.
    case signature(String)
    /// An RSA key in its chain is too short to be safe, or so long that reckoning with it costs too much.
    case keyLength(bits: Int)
    /// It, or that of the named authority in its chain, has ended.
    case expired(Place, at: Int64)
    /// It, or that of the named authority, has not begun.
    case notYetValid(Place, from: Int64)
    /// The leaf's issuer, who is called this, is not trusted here, and no certificate of his was sent.
    case issuerUnseen(String?)
    /// The chain that was sent ends at an issuer of this name, who is not trusted here.
    case issuerUnknown(String?)
    /// The leaf has signed itself.
    case selfSigned
    /// The chain that was sent ends at a root of this name that is not trusted here.
    case rootUnknown(String?)
    /// One who is called this has signed another without the right to sign.
    case notAuthority(String?)
    /// It is for other things than servers.
    case purpose
    /// A signature in its chain is wrong, or what an issuer allows does not cover it.
    case broken
    /// It can be read in more than one way, or in none.
    case malformed
    /// TLS has not shown it.
    case unseen

    /// Which certificate of a chain.
    enum Place: Hashable, Sendable {
        case leaf
        /// An authority's, with its name.
        case authority(String?)
    }
}

/// A flaw with what helps to understand it.
struct CertificateRefusal: Error, Hashable, Sendable {
    let flaw: CertificateProblem
    /// What was looked for.
    let name: String
    /// The first names that the certificate has.
    let names: [String]
    /// How many it has.
    let count: Int

    /// More names of one certificate are not told.
    private static let mostNames = 4

    init(_ flaw: CertificateProblem, name: String, leaf: CertificateContents?) {
        self.flaw = flaw
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
