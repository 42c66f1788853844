// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOSSL
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Certificate files")
struct CertificateFilesTests {
    private static func pem(_ body: String) -> String {
        "-----BEGIN CERTIFICATE-----\n\(body)\n-----END CERTIFICATE-----\n"
    }

    @Test("lose damaged PEM blocks only")
    func damage() throws {
        let (first, second) = (try TestIssuer("first").pem, try TestIssuer("second").pem)
        // Each PEM block has three lines, a damaged one too.
        let cases: [(String, Int, [Int])] = [
            (first + second, 2, []),
            (first + Self.pem("AAAA") + second, 2, [4]),
            (Self.pem("no base64!") + first, 1, [1]),
            ("# a comment\n" + first + "text\n" + second, 2, []),
            (String(first.dropLast(27)) + "\n" + second, 1, [1]),
            (first + "-----BEGIN CERTIFICATE-----\nAAAA", 1, [4]),
            (first.replacing("\n", with: "\r\n") + second, 2, []),
            ("-----BEGIN \("PRIVATE KEY")-----\nAAAA\n-----END \("PRIVATE KEY")-----\n" + first, 1, []),
            ("", 0, []), ("no certificate", 0, []),
        ]
        for (text, count, lines) in cases {
            let bundle = CertificateBundle(pem: Array(text.utf8))
            #expect(bundle.certificates.count == count, "\(text)")
            #expect(bundle.damagedLines == lines, "\(text)")
        }
    }

    @Test(
        "of the trust store are the first readable file and all files in the folders"
    )
    func system() async throws {
        try await TemporaryFolder.with { folder in
            try folder.makeFolder("one")
            try folder.makeFolder("two")
            let (a, b, c) = (try TestIssuer("a"), try TestIssuer("b"), try TestIssuer("c"))
            let file = try folder.write(a.pem + b.pem, to: "bundle.pem")
            try folder.write(b.pem, to: "one/b.pem")
            try folder.write("no certificate", to: "one/README")
            try folder.write(c.pem, to: "two/c.crt")
            let (one, two) = (folder.path(of: "one"), folder.path(of: "two"))
            func found(_ file: String, _ folders: String) -> Int {
                SystemTrust.read(file: file, folders: folders).certificates.count
            }
            #expect(found(file, "\(one):\(two)") == 3)
            #expect(found(file, one) == 2)
            #expect(found(folder.path(of: "missing"), "\(one):\(two)") == 2)
            #expect(found(folder.path(of: "missing"), folder.path(of: "none")) == 0)
        }
    }

    private static let nowhere = SystemTrust.read(file: "/nonexistent/a", folders: "/nonexistent/b")

    @Test("of an empty trust store are an error only without a caFile")
    func slim() async throws {
        try await TemporaryFolder.with { folder in
            let caFile = try folder.write(try TestIssuer().pem, to: "ca.pem")
            func context(_ tls: TransportOptions.TLS) throws -> TLSClientContext {
                try TLSContextCache(.engine(tls), systemTrust: { Self.nowhere }).context()
            }
            _ = try context(.init(caFile: caFile))
            _ = try context(.init(insecureSkipVerify: true))
            let error = try #require(throws: RstreamError.self) { try context(.init()) }
            #expect(
                error.what.contains(
                    "this host has no trusted certificate authorities: none found in /nonexistent/a, /nonexistent/b"
                )
            )
            #expect(error.fix == "install ca-certificates, or name the engine's CA in transport.tls.caFile")
            #expect(error.retry == .afterBackoff)
        }
    }

    @Test("of a client that cannot be used are named in an error that says why")
    func identity() async throws {
        try await TemporaryFolder.with { folder in
            let issuer = try TestIssuer()
            let middle = try issuer.authority("middle")
            let (own, key) = try middle.issue(.init(commonName: "agent"), key: .p521)
            let (_, otherKey) = try issuer.issue(.init(commonName: "other"), key: .p256)
            var ended = TestIssuer.Subject(commonName: "agent")
            ended.end = "20230405060708Z"
            let (old, oldKey) = try issuer.issue(ended, key: .ed25519)
            let encrypted =
                "-----BEGIN \("ENCRYPTED PRIVATE KEY")-----\nAAAA\n-----END \("ENCRYPTED PRIVATE KEY")-----\n"
            let older =
                "-----BEGIN \("EC PRIVATE KEY")-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END \("EC PRIVATE KEY")-----\n"
            let chain = TestIssuer.pem(own) + middle.pem
            let cases: [(String, String, String?)] = [
                (chain, key.pem, nil),
                (TestIssuer.pem(own), encrypted, "k.pem\" is encrypted"),
                (TestIssuer.pem(own), older, "k.pem\" is encrypted"),
                (TestIssuer.pem(own), "AAAA", "k.pem\" does not contain a valid PEM private key"),
                (TestIssuer.pem(own), otherKey.pem, "k.pem\" does not belong to certificate file"),
                (
                    middle.pem + TestIssuer.pem(own), key.pem,
                    "c.pem\" has its chain in the wrong order: the certificate of the key is number 2"
                ),
                (chain + Self.pem("AAAA"), key.pem, "c.pem\" has a block at line 7 that is not a certificate"),
                ("", key.pem, "c.pem\" does not contain a valid PEM certificate"),
                (
                    TestIssuer.pem(old), oldKey.pem,
                    "c.pem\" expired at 2023-04-05T06:07:08Z: it is this client's own certificate"
                ),
            ]
            for (certificate, key, expected) in cases {
                let credential = RstreamClientOptions.Credential.clientCertificate(
                    certificateFile: try folder.write(certificate, to: "c.pem"),
                    keyFile: try folder.write(key, to: "k.pem")
                )
                let cache = TLSContextCache(.engine(.init(insecureSkipVerify: true)), credential: credential)
                guard let expected else {
                    _ = try cache.context()
                    continue
                }
                let error = try #require(throws: RstreamError.self, "\(expected)") { try cache.context() }
                #expect(error.what.contains(expected), "\(error)")
                #expect(error.fix != nil, "\(error)")
                // fileProblems() finds the same errors, except expiry, which it does not check.
                let options = RstreamClientOptions(engine: .literal("192.0.2.1:443"), credential: credential)
                let problems = options.fileProblems().map(\.error)
                #expect(problems == (error.code == .certificateExpired ? [] : [error]))
            }
        }
    }

    @Test("of a client have an expiry, as a token does")
    func expiry() async throws {
        try await TemporaryFolder.with { folder in
            var subject = TestIssuer.Subject(commonName: "agent")
            subject.end = "20230405060708Z"
            let (certificate, key) = try TestIssuer().issue(subject, key: .p384)
            let client = RstreamClient(
                RstreamClientOptions(
                    engine: .literal("192.0.2.1:443"),
                    credential: .clientCertificate(
                        certificateFile: try folder.write(TestIssuer.pem(certificate), to: "c.pem"),
                        keyFile: try folder.write(key.pem, to: "k.pem")
                    )
                )
            )
            #expect(await client.tokenExpiry() == .expired(at: 1_680_674_828))
            let error = try await failure { _ = try await client.connect() }
            #expect(error.code == .certificateExpired)
            #expect(error.origin == .configuration)
        }
    }
}
