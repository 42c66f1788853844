/// Why a certificate that a trusted authority signed is not taken all the same.
enum CertificateFlaw: Error, Hashable, Sendable {
    /// It has other names.
    case otherName
    /// It has no subjectAltName of the kind that is looked for; what its subject is called says nothing.
    case noNames
    /// Its signature, or that of another one in its chain, can be forged.
    case signature(String)
    /// An RSA key in its chain is too short to be safe, or so long that reckoning with it costs too much.
    case keyLength(bits: Int)
    /// It can be read in more than one way, or in none.
    case malformed
    /// TLS has not shown it.
    case unseen
}
