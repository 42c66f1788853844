// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if EngineTLS

import EngineTLS
import Glibc
import NIOCore
import NIOEmbedded
import NIOSSL
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Tickets for later connections")
struct TicketStoreTests {
    private let key = TicketKey(engine: "a:443", name: "a")

    @Test("are used once, the newest first")
    func once() {
        var store = TicketStore<Int>()
        for ticket in 1...3 { store.keep(ticket, for: key, until: 100, now: 0) }
        let taken = (0..<4).map { _ in store.take(for: key, now: 1) }
        #expect(taken == [3, 2, 1, nil])
        #expect(store.count == 0)
    }

    @Test("are for one engine and one name")
    func keys() {
        var store = TicketStore<Int>()
        store.keep(1, for: key, until: 100, now: 0)
        let others = [TicketKey(engine: "b:443", name: "a"), TicketKey(engine: "a:443", name: "b")]
        let taken = others.map { store.take(for: $0, now: 1) }
        #expect(taken == [nil, nil])
        #expect(store.count == 1)
    }

    @Test("are dropped when they are too old, and when TLS fails")
    func ends() {
        var store = TicketStore<Int>()
        store.keep(1, for: key, until: 10, now: 10)
        #expect(store.count == 0)
        store.keep(1, for: key, until: 10, now: 0)
        store.keep(2, for: key, until: 20, now: 0)
        store.keep(3, for: key, until: 10, now: 0)
        let taken = (0..<2).map { _ in store.take(for: key, now: 10) }
        #expect(taken == [2, nil])
        store.keep(4, for: key, until: 20, now: 0)
        store.forget(key)
        let forgotten = store.take(for: key, now: 1)
        #expect(forgotten == nil)
    }

    @Test("are few")
    func few() {
        var store = TicketStore<Int>()
        for engine in 0..<100 {
            for ticket in 0..<100 {
                store.keep(ticket, for: TicketKey(engine: "\(engine)", name: "a"), until: 100, now: 0)
            }
        }
        #expect(store.count == TicketStore<Int>.mostKeys * TicketStore<Int>.mostPerKey)
        let newest = store.take(for: TicketKey(engine: "99", name: "a"), now: 1)
        #expect(newest == 99)
        let oldest = store.take(for: TicketKey(engine: "0", name: "a"), now: 1)
        #expect(oldest == nil)
    }
}

@Suite("Resumption of TLS to an engine")
struct ResumptionTests {
    private static let engine = EngineAddress.literal("a.example.test:443")

    private func connect(
        _ client: TLSClientContext,
        _ server: RawTLSServer.Context,
        at engine: EngineAddress? = engine
    ) throws -> TLSPair {
        let pair = try TLSPair(client, server, at: engine)
        pair.exchange()
        try #require(pair.client.isOpen && pair.server.isOpen, "\(pair.client.events)")
        return pair
    }

    @Test("uses each ticket once, and carries bytes as a full handshake does")
    func once() throws {
        let fixture = try TLSFixture()
        let (client, server) = (try fixture.client(.engineTLS), try fixture.server { $0.tickets = 1 })
        let first = try connect(client, server)
        #expect(!first.server.isResumed)
        // Both start before the second ticket arrives.
        let pairs = [try TLSPair(client, server, at: Self.engine), try TLSPair(client, server, at: Self.engine)]
        for pair in pairs {
            pair.exchange()
            #expect(pair.client.events == ["open rstrm/1"])
            pair.write("hello")
            pair.server.send("welcome")
            pair.exchange()
            #expect(pair.server.heard == Array("hello".utf8))
            #expect(pair.client.text == "welcome")
        }
        #expect(pairs.map(\.server.isResumed) == [true, false])
        #expect(try connect(client, server).server.isResumed)
    }

    @Test("does not happen with another context, for another engine, or without an engine's address")
    func apart() throws {
        let fixture = try TLSFixture()
        let (client, server) = (try fixture.client(.engineTLS), try fixture.server())
        _ = try connect(client, server)
        #expect(try !connect(try fixture.client(.engineTLS), server).server.isResumed)
        #expect(try !connect(client, server, at: .literal("b.example.test:443")).server.isResumed)
        #expect(try !connect(client, server, at: nil).server.isResumed)
        #expect(try connect(client, server).server.isResumed)
    }

