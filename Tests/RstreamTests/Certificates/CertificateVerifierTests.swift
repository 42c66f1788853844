// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import NIOSSL
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The verifier of certificates")
struct CertificateVerifierTests {
    private func problem(_ subject: TestIssuer.Subject, _ name: String) throws -> CertificateProblem? {
        let certificate = try TestIssuer().issue(subject).certificate
        let contents = try CertificateContents(der: certificate)
        return CertificateVerifier(name: name).problem(in: contents, isAnchor: false, isLeaf: true)
    }

    @Test(
        "matches whole names, and wildcards that are the whole first label",
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
            // Swift's lowercased() maps the Kelvin sign to ASCII, and a combining accent joins the letter before it.
            ("k.example.com", "\u{212A}.example.com", false), ("e.example.com", "e\u{301}.example.com", false),
            ("a.example.com", "*\u{301}.example.com", false), ("a.example.com", "*.\u{301}example.com", false),
        ]
    )
    func names(host: String, pattern: String, expected: Bool) throws {
        let found = try problem(.named(.dns(pattern)), host)
        #expect(found == (expected ? nil : .nameMismatch))
        // Other names and the subject's common name do not change the result.
        let among = TestIssuer.Subject(commonName: host, names: [.dns("x.test"), .ip([192, 0, 2, 9]), .dns(pattern)])
        #expect(try problem(among, host) == (expected ? nil : .nameMismatch))
    }

    @Test("ignores the subject's common name", arguments: ["a.example.com", "192.0.2.1"])
    func commonName(name: String) throws {
        #expect(try problem(.init(commonName: name), name) == .noSubjectAltName)
        #expect(try problem(.init(commonName: name, names: []), name) == .noSubjectAltName)
        #expect(try problem(.init(commonName: name, names: [.email(name), .uri(name)]), name) == .noSubjectAltName)
        #expect(
            try problem(.init(commonName: name, names: [.dns("b.test"), .ip([1, 2, 3, 4])]), name) == .nameMismatch
        )
    }

    @Test("matches addresses with iPAddress entries only, and names with dNSName entries only")
    func addresses() throws {
        let v6 = [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
        #expect(try problem(.named(.ip([192, 0, 2, 1])), "192.0.2.1") == nil)
        #expect(try problem(.named(.ip(v6)), "2001:db8::1") == nil)
        #expect(try problem(.named(.ip([192, 0, 2, 1])), "::ffff:192.0.2.1") == nil)
        #expect(try problem(.named(.ip([192, 0, 2, 2])), "192.0.2.1") == .nameMismatch)
        #expect(try problem(.named(.dns("192.0.2.1")), "192.0.2.1") == .noSubjectAltName)
        #expect(try problem(.named(.dns("*.0.2.1")), "192.0.2.1") == .noSubjectAltName)
        #expect(try problem(.named(.dns("2001:db8::1")), "2001:db8::1") == .noSubjectAltName)
        #expect(try problem(.named(.ip([192, 0, 2, 1])), "a.example.com") == .noSubjectAltName)
    }

    @Test("checks the name of the leaf only, and every signature but the anchor's")
    func roles() throws {
        let sha1 = try contents(RSACertificates.sha1)
        let verifier = CertificateVerifier(name: "another.example.test")
        #expect(verifier.problem(in: sha1, isAnchor: true, isLeaf: false) == nil)
        #expect(verifier.problem(in: sha1, isAnchor: false, isLeaf: false) == .weakSignature("SHA-1"))
        #expect(verifier.problem(in: try contents(RSACertificates.good), isAnchor: false, isLeaf: false) == nil)
        #expect(verifier.problem(in: try contents(RSACertificates.good), isAnchor: true, isLeaf: true) == .nameMismatch)
        let short = try contents(RSACertificates.shortKey)
        #expect(verifier.problem(in: short, isAnchor: true, isLeaf: false) == .keyLength(bits: 1_024))
    }

    @Test("reads signature algorithms and key lengths of certificates made with OpenSSL")
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

@Suite("The certificate parser")
struct CertificateReaderTests {
    @Test("refuses a second subjectAltName, which is ambiguous")
    func twice() throws {
        var subject = TestIssuer.Subject.named(.dns("a.test"))
        subject.extensions = DER.subjectAlternativeName([.dns("b.test")])
        let certificate = try TestIssuer().issue(subject).certificate
        #expect(throws: DERReader.Malformed.self) { try CertificateContents(der: certificate) }
    }

    @Test("refuses addresses that are not 4 or 16 bytes long", arguments: [0, 3, 5, 8, 15, 17, 32])
    func addressLength(count: Int) throws {
        let certificate = try TestIssuer().issue(.named(.ip([UInt8](repeating: 1, count: count)))).certificate
        #expect(throws: DERReader.Malformed.self) { try CertificateContents(der: certificate) }
    }

    @Test("refuses every truncation, and trailing bytes")
    func truncation() throws {
        let certificate = try TestIssuer().issue(.named(.dns("a.test"), .ip([1, 2, 3, 4]))).certificate
        for count in 0..<certificate.count {
            #expect(throws: DERReader.Malformed.self) { try CertificateContents(der: Array(certificate.prefix(count))) }
        }
        #expect(throws: DERReader.Malformed.self) { try CertificateContents(der: certificate + [0]) }
        _ = try CertificateContents(der: certificate)
    }

    @Test("reads or refuses a certificate with one byte changed, and never crashes")
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
        "accepts lengths in their shortest form only",
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

    @Test("takes linear time, whatever the names in the certificate")
    func growth() throws {
        let verifier = CertificateVerifier(name: "peer.example.test")
        let issuer = try TestIssuer()
        let hard = Growth.units.flatMap { [$0, Growth.text($0, 30_000), "*.example." + $0] }
        for name in ["*.a", "", "*.example.tes", "*." + Growth.text("a.", 10_000)] + hard {
            let growth = try Growth { length in
                let names = [SubjectName](repeating: .dns(name), count: length / (name.utf8.count + 4))
                return try issuer.issue(.init(names: names)).certificate
            } _: { der in
                let contents = try CertificateContents(der: der)
                #expect(verifier.problem(in: contents, isAnchor: false, isLeaf: true) == .nameMismatch)
            }
            #expect(growth.isLinear, "\(name.prefix(20)): \(growth)")
        }
    }
}
