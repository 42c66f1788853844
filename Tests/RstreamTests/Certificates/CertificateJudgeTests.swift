import FoundationEssentials
import NIOSSL
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The judge of certificates")
struct CertificateJudgeTests {
    private func flaw(_ subject: TestIssuer.Subject, _ name: String) throws -> CertificateProblem? {
        let certificate = try TestIssuer().issue(subject).certificate
        let contents = try CertificateContents(der: certificate)
        return CertificateVerifier(name: name).flaw(in: contents, isAnchor: false, isLeaf: true)
    }

    @Test(
        "takes a name as a whole, or behind a star that is all of its first label",
        arguments: [
            ("a.example.com", "a.example.com", true), ("a.example.com", "A.EXAMPLE.com", true),
            ("a.example.com.", "a.example.com", true), ("a.example.com", "a.example.com.", false),
            ("a.example.com.", "a.example.com.", false), ("a.example.com", "*.example.com", true),
            ("a.example.com", "*.EXAMPLE.com", true), ("a.b.example.com", "*.example.com", false),
            ("a.b.example.com", "*.b.example.com", true), ("a.b.example.com", "*.*.example.com", false),
            ("a.b.example.com", "a.*.example.com", false), ("example.com", "*.example.com", false),
            ("example.com", "*.com", false), ("com", "*", false), ("com", "*.com", false),
            ("example.com", "*.*", false), ("aa.example.com", "a*.example.com", false),
            ("aa.example.com", "*a.example.com", false), ("aa.example.com", "a*a.example.com", false),
            ("aa.example.com", "**.example.com", false), ("xn--a-1ga.example.com", "*.example.com", true),
            ("xn--a-1ga.example.com", "xn--*.example.com", false), ("a.xn--a-1ga.com", "*.xn--a-1ga.com", true),
            ("a.example.com", "b.example.com", false), ("a.example.com", "", false), ("a.example.com", ".", false),
            ("a.example.com", "*", false), ("a.example.com", "*.", false), ("a.example.com", "*..example.com", false),
            ("a.example.com", " a.example.com", false), ("a.example.com", "a.example.com\0.evil.test", false),
            ("a.example.com", "a.example.com\0", false), ("a.example.com", "a.example.com/", false),
            ("localhost", "localhost", true), ("localhost", "*", false), ("localhost", "l*", false),
            // Swift takes the Kelvin sign's lower case for a letter of ASCII, and an accent for a part of the letter.
            ("k.example.com", "\u{212A}.example.com", false), ("e.example.com", "e\u{301}.example.com", false),
            ("a.example.com", "*\u{301}.example.com", false), ("a.example.com", "*.\u{301}example.com", false),
        ]
    )
    func names(host: String, pattern: String, expected: Bool) throws {
        let found = try flaw(.named(.dns(pattern)), host)
        #expect(found == (expected ? nil : .otherName))
        // More names take nothing away, and the subject's adds nothing.
        let among = TestIssuer.Subject(commonName: host, names: [.dns("x.test"), .ip([192, 0, 2, 9]), .dns(pattern)])
        #expect(try flaw(among, host) == (expected ? nil : .otherName))
    }

    @Test("does not count what the subject is called", arguments: ["a.example.com", "192.0.2.1"])
    func commonName(name: String) throws {
        #expect(try flaw(.init(commonName: name), name) == .noNames)
        #expect(try flaw(.init(commonName: name, names: []), name) == .noNames)
        #expect(try flaw(.init(commonName: name, names: [.email(name), .uri(name)]), name) == .noNames)
        #expect(try flaw(.init(commonName: name, names: [.dns("b.test"), .ip([1, 2, 3, 4])]), name) == .otherName)
    }

