// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import NIOSSL
import RstreamCore
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

@testable import Rstream

/// The parts of the library that start TLS, and so have to verify certificates.
enum TLSUser: String, Sendable, CaseIterable {
    case engine
    case redirect
    case proxy
    case nameServer
    case controlPlane

    /// The name that the peer's certificate must have.
    var host: String { self == .controlPlane ? "localhost" : "peer.example.test" }

    private static let loop = MultiThreadedEventLoopGroup.singleton.any()

    /// Connects to `port`, with `caFile` as the only authority, and returns the error with which it always ends.
    func talk(to port: Int, caFile: String, credential: RstreamClientOptions.Credential = .none) async throws -> String
    {
        let peer = EngineAddress.literal("\(host):\(port)")
        let trust = TransportOptions.TLS(caFile: caFile)
        func client(_ engine: EngineAddress, _ transport: TransportOptions) -> RstreamClient {
            RstreamClient(
                RstreamClientOptions(engine: engine, credential: credential, transport: transport, timeouts: .patient),
                addresses: TestResolver([host: ["127.0.0.1"]])
            )
        }
        switch self {
        case .engine:
            let client = client(peer, TransportOptions(tls: trust))
            return try await failure { _ = try await client.connect() }.what
        case .redirect:
            let engine = EngineAddress.literal("engine.example.test:443")
            return try await Self.redirect(client(engine, TransportOptions(tls: trust)), engine, to: peer)
        case .proxy:
            let proxy = Proxy(route: .https(peer), tls: trust)
            let client = client(.literal("192.0.2.1:443"), TransportOptions(proxy: proxy))
            return try await failure { _ = try await client.connect() }.what
        case .nameServer:
            let server = EngineAddress.literal("127.0.0.1:\(port)")
            let resolver = DNSResolver(
                TransportOptions.DNS(server: server, tlsServerName: host),
                trust: trust,
                timeouts: .long
            )
            do {
                _ = try await resolver.lookUp(NameQuestion(name: "a.test", family: .ipv4), on: Self.loop).get()
            } catch let error as NameFailure {
                return error.reason
            }
            return ""
        case .controlPlane:
            var plane = ControlPlane(agent: .library, group: MultiThreadedEventLoopGroup.singleton)
            plane.additionalTrust = try NIOSSLCertificate.fromPEMFile(caFile)
            let project = ManagedProject(apiURL: "https://\(peer)", endpoint: "1a2b")
            return try await failure { _ = try await plane.engine(of: project, token: Secret("t")) }.what
        }
    }

    private static func redirect(
        _ client: RstreamClient,
        _ engine: EngineAddress,
        to peer: EngineAddress
    ) async throws
        -> String
    {
        let connector = try client.makeConnector(to: engine)
        let rule = RedirectRule(.public, engine: engine, connectedTo: .v4(0x7F00_0001))
        let request = ProxyRequest(details: client.options.details, streamID: "s", zeroRTT: false)
        let handshake = try await loop.submit {
            NIOLoopBound(
                StreamHandshake(
                    StreamHandshakeStateMachine.Plan(request: .proxyRequest(request), attempts: 1),
                    connector: connector,
                    address: peer,
                    rule: rule,
                    on: loop,
                    timeouts: .each(dial: testTimeout, answer: testTimeout)
                ),
                eventLoop: loop
            )
        }.get()
        return try await failure {
            _ = try await loop.flatSubmit { handshake.value.start().map { _ in } }.get()
        }.what
    }
}

@Suite("Every user of TLS verifies certificates alike", .serialized, .timeLimit(.hang))
struct CertificateUsersTests {
    private static let nameMismatch = "the certificate is not valid for \""
    private static let noSubjectAltName =
        "the certificate has no subjectAltName of the right kind for this name, and its subject does not count"
    private static let sha1 = "a certificate in the chain is signed with SHA-1, which is not trusted"
    private static let md5 = "a certificate in the chain is signed with MD5, which is not trusted"
    private static let short = "an RSA key in the certificate's chain has 1024 bits; 2048 to 8192 are accepted"

    /// Subjects of certificates for a host, with the expected error; nil if the certificate is accepted.
    private static func subjects(_ host: String) -> [(TestIssuer.Subject, String?)] {
        let (first, parent) = (host.prefix { $0 != "." }, host.drop { $0 != "." })
        let isLabel = parent.isEmpty
        return [
            (.named(.dns(host)), nil),
            (.init(commonName: "x", names: [.dns("x.test"), .dns(host.uppercased())]), nil),
            (.named(.dns("*\(parent)")), isLabel ? nameMismatch : nil),
            (.init(commonName: host), noSubjectAltName),
            (.init(commonName: host, names: [.dns("x.test")]), nameMismatch),
            (.init(commonName: host, names: [.email(host), .uri("https://\(host)/")]), noSubjectAltName),
            (.named(.dns("\(first.prefix(1))*\(parent)")), nameMismatch),
            (.named(.dns("*\(first.suffix(1))\(parent)")), nameMismatch),
            (.named(.dns("*.\(host)")), nameMismatch),
            (.named(.dns("*")), nameMismatch),
            (.named(.dns("*.*\(parent)")), nameMismatch),
            (.named(.dns("\(host)\0.x.test")), nameMismatch),
            (.named(.ip([127, 0, 0, 1])), noSubjectAltName),
            (.named(.dns("127.0.0.1")), nameMismatch),
        ]
    }

