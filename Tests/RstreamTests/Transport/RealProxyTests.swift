// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

/// With independent proxies: tinyproxy for HTTP, microsocks for SOCKS5.
@Suite("An engine behind a real proxy", .serialized, .timeLimit(.hang))
struct RealProxyTests {
    private static let user = Proxy.Credentials(username: "courier", password: Secret("hidden"))

    @Test("works: control channel, tunnels, streams, bytes", arguments: ProcessProxy.Kind.allCases, [nil, user])
    func job(kind: ProcessProxy.Kind, user: Proxy.Credentials?) async throws {
        try await ProcessProxy.with(kind, user: user) { port in
            try await TestEngine.with { engine in
                let route = try kind.route(port)
                let client = engine.client {
                    // The proxy resolves this name.
                    $0.engine = .address(.literal("localhost:\(engine.address.port)"))
                    $0.transport.proxy = Proxy(route: route, credentials: user)
                }
                let control = try await client.connect()
                let tunnel = try await control.createTunnel(unpublished())
                let bytes = ByteBuffer.pattern(3_000_000)
                for zeroRTT in [true, false] {
                    let dialed = try await client.dial("private", zeroRTT: zeroRTT).take()
                    let accepted = try await tunnel.next().take(echo: true)
                    async let sent: Void = dialed.send(bytes)
                    #expect(try await dialed.receive(bytes.readableBytes) == bytes)
                    try await sent
                    // Neither proxy supports half-close.
                    await dialed.close()
                    await accepted.close()
                }
                await control.close()
                #expect(await control.waitUntilClosed() == nil)
                try await engine.waitUntilDeserted()
            }
        }
    }

    @Test(
        "is not reached with wrong credentials or without, and the error says so",
        arguments: ProcessProxy.Kind.allCases
    )
    func credentials(kind: ProcessProxy.Kind) async throws {
        try await ProcessProxy.with(kind, user: Self.user) { port in
            try await TestEngine.with { engine in
                let stranger = Proxy.Credentials(username: "courier", password: Secret("wrong-word"))
                for credentials in [nil, stranger] {
                    let route = try kind.route(port)
                    let client = engine.client { $0.transport.proxy = Proxy(route: route, credentials: credentials) }
                    let error = try await failure { _ = try await client.connect() }
                    #expect(error.code == .engineUnreachable)
                    #expect(error.retry == .afterBackoff)
                    #expect(error.origin == .configuration)
                    #expect(error.what.contains("proxy 127.0.0.1:\(port): "))
                    #expect(error.fix?.contains("transport.proxy.username") == true)
                    #expect(!"\(error)".contains("wrong-word"))
                }
                #expect(try await engine.engine.statistics().controlConnectsTotal == 0)
            }
        }
    }

    @Test("is reported when the proxy cannot reach it", arguments: ProcessProxy.Kind.allCases)
    func unreachable(kind: ProcessProxy.Kind) async throws {
        try await ProcessProxy.with(kind) { port in
            try await TestServer.withDeadPort { dead in
                let client = RstreamClient(
                    RstreamClientOptions(
                        engine: .literal("127.0.0.1:\(dead)"),
                        credential: .none,
                        transport: TransportOptions(proxy: Proxy(route: try kind.route(port))),
                        timeouts: .patient
                    )
                )
                let error = try await failure { _ = try await client.connect() }
                #expect(error.code == .engineUnreachable)
                switch kind {
                case .http: #expect(error.what.contains("failed to CONNECT: HTTP/1."))
                case .socks5: #expect(error.what.hasSuffix("the engine refused its connection"))
                }
            }
        }
    }
}
