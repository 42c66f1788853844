// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Crypto
import FoundationEssentials
import NIOSSL
import RstreamModel
import SwiftASN1
import X509

/// The engine's own certificate authority.
///
/// Developers trust its certificate, so it is kept and reused; the leaf certificate is made at every start, for the
/// names of that start.
struct CertificateAuthority {
    let certificate: Certificate
    private let key: Certificate.PrivateKey

    /// The certificate in the format of a client's `caFile`.
    var pem: String {
        get throws { try certificate.serializeAsPEM().pemString + "\n" }
    }

    /// Reuses the authority in `directory`, or makes one there.
    init(in directory: StateDirectory, now: Date = Date()) throws {
        let keptCertificate = try directory.read(StateDirectory.certificate)
        let keptKey = try directory.read(StateDirectory.key, isPrivate: true)
        if let kept = Self(certificatePEM: keptCertificate, keyPEM: keptKey, now: now) {
            self = kept
            return
        }
        let privateKey = P256.Signing.PrivateKey()
        try self.init(key: privateKey, now: now)
        try directory.write(privateKey.pemRepresentation + "\n", to: StateDirectory.key, isPrivate: true)
        try directory.write(pem, to: StateDirectory.certificate)
    }

    private init?(certificatePEM: String?, keyPEM: String?, now: Date) {
        guard let certificatePEM, let keyPEM,
            let certificate = try? Certificate(pemEncoded: certificatePEM),
            let key = try? Certificate.PrivateKey(pemEncoded: keyPEM),
            certificate.publicKey == key.publicKey,
            certificate.notValidBefore <= now,
            // A leaf must not outlive its issuer.
            certificate.notValidAfter > now.addingTimeInterval(Self.leafLifetime)
        else { return nil }
        self.certificate = certificate
        self.key = key
    }

    private init(key: P256.Signing.PrivateKey, now: Date) throws {
        let key = Certificate.PrivateKey(key)
        self.key = key
        let name = try DistinguishedName { CommonName("rstream development engine CA") }
        certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: now.addingTimeInterval(-Self.clockSlack),
            notValidAfter: now.addingTimeInterval(Self.authorityLifetime),
            issuer: name,
            subject: name,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: key.publicKey)
            },
            issuerPrivateKey: key
        )
    }

    private static let clockSlack: TimeInterval = 3_600
    private static let leafLifetime: TimeInterval = 30 * 86_400
    private static let authorityLifetime: TimeInterval = 3_650 * 86_400

    /// A certificate for these DNS names and addresses, with its key, ready for TLS.
    func leaf(
        host: String,
        names: [String],
        addresses: [IPAddress],
        now: Date = Date()
    ) throws -> (certificate: NIOSSLCertificate, key: NIOSSLPrivateKey) {
        let leafKey = P256.Signing.PrivateKey()
        let publicKey = Certificate.PrivateKey(leafKey).publicKey
        let alternatives: [GeneralName] =
            names.map(GeneralName.dnsName)
            + addresses.map { .ipAddress(ASN1OctetString(contentBytes: ArraySlice($0.octets))) }
        let leaf = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(-Self.clockSlack),
            notValidAfter: now.addingTimeInterval(Self.leafLifetime),
            issuer: certificate.subject,
            subject: try DistinguishedName { CommonName(host) },
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(alternatives)
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
            },
            issuerPrivateKey: key
        )
        var serializer = DER.Serializer()
        try serializer.serialize(leaf)
        return (
            try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der),
            try NIOSSLPrivateKey(bytes: Array(leafKey.derRepresentation), format: .der)
        )
    }
}