    @Test("by their names", arguments: TLSUser.allCases)
    func names(user: TLSUser) async throws {
        try await TemporaryFolder.with { folder in
            let issuer = try TestIssuer()
            let caFile = try folder.write(issuer.pem, to: "ca.pem")
            for (subject, expected) in Self.subjects(user.host) {
                let (certificate, key) = try issuer.issue(subject)
                let chain = [try NIOSSLCertificate(bytes: certificate, format: .der)]
                try await TLSPeer.with(chain, key) { peer, port in
                    let words = try await user.talk(to: port, caFile: caFile)
                    try await Self.check(words, expected, peer, "\(user): \(subject)")
                }
            }
        }
    }

    /// Chains, the leaf first, with the leaf's key, the anchor and the expected error.
    private static let chains: [([String], key: String, anchor: String, String?)] = [
        ([RSACertificates.good], RSACertificates.key, RSACertificates.anchor, nil),
        ([RSACertificates.pss], RSACertificates.key, RSACertificates.anchor, nil),
        ([RSACertificates.long], RSACertificates.longKey, RSACertificates.longAnchor, nil),
        ([RSACertificates.sha1], RSACertificates.key, RSACertificates.anchor, sha1),
        ([RSACertificates.md5], RSACertificates.key, RSACertificates.anchor, md5),
        ([RSACertificates.shortKey], RSACertificates.shortKeysKey, RSACertificates.anchor, short),
        (
            [RSACertificates.belowSHA1Issuer, RSACertificates.sha1Issuer], RSACertificates.key, RSACertificates.anchor,
            sha1
        ),
        (
            [RSACertificates.belowShortIssuer, RSACertificates.shortIssuer], RSACertificates.key,
            RSACertificates.anchor, short
        ),
        ([RSACertificates.belowShortAnchor], RSACertificates.key, RSACertificates.shortAnchor, short),
    ]

    @Test("by the strength of their signatures and keys", arguments: TLSUser.allCases)
    func strength(user: TLSUser) async throws {
        try await TemporaryFolder.with { folder in
            for (place, (texts, key, anchor, expected)) in Self.chains.enumerated() {
                let caFile = try folder.write(anchor + "\n", to: "ca\(place).pem")
                let chain = try texts.flatMap { try NIOSSLCertificate.fromPEMBytes(Array($0.utf8)) }
                let key = try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
                try await TLSPeer.with(chain, key) { peer, port in
                    let words = try await user.talk(to: port, caFile: caFile)
                    try await Self.check(words, expected, peer, "\(user): chain \(place)")
                }
            }
        }
    }

    /// Checks that a peer was accepted, or refused with the expected error.
    private static func check(_ words: String, _ expected: String?, _ peer: TLSPeer, _ what: String) async throws {
        guard let expected else {
            try await peer.trusted.wait(for: "\(what) to be accepted, which failed: \(words)") { $0 > 0 }
            return
        }
        #expect(words.contains(expected), "\(what): \(words)")
        #expect(peer.trusted.value == 0, "\(what)")
    }

    @Test("by their signatures, with every common kind of key", arguments: TLSUser.allCases)
    func keys(user: TLSUser) async throws {
        try await TemporaryFolder.with { folder in
            for kind in TestKey.Kind.allCases {
                let issuer = try TestIssuer(key: kind)
                let caFile = try folder.write(issuer.pem, to: "\(kind).pem")
                let (certificate, key) = try issuer.issue(.named(.dns(user.host)), key: kind)
                let chain = [try NIOSSLCertificate(bytes: certificate, format: .der)]
                try await TLSPeer.with(chain, try key.forTLS()) { peer, port in
                    let words = try await user.talk(to: port, caFile: caFile)
                    try await Self.check(words, nil, peer, "\(user): \(kind)")
                }
                // Peers other than engines may speak TLS 1.2, where the key's curve must also be an enabled group.
                guard user != .engine, user != .redirect else { continue }
                try await TLSPeer.with(chain, try key.forTLS(), settings: { $0.maximumTLSVersion = .tlsv12 }) {
                    peer,
                    port in
                    let words = try await user.talk(to: port, caFile: caFile)
                    try await Self.check(words, nil, peer, "\(user): \(kind) in TLS 1.2")
                }
            }
        }
    }

    @Test("and shows the client certificate only to a verified peer", arguments: [TLSUser.engine, .redirect])
    func clientCertificate(user: TLSUser) async throws {
        try await TemporaryFolder.with { folder in
            let issuer = try TestIssuer()
            let caFile = try folder.write(issuer.pem, to: "ca.pem")
            let files = try ClientCertificate(in: folder)
            let credential = RstreamClientOptions.Credential.clientCertificate(
                certificateFile: files.certificateFile,
                keyFile: files.keyFile
            )
            for name in [user.host, "x.test"] {
                let (certificate, key) = try issuer.issue(.named(.dns(name)))
                let chain = [try NIOSSLCertificate(bytes: certificate, format: .der)]
                try await TLSPeer.with(chain, key, asksForCertificate: true) { peer, port in
                    let words = try await user.talk(to: port, caFile: caFile, credential: credential)
                    if name == user.host {
                        try await peer.shown.wait(for: "the client's certificate: \(words)") { $0 == 1 }
                    } else {
                        #expect(words.contains(Self.nameMismatch))
                        #expect(peer.shown.value == 0)
                    }
                }
            }
        }
    }
}
