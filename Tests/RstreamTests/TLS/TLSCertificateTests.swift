// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOSSL
import RstreamTestSupport
import Testing

@testable import Rstream

/// Who is trusted, and who we are, whoever speaks TLS. The causes of refusals have tests of their own.
@Suite("TLS to an engine, and certificates,")
struct TLSCertificateTests {
    private static let all = TLSClient.Implementation.allCases

    private static func identity(_ kind: TestKey.Kind) throws -> (identity: TLSClient.Identity, certificate: [UInt8]) {
        let (certificate, key) = try TestIssuer(key: kind).issue(.init(commonName: "agent"), key: kind)
        let reader = ClientIdentity(.none)
        let pem = (certificate: Array(TestIssuer.pem(certificate).utf8), key: Array(key.pem.utf8))
        return (try reader.read(certificate: pem.certificate, key: pem.key), certificate)
    }

    @Test("refuses another name, another authority and an expired certificate", arguments: all)
    func refusals(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let other = try TLSPair(try fixture.client(implementation), try fixture.server(), to: "other.example.test")
        other.exchange()
        #expect(!other.client.isOpen)
        #expect(
            other.client.failures == [
                "the certificate is not valid for \"other.example.test\"; it is for peer.example.test, 192.0.2.1"
            ]
        )
        let client = try fixture.client(implementation, trusting: try TestIssuer("another issuer"))
        let stranger = try TLSPair(client, try fixture.server())
        stranger.exchange()
        #expect(!stranger.client.isOpen)
        #expect(stranger.client.failures.first?.hasPrefix("the certificate is not trusted") == true)
        var subject = TestIssuer.Subject.named(.dns(TLSFixture.name))
        subject.end = "20210101000000Z"
        let old = try TLSFixture(subject)
        let expired = try TLSPair(try old.client(implementation), try old.server())
        expired.exchange()
        #expect(!expired.client.isOpen)
        #expect(expired.client.failures == ["the certificate expired at 2021-01-01T00:00:00Z"])
        for pair in [other, stranger, expired] {
            #expect(!pair.channel.isActive)
            #expect(!pair.server.isOpen)
        }
    }

    @Test("trusts a leaf and an intermediate that are anchors, and a chain of three", arguments: all)
    func chains(implementation: TLSClient.Implementation) throws {
        let root = try TestIssuer("root")
        let middle = try root.authority("middle")
        let (leaf, key) = try middle.issue(.named(.dns(TLSFixture.name)), key: .p256)
        let served = try RawTLSServer.Context([leaf, middle.certificate], key: key.pem)
        for anchor in [root.certificate, middle.certificate, leaf] {
            let client = try TLSClient.makeContext(
                ["rstrm/1"],
                minimumVersion: .tlsv13,
                trust: .anchors(.none, own: [try NIOSSLCertificate(bytes: anchor, format: .der)]),
                implementation: implementation
            )
            let pair = try TLSPair(client, served)
            pair.exchange()
            #expect(pair.client.isOpen, "\(pair.client.events)")
        }
    }

    @Test("verifies nobody where everybody is trusted", arguments: all)
    func everybody(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let client = try TLSClient.makeContext(
            ["rstrm/1"],
            minimumVersion: .tlsv13,
            trust: .any,
            implementation: implementation
        )
        let pair = try TLSPair(client, try fixture.server(), to: "other.example.test", verification: .none)
        pair.exchange()
        #expect(pair.client.isOpen)
    }

    @Test("hands over the certificates that it only looks at, and fails", arguments: all)
    func inspection(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let seen = Observed<[[UInt8]]>([])
        let look: @Sendable ([NIOSSLCertificate]) -> Void = { chain in
            seen.change { $0 = chain.compactMap { try? $0.toDERBytes() } }
        }
        let pair = try TLSPair(
            try fixture.client(implementation),
            try fixture.server(),
            to: "other.example.test",
            verification: .inspection(look)
        )
        pair.exchange()
        #expect(seen.value == [fixture.certificate])
        #expect(!pair.client.isOpen)
        #expect(pair.client.failures == ["the certificate is not trusted"])
    }

    @Test("shows its certificate to who asks, with any common kind of key", arguments: all, TestKey.Kind.allCases)
    func identity(implementation: TLSClient.Implementation, kind: TestKey.Kind) throws {
        let fixture = try TLSFixture()
        let (identity, certificate) = try Self.identity(kind)
        let client = try fixture.client(implementation, identity: identity)
        let pair = try TLSPair(client, try fixture.server { $0.wantsCertificate = true })
        pair.exchange()
        #expect(pair.server.isOpen)
        #expect(pair.server.clientChain == [certificate])
        #expect(pair.client.failures.isEmpty)
        let unasked = try TLSPair(client, try fixture.server())
        unasked.exchange()
        #expect(unasked.server.isOpen)
        #expect(unasked.server.clientChain.isEmpty)
    }

    @Test("shows its certificate to nobody whom it does not trust", arguments: all)
    func secrecy(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let client = try fixture.client(implementation, identity: try Self.identity(.p256).identity)
        let pair = try TLSPair(client, try fixture.server { $0.wantsCertificate = true }, to: "other.example.test")
        pair.exchange()
        #expect(!pair.client.isOpen)
        #expect(pair.server.clientChain.isEmpty)
    }

    @Test("says that a certificate is required", arguments: all)
    func required(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let pair = try TLSPair(
            try fixture.client(implementation),
            try fixture.server { $0.wantsCertificate = true }
        )
        pair.exchange()
        #expect(!pair.server.isOpen)
        #expect(pair.client.failures == ["the engine requires a client certificate, and none was sent"])
        #expect(!pair.channel.isActive)
    }
}
