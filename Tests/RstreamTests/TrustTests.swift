// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import NIOSSL
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Trust between client and engine", .serialized, .timeLimit(.hang))
struct TrustTests {
    @Test("a certificate of an unknown authority is not trusted, and the error names the setting")
    func untrusted() async throws {
        try await TestEngine.with { engine in
            let client = engine.client { $0.transport.tls.caFile = nil }
            let error = try await failure { _ = try await client.connect() }
            #expect(error.code == .engineUnreachable)
            #expect(error.what.contains("the certificate is not trusted"))
            #expect(error.fix?.contains("transport.tls.caFile") == true)
            #expect(try await failure { _ = try await client.dial("x") } == error)
        }
    }

    @Test("a certificate for another name is not trusted unless that name is configured")
    func serverName() async throws {
        try await TestEngine.with(.with { $0.host = "engine.test" }) { engine in
            let wrong = engine.client { $0.transport.tls.serverName = "another.test" }
            let error = try await failure { _ = try await wrong.connect() }
            #expect(error.what.contains("the certificate is not valid for \"another.test\"; it is for engine.test"))
            #expect(error.fix?.contains("serverName") == true)
            // The certificate also holds the address that is dialed, which must not be enough.
            #expect(try await failure { _ = try await wrong.dial("x") } == error)
            let careless = engine.client {
                $0.transport.tls.serverName = "another.test"
                $0.transport.tls.insecureSkipVerify = true
            }
            await (try careless.connect()).close()
            let right = engine.client { $0.transport.tls.serverName = "engine.test" }
            await (try right.connect()).close()
        }
    }

    @Test("an engine at an IP address is verified by that address")
    func address() async throws {
        try await TestEngine.with { engine in
            #expect(engine.address.isIPLiteral)
            await (try engine.client().connect()).close()
        }
    }

    @Test("insecureSkipVerify trusts any certificate")
    func insecure() async throws {
        try await TestEngine.with { engine in
            let client = engine.client { $0.transport.tls = TransportOptions.TLS(insecureSkipVerify: true) }
            await (try client.connect()).close()
        }
    }