    @Test("keeps the client's certificate")
    func identity() throws {
        let fixture = try TLSFixture()
        let (certificate, key) = try TestIssuer().issue(.init(commonName: "agent"), key: .p256)
        let identity = try ClientIdentity(.none).read(
            certificate: Array(TestIssuer.pem(certificate).utf8),
            key: Array(key.pem.utf8)
        )
        let client = try fixture.client(.engineTLS, identity: identity)
        let server = try fixture.server { $0.wantsCertificate = true }
        _ = try connect(client, server)
        let second = try connect(client, server)
        #expect(second.server.isResumed)
        #expect(second.server.clientChain == [certificate])
    }

    @Test("is not tried after TLS has failed")
    func failure() throws {
        let fixture = try TLSFixture()
        let (client, server) = (try fixture.client(.engineTLS), try fixture.server { $0.tickets = 4 })
        _ = try connect(client, server)
        let failing = try TLSPair(client, server, at: Self.engine)
        failing.deliver([21, 3, 3, 0, 2, 2, 40])
        #expect(!failing.client.failures.isEmpty)
        #expect(try !connect(client, server).server.isResumed)
    }

    @Test("falls back to a full handshake where the engine does not know the ticket")
    func unknown() throws {
        let fixture = try TLSFixture()
        let client = try fixture.client(.engineTLS)
        _ = try connect(client, try fixture.server())
        #expect(try !connect(client, try fixture.server()).server.isResumed)
    }

    @Test("does not happen where the engine gives no tickets")
    func none() throws {
        let fixture = try TLSFixture()
        let (client, server) = (try fixture.client(.engineTLS), try fixture.server { $0.tickets = 0 })
        for _ in 0..<3 { #expect(try !connect(client, server).server.isResumed) }
    }
}

@Suite("EngineTLS")
struct EngineTLSTests {
    private let fixture: TLSFixture
    private let context: TLSContext
    private let key = TicketKey(engine: "a:443", name: "a")
    /// Seconds since 1970.
    private let now = Observed<Int64>(1_900_000_000)

    /// When the certificates expire.
    private static let end: Int64 = 4_733_510_400

    init() throws {
        fixture = try TLSFixture()
        let now = now
        var settings = TLSContext.Settings(
            signatureAlgorithms: TLSClient.signatureAlgorithms.map(\.rawValue),
            groups: TLSClient.groups.map(\.rawValue),
            anchors: [TLSAnchors(der: [fixture.issuer.certificate])],
            now: { now.value }
        )
        settings.applicationProtocols = ["rstrm/1"]
        context = try TLSContext(settings)
    }

    private func handler() throws -> EngineTLSHandler {
        let judge = HandshakeVerification(CertificateVerifier(name: TLSFixture.name), now: TokenExpiry.now)
        return try EngineTLSHandler(
            context,
            sentName: TLSFixture.name,
            verification: .judge(judge),
            ticketKey: key
        )
    }

    private func connect(_ server: RawTLSServer.Context) throws -> TLSPair {
        let handler = try handler()
        let pair = try TLSPair(handler, server)
        pair.exchange()
        try #require(pair.client.isOpen && pair.server.isOpen, "\(pair.client.events)")
        #expect(handler.isResumed == pair.server.isResumed)
        return pair
    }

    @Test("verifies the certificates again an hour after it last did")
    func age() throws {
        let server = try fixture.server()
        _ = try connect(server)
        now.change { $0 += 3_599 }
        // Its tickets are as old as those of the first.
        #expect(try connect(server).isResumed)
        now.change { $0 += 1 }
        #expect(try !connect(server).isResumed)
        #expect(try connect(server).isResumed)
    }

    @Test("verifies the certificates again when the first of them expires")
    func expiry() throws {
        let server = try fixture.server()
        now.change { $0 = Self.end - 10 }
        _ = try connect(server)
        #expect(context.ticketCount == 2)
        #expect(try connect(server).isResumed)
        now.change { $0 += 10 }
        #expect(try !connect(server).isResumed)
    }

    @Test("keeps its tickets when we give a handshake up, and forgets them when the server or the network ends it")
    func givenUp() throws {
        let server = try fixture.server { $0.tickets = 4 }
        let ends: [(keeps: Bool, end: (TLSPair) -> Void)] = [
            (true, { $0.network.cutOff() }),
            (false, { $0.endInput() }),
            (false, { $0.channel.pipeline.fireErrorCaught(IOError(errnoCode: ECONNRESET, reason: "read")) }),
        ]
        for (keeps, end) in ends {
            _ = try connect(server)
            let before = context.ticketCount
            try #require(before > 1)
            end(try TLSPair(try handler(), server))
            // The one that was tried is used up.
            #expect(context.ticketCount == (keeps ? before - 1 : 0))
        }
    }

