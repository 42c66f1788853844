// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOSSL
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The reason why a certificate is refused", .serialized, .timeLimit(.hang))
struct CertificateCauseTests {
    private static let user = TLSUser.engine
    private static let leaf = TestIssuer.Subject.named(.dns("peer.example.test"))

    /// The client's error for a chain, the leaf first, with `trusted` in the `caFile`; and whether the client accepted
    /// it.
    private static func words(
        _ chain: [[UInt8]],
        _ key: NIOSSLPrivateKey,
        trusting trusted: String,
        _ folder: TemporaryFolder
    ) async throws -> (words: String, isTrusted: Bool) {
        let caFile = try folder.write(trusted, to: "ca.pem")
        let certificates = try chain.map { try NIOSSLCertificate(bytes: $0, format: .der) }
        return try await TLSPeer.with(certificates, key) { peer, port in
            let words = try await user.talk(to: port, caFile: caFile)
            return (words, peer.trusted.value > 0)
        }
    }

    @Test("names the problem: validity, issuer, CA flag, extendedKeyUsage, name, signature")
    func causes() async throws {
        try await TemporaryFolder.with { folder in
            let root = try TestIssuer("root")
            let middle = try root.authority("middle")
            let other = try TestIssuer("other root")
            let unable = try root.authority("no authority", mayNotSign: true)
            let old = try root.authority("old middle", end: "20210101000000Z")
            var (expired, early, client) = (Self.leaf, Self.leaf, Self.leaf)
            expired.end = "20230405060708Z"
            early.begin = "21000102030405Z"
            // extendedKeyUsage: clientAuth.
            let usage = DER.sequence(DER.identifier(0x2B, 6, 1, 5, 5, 7, 3, 2))
            client.extensions = DER.sequence(DER.identifier(0x55, 0x1D, 0x25), DER.octets(usage))
            var cases: [([[UInt8]], NIOSSLPrivateKey, String)] = []
            func add(
                _ subject: TestIssuer.Subject,
                by issuer: TestIssuer,
                with rest: [[UInt8]] = [],
                _ text: String
            ) throws {
                let (certificate, key) = try issuer.issue(subject)
                cases.append(([certificate] + rest, key, text))
            }
            try add(expired, by: root, "the certificate expired at 2023-04-05T06:07:08Z")
            try add(early, by: root, "the certificate is not valid before 2100-01-02T03:04:05Z")
            try add(
                Self.leaf,
                by: middle,
                "its issuer \"middle\" is an unknown authority, and the engine sends no inter"
            )
            try add(
                Self.leaf,
                by: other,
                with: [other.certificate],
                "its chain ends at the unknown authority \"other root\""
            )
            let foreign = try other.authority("foreign middle")
            try add(Self.leaf, by: foreign, with: [foreign.certificate], "ends at the unknown authority \"other root\"")
            try add(
                Self.leaf,
                by: unable,
                with: [unable.certificate],
                "is signed by \"no authority\", which is not a certificate authority"
            )
            try add(
                Self.leaf,
                by: old,
                with: [old.certificate],
                "of the authority \"old middle\" expired at 2021-01-01"
            )
            try add(client, by: root, "the certificate is not for servers")
            try add(
                .named(.dns("a.test"), .dns("b.test")),
                by: root,
                "for \"peer.example.test\"; it is for a.test, b.test"
            )
            let own = try TestIssuer.selfSigned(.init(commonName: "me", names: [.dns("peer.example.test")]))
            cases.append(([own.certificate], try own.key.forTLS(), "it is self-signed"))
            // Signed by another key whose issuer name is the root's.
            try add(Self.leaf, by: TestIssuer("root"), "a signature in the certificate's chain is invalid")
            for (chain, key, expected) in cases {
                let (words, isTrusted) = try await Self.words(chain, key, trusting: root.pem, folder)
                #expect(words.contains(expected), "\(expected): \(words)")
                #expect(!isTrusted, "\(expected)")
            }
            let (certificate, key) = try middle.issue(Self.leaf)
            let whole = try await Self.words([certificate, middle.certificate], key, trusting: root.pem, folder)
            #expect(whole.isTrusted, "\(whole.words)")
        }
    }

    @Test("does not exist if a caFile holds an intermediate or the leaf itself, as in Go")
    func anchors() async throws {
        try await TemporaryFolder.with { folder in
            let root = try TestIssuer("root")
            for kind in TestKey.Kind.allCases {
                let middle = try root.authority("middle", key: kind)
                let (certificate, key) = try middle.issue(Self.leaf)
                for chain in [
                    [certificate], [certificate, middle.certificate],
                    [certificate, middle.certificate, root.certificate],
                ] {
                    let found = try await Self.words(chain, key, trusting: middle.pem, folder)
                    #expect(found.isTrusted, "\(kind), \(chain.count): \(found.words)")
                    let leaf = try await Self.words(chain, key, trusting: TestIssuer.pem(certificate), folder)
                    #expect(leaf.isTrusted, "the leaf, \(chain.count): \(leaf.words)")
                }
            }
            let own = try TestIssuer.selfSigned(.init(commonName: "me", names: [.dns("peer.example.test")]))
            let text = TestIssuer.pem(own.certificate)
            let found = try await Self.words([own.certificate], try own.key.forTLS(), trusting: text, folder)
            #expect(found.isTrusted, "\(found.words)")
        }
    }

