// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The public key of a client certificate whose private key is in a device, and the one scheme in which TLS 1.3 has such a
/// key sign (RFC 8446 §4.2.3).
struct CertifiedKey: Hashable, Sendable {
    /// The SubjectPublicKeyInfo (RFC 5280 §4.1).
    let der: [UInt8]
    /// The number of the signature scheme in IANA's registry. Every engine has it: one more would be one more that a device
    /// may not have.
    let scheme: UInt16

    private static let rsa: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
    private static let ec: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
    private static let ed25519: [UInt8] = [0x2B, 0x65, 0x70]
    /// The curves with the scheme of each.
    private static let curves: [(name: [UInt8], scheme: UInt16)] = [
        ([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07], 0x0403), ([0x2B, 0x81, 0x04, 0x00, 0x22], 0x0503),
        ([0x2B, 0x81, 0x04, 0x00, 0x23], 0x0603),
    ]

    /// Nil if TLS has no scheme for it, and for what is no public key.
    init?(der: [UInt8]) {
        guard let scheme = try? Self.scheme(of: der) else { return nil }
        (self.der, self.scheme) = (der, scheme)
    }

    private static func scheme(of der: [UInt8]) throws(DERReader.Malformed) -> UInt16 {
        var outer = DERReader(der[...])
        var information = try outer.enter(DERTag.sequence)
        var algorithm = try information.enter(DERTag.sequence)
        let name = try algorithm.read(DERTag.objectIdentifier)
        if name.elementsEqual(rsa) { return 0x0804 }
        if name.elementsEqual(ed25519) { return 0x0807 }
        guard name.elementsEqual(ec) else { throw DERReader.Malformed() }
        let curve = try algorithm.read(DERTag.objectIdentifier)
        guard let known = curves.first(where: { curve.elementsEqual($0.name) }) else { throw DERReader.Malformed() }
        return known.scheme
    }
}