    @Test("ends the handshake in one write, together with what waited for its end")
    func lastFlight() throws {
        let pair = try TLSPair(try handler(), try fixture.server())
        let written = pair.write("hello")
        let hello = try #require(try pair.channel.readOutbound(as: ByteBuffer.self))
        pair.server.receive(Array(hello.readableBytesView))
        pair.deliver(pair.server.take())
        #expect(pair.client.isOpen)
        let end = try #require(try pair.channel.readOutbound(as: ByteBuffer.self))
        let more = try pair.channel.readOutbound(as: ByteBuffer.self)
        #expect(more == nil)
        pair.server.receive(Array(end.readableBytesView))
        #expect(pair.server.isOpen)
        #expect(pair.server.heard == Array("hello".utf8))
        try written.wait()
    }

    @Test("ends the handshake at once where nothing is to be written")
    func silentEnd() throws {
        let pair = try TLSPair(try handler(), try fixture.server())
        let hello = try #require(try pair.channel.readOutbound(as: ByteBuffer.self))
        pair.server.receive(Array(hello.readableBytesView))
        pair.deliver(pair.server.take())
        let end = try #require(try pair.channel.readOutbound(as: ByteBuffer.self))
        pair.server.receive(Array(end.readableBytesView))
        #expect(pair.server.isOpen)
    }

    @Test("gives back every buffer when its bytes are gone")
    func buffers() throws {
        let before = BufferPool.current.outstanding
        let pair = try connect(try fixture.server())
        #expect(BufferPool.current.outstanding == before)
        for size in [1, 5_000, 200_000] {
            pair.write([UInt8](repeating: 1, count: size))
            pair.server.send([UInt8](repeating: 2, count: size))
            pair.exchange()
            #expect(BufferPool.current.outstanding == before)
        }
        #expect(pair.server.heard.count == 205_001)
        #expect(pair.client.bytes.count == 205_001)
        pair.network.cutOff()
        #expect(BufferPool.current.outstanding == before)
    }

    @Test("has the texts of NIOSSL for its errors, and none of a library")
    func texts() {
        let stack =
            "sslError([Error: 1 error:10000416:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA at /x.cc:1])"
        let pairs: [(EngineTLSError, (what: String, fix: String?))] = [
            (.handshakeFailed(["TLSV1_ALERT_UNKNOWN_CA"]), ConnectionPeer.engine.explainTLS(stack)),
            (.failed(["unknown error", "TLSV1_ALERT_UNKNOWN_CA"]), ConnectionPeer.engine.explainTLS(stack)),
            (
                .closedDuringHandshake,
                ConnectionPeer.engine.explain(NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])))
            ),
            (.truncated, ConnectionPeer.engine.explain(NIOSSLError.uncleanShutdown)),
            (.unexpectedBytes, ConnectionPeer.engine.explain(NIOSSLError.readInInvalidTLSState)),
            (.unusableName, ConnectionPeer.engine.explain(NIOSSLExtraError.invalidSNIHostname as any Error)),
            (.unusableSettings, ConnectionPeer.engine.explain(NIOSSLError.failedToLoadCertificate)),
        ]
        for (error, text) in pairs {
            let own = ConnectionPeer.engine.explain(error as any Error)
            #expect(own.what == text.what)
            #expect(own.fix == text.fix)
            #expect(LibraryText.mark(in: "\(own.what) \(own.fix ?? "")") == nil)
        }
    }

    @Test("takes no settings that BoringSSL does not take")
    func settings() throws {
        var settings = TLSContext.Settings(signatureAlgorithms: [1], groups: [29], anchors: nil, now: { 0 })
        #expect(throws: EngineTLSError.unusableSettings) { try TLSContext(settings) }
        settings.signatureAlgorithms = [0x0403]
        settings.applicationProtocols = [String(repeating: "x", count: 256)]
        #expect(throws: EngineTLSError.unusableSettings) { try TLSContext(settings) }
        for name in ["", String(repeating: "x", count: 256), "a\0b"] {
            #expect(throws: EngineTLSError.unusableName) {
                try EngineTLSHandler(context, sentName: name, verification: .none)
            }
        }
    }
}

extension TLSPair {
    fileprivate var isResumed: Bool { server.isResumed }
}

#endif