    @Test("is found with such an anchor too: name, validity, and an impostor with the anchor's name")
    func anchorsAreVerified() async throws {
        try await TemporaryFolder.with { folder in
            let root = try TestIssuer("root")
            let (middle, impostor) = (try root.authority("middle"), try root.authority("middle"))
            let old = try root.authority("old", end: "20210101000000Z")
            var expired = Self.leaf
            expired.end = "20230405060708Z"
            let late = try root.issue(expired)
            let misnamed = try middle.issue(.named(.dns("a.test")))
            let forged = try impostor.issue(Self.leaf)
            let below = try old.issue(Self.leaf)
            // A leaf in a caFile is trusted itself, and signs no other certificate.
            let server = try middle.issue(Self.leaf, key: .p256)
            let claimed = try root.authority("peer", mayNotSign: true)
            let signedByLeaf = try claimed.issue(Self.leaf)
            let cases: [([[UInt8]], NIOSSLPrivateKey, String, String)] = [
                ([late.certificate], late.key, TestIssuer.pem(late.certificate), "expired at 2023"),
                ([misnamed.certificate], misnamed.key, middle.pem, "is not valid for"),
                ([misnamed.certificate], misnamed.key, TestIssuer.pem(misnamed.certificate), "is not valid for"),
                ([forged.certificate], forged.key, middle.pem, "is invalid"),
                ([below.certificate], below.key, old.pem, "\"old\" expired at 2021"),
                ([signedByLeaf.certificate], signedByLeaf.key, claimed.pem, "is not a certificate authority"),
                ([forged.certificate], forged.key, TestIssuer.pem(server.certificate), "an unknown authority"),
            ]
            for (chain, key, trusted, expected) in cases {
                let (words, isTrusted) = try await Self.words(chain, key, trusting: trusted, folder)
                #expect(words.contains(expected), "\(expected): \(words)")
                #expect(!isTrusted, "\(expected)")
            }
        }
    }
}

@Suite("The verification of a chain")
struct ChainVerificationTests {
    private static let now: Int64 = 1_700_000_000

    private func step(_ preverified: Bool, leaf: Bool = false, trusted: Bool = false) -> VerificationStep {
        VerificationStep(isPreverified: preverified, isLeaf: leaf, isTrusted: trusted, now: Self.now)
    }

    @Test("accepts an anchor without its issuer only once: a certificate with an unreadable key is refused")
    func once() throws {
        let middle = try CertificateContents(der: try TestIssuer("root").authority("middle").certificate)
        var chain = ChainVerification(CertificateVerifier(name: "a.test"))
        let accepted1 = chain.verify(middle, step(false, trusted: true), isLeafTrusted: false)
        #expect(accepted1)
        let accepted2 = chain.verify(middle, step(false, trusted: true), isLeafTrusted: false)
        #expect(!accepted2)
        #expect(!chain.isGood)
    }

    @Test("refuses every certificate that BoringSSL rejects and that is not an anchor")
    func untrusted() throws {
        let root = try TestIssuer("root")
        let middle = try CertificateContents(der: try root.authority("middle").certificate)
        let leaf = try CertificateContents(der: try root.issue(.named(.dns("a.test"))).certificate)
        for (certificate, isLeaf) in [(middle, false), (leaf, true)] {
            var first = ChainVerification(CertificateVerifier(name: "a.test"))
            let accepted3 = first.verify(certificate, step(false, leaf: isLeaf), isLeafTrusted: false)
            #expect(!accepted3)
            var second = ChainVerification(CertificateVerifier(name: "a.test"))
            let accepted4 = second.verify(middle, step(true), isLeafTrusted: false)
            #expect(accepted4)
            let accepted5 = second.verify(certificate, step(false, leaf: isLeaf, trusted: true), isLeafTrusted: false)
            #expect(!accepted5)
            #expect(!first.isGood && !second.isGood)
        }
        var whole = ChainVerification(CertificateVerifier(name: "a.test"))
        let accepted6 = whole.verify(middle, step(true), isLeafTrusted: false)
        #expect(accepted6)
        #expect(!whole.isGood, "the leaf was not verified")
        let accepted7 = whole.verify(leaf, step(true, leaf: true), isLeafTrusted: false)
        #expect(accepted7)
        #expect(whole.isGood)
    }
}
