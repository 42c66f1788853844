// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Why the certificates that a peer presented are refused. ``ConnectionPeer`` turns it into an error text.
enum CertificateProblem: Hashable, Sendable {
    /// The leaf is for other names.
    case nameMismatch
    /// The leaf has no subjectAltName of the right kind, DNS name or IP address. The subject's common name does not
    /// count.
    case noSubjectAltName
    /// A signature in the chain uses an algorithm that can be forged or is unknown.
    case weakSignature(String)
    /// An RSA key in the chain is too short to be safe, or so long that verifying with it costs too much.
    case keyLength(bits: Int)
    /// The certificate has expired.
    case expired(Role, at: Int64)
    /// The certificate is not valid yet.
    case notYetValid(Role, from: Int64)
    /// The leaf's issuer, with this name, is not trusted, and the peer did not send a certificate of the issuer.
    case missingIntermediate(String?)
    /// The chain ends at a certificate whose issuer, with this name, is not trusted.
    case unknownIssuer(String?)
    /// The leaf is self-signed and not trusted.
    case selfSigned
    /// The chain ends at a root with this name that is not trusted.
    case untrustedRoot(String?)
    /// A certificate with this name signed another one and is not a CA.
    case issuerNotAuthority(String?)
    /// extendedKeyUsage does not allow TLS servers.
    case notForServers
    /// A signature in the chain is wrong, or an issuer's constraints do not permit the certificate.
    case invalidChain
    /// A certificate cannot be parsed, or is ambiguous.
    case malformed
    /// The handshake completed without verifying a certificate.
    case notVerified

    /// Which certificate of the chain.
    enum Role: Hashable, Sendable {
        case leaf
        /// The certificate of the authority with this name.
        case authority(String?)
    }
}

/// The error of a refused certificate: the problem, and the names to show with it.
struct CertificateRefusal: Error, Hashable, Sendable {
    let problem: CertificateProblem
    /// The name that the certificate should have.
    let name: String
    /// The first names of the certificate.
    let names: [String]
    /// How many names the certificate has.
    let count: Int

    /// Names shown in an error.
    private static let mostNames = 4

    init(_ problem: CertificateProblem, name: String, leaf: CertificateContents?) {
        self.problem = problem
        self.name = name
        names = leaf?.shownNames(Self.mostNames) ?? []
        count = leaf.map { $0.names.count + $0.addresses.count } ?? 0
    }
}

extension CertificateContents {
    /// The DNS names, then the IP addresses, `most` of them together.
    func shownNames(_ most: Int) -> [String] {
        // No DNS name is longer.
        let names = names.prefix(most).map { String(decoding: $0.prefix(253), as: UTF8.self) }
        return Array((names + addresses.prefix(most).map(\.description)).prefix(most))
    }
}
