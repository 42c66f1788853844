import Crypto
import FoundationEssentials
import NIOSSL

/// Writes DER (X.690), right or not.
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

    static let ecdsaWithSHA256 = sequence(identifier(0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2))

    /// A subject or an issuer.
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

/// An authority that signs whatever it is given, with P-256.
struct TestIssuer: Sendable {
    /// What a certificate says.
    struct Subject: Sendable {
        var commonName: String?
        /// Nil for no subjectAltName.
        var names: [SubjectName]?
        /// Further extensions.
        var extensions: [UInt8] = []

        static func named(_ names: SubjectName...) -> Subject { Subject(names: names) }
    }

    private static let name = "test issuer"
    private static let isAuthority = DER.sequence(
        DER.identifier(0x55, 0x1D, 0x13),
        [1, 1, 0xFF],
        DER.octets(DER.sequence([1, 1, 0xFF]))
    )

    let certificate: [UInt8]
    private let key = P256.Signing.PrivateKey()

    init() throws {
        var authority = Subject(commonName: Self.name)
        authority.extensions = Self.isAuthority
        certificate = try Self.certificate(authority, key.publicKey, signedBy: key)
    }

    /// The anchor as a file holds it.
    var pem: String {
        "-----BEGIN CERTIFICATE-----\n\(Data(certificate).base64EncodedString())\n-----END CERTIFICATE-----\n"
    }

    /// A certificate that the authority signed, and its key.
    func issue(_ subject: Subject) throws -> (certificate: [UInt8], key: NIOSSLPrivateKey) {
        let own = P256.Signing.PrivateKey()
        let certificate = try Self.certificate(subject, own.publicKey, signedBy: key)
        return (certificate, try NIOSSLPrivateKey(bytes: Array(own.derRepresentation), format: .der))
    }

    private static func certificate(
        _ subject: Subject,
        _ key: P256.Signing.PublicKey,
        signedBy issuer: P256.Signing.PrivateKey
    ) throws -> [UInt8] {
        let extensions = (subject.names.map(DER.subjectAlternativeName) ?? []) + subject.extensions
        let validity = DER.sequence(
            DER.element(0x17, Array("200101000000Z".utf8)),
            DER.element(0x18, Array("21200101000000Z".utf8))
        )
        let body = DER.sequence(
            DER.element(0xA0, DER.integer(2)),
            DER.integer(1),
            DER.ecdsaWithSHA256,
            DER.distinguishedName(name),
            validity,
            DER.distinguishedName(subject.commonName),
            Array(key.derRepresentation),
            extensions.isEmpty ? [] : DER.element(0xA3, DER.sequence(extensions))
        )
        let signature = try issuer.signature(for: Data(body)).derRepresentation
        return DER.sequence(body, DER.ecdsaWithSHA256, DER.bits(Array(signature)))
    }
}