    @Test("a CA file that is missing or no certificate is reported before dialing")
    func badFile() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                let missing = engine.client { $0.transport.tls.caFile = folder.path(of: "missing.pem") }
                let first = try await failure { _ = try await missing.connect() }
                #expect(first.code == .invalidConfig)
                #expect(first.retry == .afterBackoff)
                #expect(first.what.contains("missing.pem\" cannot be read: there is no such file"))
                let path = try folder.write("no certificate", to: "text.pem")
                let text = engine.client { $0.transport.tls.caFile = path }
                let second = try await failure { _ = try await text.connect() }
                #expect(second.code == .invalidConfig)
                #expect(second.retry == .afterReload)
                #expect(second.what.contains("text.pem"))
                #expect(try await engine.engine.statistics().connections == 0)
            }
        }
    }

    @Test("a CA file that is no file or too long is reported before dialing")
    func oddFile() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                let directory = engine.client { $0.transport.tls.caFile = folder.path }
                let first = try await failure { _ = try await directory.connect() }
                #expect(first.retry == .afterBackoff)
                #expect(first.what.contains("\(folder.path)\" cannot be read: it is not a regular file"))
                let path = try folder.write(String(repeating: "x", count: (1 << 20) + 1), to: "long.pem")
                let long = engine.client { $0.transport.tls.caFile = path }
                let second = try await failure { _ = try await long.connect() }
                #expect(second.retry == .afterReload)
                #expect(second.what.contains("long.pem\" is larger than 1048576 bytes"))
                #expect(try await engine.engine.statistics().connections == 0)
            }
        }
    }

    @Test("a registered client certificate stands for the token, on streams too")
    func clientCertificate() async throws {
        try await TemporaryFolder.with { folder in
            let files = try ClientCertificate(in: folder)
            try await TestEngine.with(.with { $0.registeredCertificates = [files.certificateFile] }) { engine in
                let client = engine.client {
                    $0.credential = .clientCertificate(certificateFile: files.certificateFile, keyFile: files.keyFile)
                }
                let control = try await client.connect()
                let tunnel = try await control.createTunnel(unpublished())
                let dialed = try await client.dial("private", zeroRTT: false).take()
                let accepted = try await tunnel.next().take(echo: true)
                try await dialed.send("hello")
                #expect(try await dialed.receive(asLongAs: "hello") == "hello")
                let messages = try await engine.engine.statistics().messages
                #expect(messages.first { $0.kind == "OpenControlChannelReq" }?.hasToken == false)
                #expect(messages.first { $0.kind == "StreamReq" }?.hasToken == false)
                // The one-time secret is shown beside the certificate.
                #expect(messages.first { $0.kind == "ProxyReq" }?.hasToken == true)
                await dialed.close()
                await accepted.close()
                await control.close()
                try await engine.waitUntilDeserted()
            }
        }
    }

    /// A certificate and its key, in PEM.
    struct Pair: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let certificate: String
        let key: String

        /// Of every common kind.
        static func all() throws -> [Pair] {
            let pairs = try TestKey.Kind.allCases.map { kind in
                let (certificate, key) = try TestIssuer(key: kind).issue(.init(commonName: "agent"), key: kind)
                return Pair(testDescription: "\(kind)", certificate: TestIssuer.pem(certificate), key: key.pem)
            }
            let long = (RSACertificates.long + "\n", RSACertificates.longKey)
            return pairs + [Pair(testDescription: "RSA, 4,096 bits", certificate: long.0, key: long.1)]
        }
    }

    @Test("a registered client certificate may have any common kind of key", arguments: try Pair.all())
    func clientKeys(pair: Pair) async throws {
        try await TemporaryFolder.with { folder in
            let certificateFile = try folder.write(pair.certificate, to: "c.pem")
            let keyFile = try folder.write(pair.key, to: "k.pem")
            try await TestEngine.with(.with { $0.registeredCertificates = [certificateFile] }) { engine in
                let client = engine.client {
                    $0.credential = .clientCertificate(certificateFile: certificateFile, keyFile: keyFile)
                }
                await (try client.connect()).close()
            }
        }
    }

    @Test(
        "a service that speaks TLS itself may have any common kind of key, in TLS 1.2 as well",
        arguments: try Pair.all()
    )
    func serviceKeys(pair: Pair) async throws {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(pair.certificate.utf8))
        let privateKey = try NIOSSLPrivateKey(bytes: Array(pair.key.utf8), format: .pem)
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let spec = TunnelSpec(name: "secure", protocol: .tls, tls: .init(mode: .terminated), upstreamTLS: true)
            let tunnel = try await control.createTunnel(spec)
            let hostname = try #require(tunnel.properties.hostname)
            for newest in [NIOSSL.TLSVersion.tlsv13, .tlsv12] {
                var configuration = TLSConfiguration.makeServerConfiguration(
                    certificateChain: chain.map { .certificate($0) },
                    privateKey: .privateKey(privateKey)
                )
                configuration.maximumTLSVersion = newest
                let context = try NIOSSLContext(configuration: configuration)
                let visitor = try await engine.visit(hostname, protocols: [])
                try await visitor.send("hello")
                let service = try await tunnel.next().start { channel in
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    return try TestConnection.take(channel, echo: true)
                }
                #expect(try await visitor.receive(asLongAs: "hello") == "hello", "\(newest)")
                await visitor.close()
                await service.close()
            }
            await control.close()
        }
    }

    @Test("a client certificate that is not registered is refused by the engine")
    func unregistered() async throws {
        try await TemporaryFolder.with { folder in
            let files = try ClientCertificate(in: folder)
            try await TestEngine.with { engine in
                let client = engine.client {
                    $0.credential = .clientCertificate(certificateFile: files.certificateFile, keyFile: files.keyFile)
                }
                let error = try await failure { _ = try await client.connect() }
                #expect(error.engineCode == .unauthorized)
            }
        }
    }

    @Test("a client certificate without its key is reported before dialing")
    func halfCertificate() async throws {
        try await TemporaryFolder.with { folder in
            let files = try ClientCertificate(in: folder)
            try await TestEngine.with { engine in
                let client = engine.client {
                    $0.credential = .clientCertificate(
                        certificateFile: files.certificateFile,
                        keyFile: files.certificateFile
                    )
                }
                let error = try await failure { _ = try await client.connect() }
                #expect(error.code == .invalidConfig)
                #expect(error.what.hasPrefix("key file"))
            }
        }
    }
}