    @Test("takes an address for an address only, and a name for a name")
    func addresses() throws {
        let v6 = [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
        #expect(try flaw(.named(.ip([192, 0, 2, 1])), "192.0.2.1") == nil)
        #expect(try flaw(.named(.ip(v6)), "2001:db8::1") == nil)
        #expect(try flaw(.named(.ip([192, 0, 2, 1])), "::ffff:192.0.2.1") == nil)
        #expect(try flaw(.named(.ip([192, 0, 2, 2])), "192.0.2.1") == .otherName)
        #expect(try flaw(.named(.dns("192.0.2.1")), "192.0.2.1") == .noNames)
        #expect(try flaw(.named(.dns("*.0.2.1")), "192.0.2.1") == .noNames)
        #expect(try flaw(.named(.dns("2001:db8::1")), "2001:db8::1") == .noNames)
        #expect(try flaw(.named(.ip([192, 0, 2, 1])), "a.example.com") == .noNames)
    }

    @Test("looks at the name of the leaf only, and at every signature but the anchor's")
    func places() throws {
        let sha1 = try contents(RSACertificates.sha1)
        let judge = CertificateVerifier(name: "another.example.test")
        #expect(judge.flaw(in: sha1, isAnchor: true, isLeaf: false) == nil)
        #expect(judge.flaw(in: sha1, isAnchor: false, isLeaf: false) == .signature("SHA-1"))
        #expect(judge.flaw(in: try contents(RSACertificates.good), isAnchor: false, isLeaf: false) == nil)
        #expect(judge.flaw(in: try contents(RSACertificates.good), isAnchor: true, isLeaf: true) == .otherName)
        let short = try contents(RSACertificates.shortKey)
        #expect(judge.flaw(in: short, isAnchor: true, isLeaf: false) == .keyLength(bits: 1_024))
    }

    @Test("knows the strength of what OpenSSL made")
    func strength() throws {
        for (pem, signature, bits) in [
            (RSACertificates.good, .current, 2_048), (RSACertificates.pss, .current, 2_048),
            (RSACertificates.sha1, .sha1, 2_048), (RSACertificates.md5, .md5, 2_048),
            (RSACertificates.anchor, .sha1, 2_048), (RSACertificates.shortKey, .current, 1_024),
        ] as [(String, CertificateContents.SignatureAlgorithm, Int)] {
            let contents = try contents(pem)
            #expect(contents.signature == signature)
            #expect(contents.key == .rsa(bits: bits))
        }
        let leaf = try contents(RSACertificates.good)
        #expect(leaf.names.map { String(decoding: $0, as: UTF8.self) } == ["peer.example.test", "localhost"])
        #expect(leaf.addresses == [.v4(0x7F00_0001)])
        let own = try CertificateContents(der: try TestIssuer().certificate)
        #expect(own.signature == .current)
        #expect(own.key == .other)
    }

    private func contents(_ pem: String) throws -> CertificateContents {
        let certificate = try #require(try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).first)
        return try CertificateContents(der: try certificate.toDERBytes())
    }
}

@Suite("The reader of certificates")
struct CertificateReaderTests {
    @Test("refuses a second subjectAltName, of which it could not be told which one counts")
    func twice() throws {
        var subject = TestIssuer.Subject.named(.dns("a.test"))
        subject.extensions = DER.subjectAlternativeName([.dns("b.test")])
        let certificate = try TestIssuer().issue(subject).certificate
        #expect(throws: DERReader.Malformed.self) { try CertificateContents(der: certificate) }
    }

    @Test("refuses an address of any other length than four and sixteen", arguments: [0, 3, 5, 8, 15, 17, 32])
    func addressLength(count: Int) throws {
        let certificate = try TestIssuer().issue(.named(.ip([UInt8](repeating: 1, count: count)))).certificate
        #expect(throws: DERReader.Malformed.self) { try CertificateContents(der: certificate) }
    }

    @Test("refuses every truncation, and bytes behind the end")
    func truncation() throws {
        let certificate = try TestIssuer().issue(.named(.dns("a.test"), .ip([1, 2, 3, 4]))).certificate
        for count in 0..<certificate.count {
            #expect(throws: DERReader.Malformed.self) { try CertificateContents(der: Array(certificate.prefix(count))) }
        }
        #expect(throws: DERReader.Malformed.self) { try CertificateContents(der: certificate + [0]) }
        _ = try CertificateContents(der: certificate)
    }

    @Test("reads or refuses a certificate with one byte changed, and never ends the process")
    func mutations() throws {
        let certificate = try TestIssuer().issue(.named(.dns("a.test"), .ip([1, 2, 3, 4]))).certificate
        var read = 0
        for place in certificate.indices {
            for byte: UInt8 in [0, 1, 0x30, 0x7F, 0x80, 0x81, 0x84, 0x88, 0x9F, 0xFF] {
                var changed = certificate
                changed[place] = byte
                if (try? CertificateContents(der: changed)) != nil { read += 1 }
            }
        }
        #expect(read > 100)
    }

    @Test(
        "takes lengths in their one form only",
        arguments: [
            [0x30], [0x30, 0x80, 0, 0], [0x30, 0x81, 0x05, 1, 2, 3, 4, 5], [0x30, 0x82, 0x00, 0x80],
            [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x30, 0xFF], [0x3F, 0x00], [0x1F, 0x1F, 0x00], [0x30, 0x05, 1, 2, 3, 4], [],
        ] as [[UInt8]]
    )
    func lengths(bytes: [UInt8]) {
        #expect(throws: DERReader.Malformed.self) {
            var reader = DERReader(bytes[...])
            _ = try reader.read()
        }
    }

    @Test("costs no more than the bytes, however many names there are, and however they are made")
    func growth() throws {
        let judge = CertificateVerifier(name: "peer.example.test")
        let issuer = try TestIssuer()
        let hard = Growth.units.flatMap { [$0, Growth.text($0, 30_000), "*.example." + $0] }
        for name in ["*.a", "", "*.example.tes", "*." + Growth.text("a.", 10_000)] + hard {
            let growth = try Growth { length in
                let names = [SubjectName](repeating: .dns(name), count: length / (name.utf8.count + 4))
                return try issuer.issue(.init(names: names)).certificate
            } _: { der in
                let contents = try CertificateContents(der: der)
                #expect(judge.flaw(in: contents, isAnchor: false, isLeaf: true) == .otherName)
            }
            #expect(growth.isLinear, "\(name.prefix(20)): \(growth)")
        }
    }
}
