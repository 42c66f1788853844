// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import NIOSSL

/// Writes DER (X.690), valid or not.
enum DER {
    static func element(_ tag: UInt8, _ contents: [UInt8]...) -> [UInt8] {
        let contents = contents.flatMap(\.self)
        let count = contents.count
        if count < 0x80 { return [tag, UInt8(count)] + contents }
        let octets = (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }.drop { $0 == 0 }
        return [tag, 0x80 | UInt8(octets.count)] + octets + contents
    }

    static func sequence(_ contents: [UInt8]...) -> [UInt8] { element(0x30, contents.flatMap(\.self)) }

    static func octets(_ contents: [UInt8]) -> [UInt8] { element(4, contents) }

    static func bits(_ contents: [UInt8]) -> [UInt8] { element(3, [0] + contents) }

    static func identifier(_ octets: UInt8...) -> [UInt8] { element(6, octets) }

    static func integer(_ octets: UInt8...) -> [UInt8] { element(2, octets) }

    /// A time like `20260131235959Z`, as UTCTime before 2050, as RFC 5280 requires.
    static func time(_ text: String) -> [UInt8] {
        text < "2050" ? element(0x17, Array(text.utf8.dropFirst(2))) : element(0x18, Array(text.utf8))
    }

    /// The name of a subject or an issuer.
    static func distinguishedName(_ commonName: String?) -> [UInt8] {
        guard let commonName else { return sequence() }
        return sequence(element(0x31, sequence(identifier(0x55, 4, 3), element(0x0C, Array(commonName.utf8)))))
    }

    static func subjectAlternativeName(_ names: [SubjectName]) -> [UInt8] {
        sequence(identifier(0x55, 0x1D, 0x11), octets(sequence(names.flatMap(\.der))))
    }
}

/// An entry of a subjectAltName.
enum SubjectName: Sendable {
    case dns(String)
    case ip([UInt8])
    case email(String)
    case uri(String)

    var der: [UInt8] {
        switch self {
        case .dns(let name): DER.element(0x82, Array(name.utf8))
        case .ip(let octets): DER.element(0x87, octets)
        case .email(let name): DER.element(0x81, Array(name.utf8))
        case .uri(let name): DER.element(0x86, Array(name.utf8))
        }
    }
}

/// A certificate authority that signs any certificate, valid or not.
struct TestIssuer: Sendable {
    /// The contents of a certificate.
    struct Subject: Sendable {
        var commonName: String?
        /// Nil for no subjectAltName.
        var names: [SubjectName]?
        /// Further extensions, in DER.
        var extensions: [UInt8] = []
        var begin = "20200101000000Z"
        var end = "21200101000000Z"

        static func named(_ names: SubjectName...) -> Subject { Subject(names: names) }
    }

    private static let isAuthority = DER.sequence(
        DER.identifier(0x55, 0x1D, 0x13),
        [1, 1, 0xFF],
        DER.octets(DER.sequence([1, 1, 0xFF]))
    )

    let certificate: [UInt8]
    private let name: String
    private let key: TestKey

    /// A root.
    init(_ name: String = "test issuer", key kind: TestKey.Kind = .p256, end: String = "21200101000000Z") throws {
        (self.name, key) = (name, TestKey(kind))
        certificate = try Self.certificate(Self.authority(name, end), key.publicKey, issuer: name, signedBy: key)
    }

    private init(_ name: String, _ key: TestKey, _ certificate: [UInt8]) {
        (self.name, self.key, self.certificate) = (name, key, certificate)
    }

    private static func authority(_ name: String, _ end: String) -> Subject {
        var subject = Subject(commonName: name)
        (subject.extensions, subject.end) = (isAuthority, end)
        return subject
    }

    /// An intermediate authority issued by this one. With `mayNotSign` it lacks the CA flag, but signs all the same.
    func authority(
        _ name: String,
        key kind: TestKey.Kind = .p256,
        end: String = "21200101000000Z",
        mayNotSign: Bool = false
    ) throws -> TestIssuer {
        let own = TestKey(kind)
        let subject = mayNotSign ? Subject(commonName: name) : Self.authority(name, end)
        return TestIssuer(
            name,
            own,
            try Self.certificate(subject, own.publicKey, issuer: self.name, signedBy: key)
        )
    }

    /// The authority's own certificate in PEM.
    var pem: String { Self.pem(certificate) }

    static func pem(_ certificate: [UInt8]) -> String {
        "-----BEGIN CERTIFICATE-----\n\(Data(certificate).base64EncodedString())\n-----END CERTIFICATE-----\n"
    }

    func forTLS() throws -> NIOSSLCertificate { try NIOSSLCertificate(bytes: certificate, format: .der) }

    /// Issues a certificate, with a new key.
    func issue(_ subject: Subject) throws -> (certificate: [UInt8], key: NIOSSLPrivateKey) {
        let (certificate, key) = try issue(subject, key: .p256)
        return (certificate, try key.forTLS())
    }

    func issue(_ subject: Subject, key kind: TestKey.Kind) throws -> (certificate: [UInt8], key: TestKey) {
        let own = TestKey(kind)
        return (try Self.certificate(subject, own.publicKey, issuer: name, signedBy: key), own)
    }

    /// Makes a self-signed certificate, with a new key.
    static func selfSigned(_ subject: Subject) throws -> (certificate: [UInt8], key: TestKey) {
        let own = TestKey(.p256)
        let name = subject.commonName ?? ""
        return (try certificate(subject, own.publicKey, issuer: name, signedBy: own), own)
    }

    private static func certificate(
        _ subject: Subject,
        _ key: [UInt8],
        issuer: String,
        signedBy signer: TestKey
    ) throws -> [UInt8] {
        let extensions = (subject.names.map(DER.subjectAlternativeName) ?? []) + subject.extensions
        let body = DER.sequence(
            DER.element(0xA0, DER.integer(2)),
            DER.integer(1),
            signer.algorithm,
            DER.distinguishedName(issuer),
            DER.sequence(DER.time(subject.begin), DER.time(subject.end)),
            DER.distinguishedName(subject.commonName),
            key,
            extensions.isEmpty ? [] : DER.element(0xA3, DER.sequence(extensions))
        )
        return DER.sequence(body, signer.algorithm, DER.bits(try signer.sign(body)))
    }
}