@Suite("The TLS context of a client")
struct TLSContextCacheTests {
    @Test("is one object until the text of a file changes")
    func identity() async throws {
        try await TemporaryFolder.with { folder in
            let files = try ClientCertificate(in: folder)
            let text = ClientCertificate.certificate
            let caFile = try folder.write(text, to: "ca.pem")
            let credential = RstreamClientOptions.Credential.clientCertificate(
                certificateFile: files.certificateFile,
                keyFile: files.keyFile
            )
            let cache = TLSContextCache(.engine(TransportOptions.TLS(caFile: caFile)), credential: credential)
            let first = try cache.context()
            #expect(try cache.context() === first)
            // The same text again, as a deployment tool writes it.
            try folder.write(text, to: "ca.pem")
            #expect(try cache.context() === first)
            try folder.write(text + "\n", to: "ca.pem")
            let second = try cache.context()
            #expect(second !== first)
            #expect(try cache.context() === second)
        }
    }

    @Test("is one object for threads that make it at the same time")
    func together() async throws {
        try await TemporaryFolder.with { folder in
            let caFile = try folder.write(ClientCertificate.certificate, to: "ca.pem")
            let other = Observed<TLSContextCache?>(nil)
            let made = Observed<[TLSClientContext]>([])
            let cache = TLSContextCache(
                .engine(TransportOptions.TLS(caFile: caFile)),
                systemTrust: {
                    // Another thread comes while this one is at it.
                    let cache = other.value
                    other.change { $0 = nil }
                    if let context = try? cache?.context() { made.change { $0.append(context) } }
                    return SystemTrust.current()
                }
            )
            other.change { $0 = cache }
            let context = try cache.context()
            #expect(made.value.count == 1)
            #expect(made.value.first === context)
            #expect(try cache.context() === context)
        }
    }

    @Test("is renewed in the background for callers that cannot wait for files, and only by valid files")
    func background() async throws {
        try await TemporaryFolder.with { folder in
            let text = ClientCertificate.certificate
            let caFile = try folder.write(text, to: "ca.pem")
            let work = Observed<[@Sendable () -> Void]>([])
            let cache = TLSContextCache(
                .engine(TransportOptions.TLS(caFile: caFile)),
                interval: .zero,
                inBackground: { look in work.change { $0.append(look) } }
            )
            #expect(cache.lastContext() == nil, "nobody has connected yet")
            let first = try cache.context()
            try folder.write("half", to: "ca.pem")
            #expect(cache.lastContext() === first)
            work.value.last?()
            #expect(cache.lastContext() === first)
            try folder.write(text + "\n", to: "ca.pem")
            work.value.last?()
            let second = try #require(cache.lastContext())
            #expect(second !== first)
            #expect(try cache.context() === second)
        }
    }

    @Test("is not used while one of its files cannot be read")
    func unreadable() async throws {
        try await TemporaryFolder.with { folder in
            let text = ClientCertificate.certificate
            let caFile = try folder.write(text, to: "ca.pem")
            let cache = TLSContextCache(.engine(TransportOptions.TLS(caFile: caFile)), credential: .none)
            let first = try cache.context()
            try folder.remove("ca.pem")
            #expect(throws: RstreamError.self) { try cache.context() }
            try folder.write(text, to: "ca.pem")
            #expect(try cache.context() === first)
        }
    }
}
