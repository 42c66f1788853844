internal import RstreamModel

/// What of a certificate (RFC 5280 §4.1) is judged here: whose it is, how it was signed, and the kind of its key. The
/// rest, its validity and its signature above all, is judged by BoringSSL.
struct CertificateContents: Hashable, Sendable {
    /// The `dNSName` entries of its subjectAltName, as they stand there: any bytes.
    let names: [ArraySlice<UInt8>]
    /// The `iPAddress` entries.
    let addresses: [IPAddress]
    let signature: SignatureAlgorithm
    let key: Key

    enum SignatureAlgorithm: Hashable, Sendable {
        /// One of SHA-2 with RSA, PSS or ECDSA, or Ed25519.
        case current
        case md5
        case sha1
        case other
    }

    enum Key: Hashable, Sendable {
        case rsa(bits: Int)
        case other
    }

    private static let subjectAlternativeName: [UInt8] = [0x55, 0x1D, 0x11]
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
        // The signature's algorithm again, the issuer, the validity and the subject.
        for _ in 0..<4 { _ = try body.read(DERTag.sequence) }
        key = try Self.key(try body.enter(DERTag.sequence))
        _ = try body.readIfPresent(DERTag.primitive(1))
        _ = try body.readIfPresent(DERTag.primitive(2))
        (names, addresses) = try Self.subjects(try body.readIfPresent(DERTag.constructed(3)))
        guard body.isAtEnd else { throw DERReader.Malformed() }
    }

    private static func key(_ information: DERReader) throws(DERReader.Malformed) -> Key {
        var information = information
        var algorithm = try information.enter(DERTag.sequence)
        guard try algorithm.read(DERTag.objectIdentifier).elementsEqual(rsaKey) else { return .other }
        // The first byte of a bit string says how many of its last bits are none.
        var bits = DERReader(try information.read(DERTag.bitString).dropFirst())
        var numbers = try bits.enter(DERTag.sequence)
        let modulus = try numbers.read(DERTag.integer).drop { $0 == 0 }
        guard let first = modulus.first else { return .rsa(bits: 0) }
        return .rsa(bits: modulus.count * 8 - first.leadingZeroBitCount)
    }

    private static func subjects(
        _ extensions: ArraySlice<UInt8>?
    ) throws(DERReader.Malformed) -> (names: [ArraySlice<UInt8>], addresses: [IPAddress]) {
        guard let extensions else { return ([], []) }
        var reader = DERReader(extensions)
        var list = try reader.enter(DERTag.sequence)
        var found: ArraySlice<UInt8>?
        while !list.isAtEnd {
            var entry = try list.enter(DERTag.sequence)
            guard try entry.read(DERTag.objectIdentifier).elementsEqual(subjectAlternativeName) else { continue }
            _ = try entry.readIfPresent(DERTag.boolean)
            // Of two it could not be told which one counts.
            guard found == nil else { throw DERReader.Malformed() }
            found = try entry.read(DERTag.octetString)
        }
        guard let found else { return ([], []) }
        var value = DERReader(found)
        var subjects = try value.enter(DERTag.sequence)
        var (names, addresses): ([ArraySlice<UInt8>], [IPAddress]) = ([], [])
        while !subjects.isAtEnd {
            let subject = try subjects.read()
            switch subject.tag {
            case DERTag.primitive(2): names.append(subject.contents)
            case DERTag.primitive(7):
                guard let address = IPAddress(octets: subject.contents) else { throw DERReader.Malformed() }
                addresses.append(address)
            default: continue
            }
        }
        return (names, addresses)
    }
}

extension CertificateContents.SignatureAlgorithm {
    /// PKCS #1 (RFC 8017 §A.2): 1.2.840.113549.1.1.
    private static let pkcs1: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01]
    private static let ecdsaWithSHA1: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01]
    private static let ecdsaWithSHA2: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03]
    private static let ed25519: [UInt8] = [0x2B, 0x65, 0x70]
    /// An older name of SHA-1 with RSA.
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

    /// The hash of RSASSA-PSS is a parameter, and SHA-1 where none stands there (RFC 4055 §3.1).
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

extension IPAddress {
    /// Four or sixteen octets in network order; nil for any other count.
    init?(octets: ArraySlice<UInt8>) {
        if octets.count == 4 {
            self = .v4(octets.reduce(0) { $0 << 8 | UInt32($1) })
        } else {
            self.init(v6Octets: Array(octets))
        }
    }
}
