// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The fields of a certificate (RFC 5280 §4.1) that ``CertificateVerifier`` checks or that errors show: subject,
/// issuer, signature algorithm, validity and kind of key.
///
/// BoringSSL parses certificates too and verifies their signatures; NIOSSL does not expose these fields.
struct CertificateContents: Hashable, Sendable {
    /// The `dNSName` entries of the subjectAltName, unchecked: any bytes.
    let names: [ArraySlice<UInt8>]
    /// The `iPAddress` entries of the subjectAltName.
    let addresses: [IPAddress]
    let signature: SignatureAlgorithm
    let key: Key
    let subject: DistinguishedName
    let issuer: DistinguishedName
    /// Nil if the dates are not in the form that RFC 5280 requires.
    let validity: CertificateValidity?
    /// Whether basicConstraints marks it as a CA.
    let isAuthority: Bool
    /// Whether extendedKeyUsage allows TLS servers; true without that extension.
    let isForServers: Bool

    enum SignatureAlgorithm: Hashable, Sendable {
        /// SHA-2 with RSA, RSA-PSS or ECDSA, or Ed25519.
        case current
        case md5
        case sha1
        case other
    }

    enum Key: Hashable, Sendable {
        case rsa(bits: Int)
        case other
    }

    private static let rsaKey: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]

    /// Reads a certificate from its DER.
    init(der: [UInt8]) throws(DERReader.Malformed) {
        var outermost = DERReader(der[...])
        var certificate = try outermost.enter(DERTag.sequence)
        guard outermost.isAtEnd else { throw DERReader.Malformed() }
        var body = try certificate.enter(DERTag.sequence)
        signature = try SignatureAlgorithm(try certificate.enter(DERTag.sequence))
        _ = try certificate.read(DERTag.bitString)

        _ = try body.readIfPresent(DERTag.constructed(0))
        _ = try body.read(DERTag.integer)
        // The signature algorithm, repeated inside the signed part.
        _ = try body.read(DERTag.sequence)
        issuer = DistinguishedName(der: try body.read(DERTag.sequence))
        validity = CertificateValidity(try body.enter(DERTag.sequence))
        subject = DistinguishedName(der: try body.read(DERTag.sequence))
        key = try Self.key(try body.enter(DERTag.sequence))
        _ = try body.readIfPresent(DERTag.primitive(1))
        _ = try body.readIfPresent(DERTag.primitive(2))
        let extensions = try CertificateExtensions(try body.readIfPresent(DERTag.constructed(3)))
        (names, addresses) = (extensions.names, extensions.addresses)
        (isAuthority, isForServers) = (extensions.isAuthority, extensions.isForServers)
        guard body.isAtEnd else { throw DERReader.Malformed() }
    }

    private static func key(_ information: DERReader) throws(DERReader.Malformed) -> Key {
        var information = information
        var algorithm = try information.enter(DERTag.sequence)
        guard try algorithm.read(DERTag.objectIdentifier).elementsEqual(rsaKey) else { return .other }
        // The first byte of a bit string counts the unused bits at its end.
        var bits = DERReader(try information.read(DERTag.bitString).dropFirst())
        var numbers = try bits.enter(DERTag.sequence)
        let modulus = try numbers.read(DERTag.integer).drop { $0 == 0 }
        guard let first = modulus.first else { return .rsa(bits: 0) }
        return .rsa(bits: modulus.count * 8 - first.leadingZeroBitCount)
    }
}

extension CertificateContents.SignatureAlgorithm {
    /// PKCS #1 (RFC 8017 §A.2): 1.2.840.113549.1.1.
    private static let pkcs1: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01]
    private static let ecdsaWithSHA1: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01]
    private static let ecdsaWithSHA2: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03]
    private static let ed25519: [UInt8] = [0x2B, 0x65, 0x70]
    /// An older identifier of SHA-1 with RSA.
    private static let oiwSHA1WithRSA: [UInt8] = [0x2B, 0x0E, 0x03, 0x02, 0x1D]
    private static let sha2: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02]

    fileprivate init(_ identifier: DERReader) throws(DERReader.Malformed) {
        var identifier = identifier
        let name = try identifier.read(DERTag.objectIdentifier)
        let (family, last) = (name.dropLast(), name.last)
        switch last {
        case 4? where family.elementsEqual(Self.pkcs1): self = .md5
        case 5? where family.elementsEqual(Self.pkcs1): self = .sha1
        case 10? where family.elementsEqual(Self.pkcs1): self = try Self.pss(&identifier)
        case (11...13)? where family.elementsEqual(Self.pkcs1): self = .current
        case (2...4)? where family.elementsEqual(Self.ecdsaWithSHA2): self = .current
        case _ where name.elementsEqual(Self.ed25519): self = .current
        case _ where name.elementsEqual(Self.ecdsaWithSHA1) || name.elementsEqual(Self.oiwSHA1WithRSA): self = .sha1
        default: self = .other
        }
    }

    /// The hash of RSASSA-PSS is a parameter whose default is SHA-1 (RFC 4055 §3.1).
    private static func pss(_ identifier: inout DERReader) throws(DERReader.Malformed) -> Self {
        guard !identifier.isAtEnd else { return .sha1 }
        var parameters = try identifier.enter(DERTag.sequence)
        guard let hash = try parameters.readIfPresent(DERTag.constructed(0)) else { return .sha1 }
        var outer = DERReader(hash)
        var algorithm = try outer.enter(DERTag.sequence)
        let name = try algorithm.read(DERTag.objectIdentifier)
        let isCurrent = name.dropLast().elementsEqual(sha2) && (1...3).contains(name.last ?? 0)
        return isCurrent ? .current : .other
    }
}
