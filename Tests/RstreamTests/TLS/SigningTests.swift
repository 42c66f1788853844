// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if EngineTLS

import EngineTLS
import NIOCore
import NIOEmbedded
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

/// A signer that makes its signatures when the test says so.
///
/// Confined to the test's event loop.
private final class SlowSigner: TLSSigner, @unchecked Sendable {
    private let key: TestKey
    let algorithms: [UInt16]
    private(set) var requests: [(input: [UInt8], algorithm: UInt16, promise: EventLoopPromise<[UInt8]>)] = []

    init(_ key: TestKey) throws {
        self.key = key
        algorithms = [try #require(CertifiedKey(der: key.publicKey)).scheme]
    }

    func sign(_ input: [UInt8], algorithm: UInt16, on eventLoop: any EventLoop) -> EventLoopFuture<[UInt8]> {
        let promise = eventLoop.makePromise(of: [UInt8].self)
        requests.append((input, algorithm, promise))
        return promise.futureResult
    }

    /// Answers all requests.
    func answer(with result: ((TestKey, [UInt8]) throws -> [UInt8])? = nil) {
        for request in requests {
            do {
                request.promise.succeed(try result.map { try $0(key, request.input) } ?? key.sign(request.input))
            } catch {
                request.promise.fail(error)
            }
        }
        requests = []
    }
}

@Suite("A client certificate's key that is elsewhere")
struct SigningTests {
    private static func connect(
        _ kind: TestKey.Kind
    ) throws -> (pair: TLSPair, signer: SlowSigner, certificate: [UInt8]) {
        let fixture = try TLSFixture()
        let (certificate, key) = try TestIssuer(key: kind).issue(.init(commonName: "agent"), key: kind)
        let signer = try SlowSigner(key)
        var settings = TLSContext.Settings(
            signatureAlgorithms: TLSClient.signatureAlgorithms.map(\.rawValue),
            groups: TLSClient.groups.map(\.rawValue),
            anchors: [TLSAnchors(der: [fixture.issuer.certificate])],
            now: { TokenExpiry.now }
        )
        settings.applicationProtocols = ["rstrm/1"]
        settings.identity = ([certificate], .elsewhere(signer))
        let handler = try EngineTLSHandler(
            try TLSContext(settings),
            sentName: TLSFixture.name,
            verification: .judge(
                HandshakeVerification(CertificateVerifier(name: TLSFixture.name), now: TokenExpiry.now)
            )
        )
        return (try TLSPair(handler, try fixture.server { $0.wantsCertificate = true }), signer, certificate)
    }

    @Test("signs once, and the handshake waits for it", arguments: TestKey.Kind.allCases)
    func signs(kind: TestKey.Kind) throws {
        let (pair, signer, certificate) = try Self.connect(kind)
        pair.exchange()
        #expect(!pair.client.isOpen)
        #expect(signer.requests.map(\.algorithm) == signer.algorithms)
        pair.write("hello")
        signer.answer()
        pair.exchange()
        #expect(pair.client.isOpen && pair.server.isOpen, "\(pair.client.events)")
        #expect(pair.server.clientChain == [certificate])
        #expect(signer.requests.isEmpty)
    }

    @Test("ends the handshake with its own error when it does not sign")
    func fails() throws {
        let (pair, signer, _) = try Self.connect(.p256)
        pair.exchange()
        let key = try HardwareKey(uri: "handle:0x81000001")
        signer.answer { _, _ in throw HardwareKeyError.timeout.error(of: key, for: "") }
        pair.exchange()
        #expect(!pair.client.isOpen && !pair.server.isOpen)
        #expect(!pair.channel.isActive)
        #expect(pair.client.events.contains { $0.hasPrefix("failed: ") })
    }

    @Test("cannot make a connection with a signature that is wrong, or too long")
    func wrong() throws {
        for isTooLong in [false, true] {
            let (pair, signer, _) = try Self.connect(.ed25519)
            pair.exchange()
            signer.answer { key, input in
                var signature = try key.sign(input)
                signature[0] ^= 1
                return signature + [UInt8](repeating: 0, count: isTooLong ? 1 << 16 : 0)
            }
            pair.exchange()
            #expect(!pair.server.isOpen)
            #expect(!pair.channel.isActive)
        }
    }

    @Test("may sign too late: the connection is gone, and nothing happens")
    func late() throws {
        let (pair, signer, _) = try Self.connect(.p256)
        pair.exchange()
        pair.network.cutOff()
        pair.exchange()
        let events = pair.client.events
        signer.answer()
        pair.exchange()
        #expect(pair.client.events == events)
        #expect(!pair.client.isOpen)
    }

    @Test("is not asked by a server that wants no certificate")
    func unasked() throws {
        let fixture = try TLSFixture()
        let (certificate, key) = try TestIssuer().issue(.init(commonName: "agent"), key: .p256)
        let signer = try SlowSigner(key)
        var settings = TLSContext.Settings(
            signatureAlgorithms: TLSClient.signatureAlgorithms.map(\.rawValue),
            groups: TLSClient.groups.map(\.rawValue),
            anchors: [TLSAnchors(der: [fixture.issuer.certificate])],
            now: { TokenExpiry.now }
        )
        settings.identity = ([certificate], .elsewhere(signer))
        let judge = HandshakeVerification(CertificateVerifier(name: TLSFixture.name), now: TokenExpiry.now)
        let handler = try EngineTLSHandler(
            try TLSContext(settings),
            sentName: TLSFixture.name,
            verification: .judge(judge)
        )
        let pair = try TLSPair(handler, try fixture.server { $0.agreesOnProtocol = false })
        pair.exchange()
        #expect(pair.server.isOpen)
        #expect(signer.requests.isEmpty)
    }
}

#endif
