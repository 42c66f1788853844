// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

/// The dev engine answers HTTP over TLS, so it is the service here.
@Suite("An upstream that speaks TLS", .serialized, .timeLimit(.hang))
struct UpstreamTLSTests {
    private static let page = UpstreamHealthOptions.HTTPCheck(path: "/api/health/live", statuses: 200...200)

    private static func check(
        _ address: UpstreamAddress,
        _ tls: TransportOptions.TLS,
        _ check: UpstreamHealthOptions.Check = .http(page),
        timeout: Duration = testTimeout
    ) async -> RstreamError? {
        let upstream = Upstream(address: address, options: UpstreamOptions(tls: UpstreamTLSOptions(tls)))
        let health = UpstreamHealthOptions(timeout: timeout, check: check)
        return await upstream.check(health, on: MultiThreadedEventLoopGroup.singleton.any())
    }

    @Test("is trusted by the configured authority and name only, unless told otherwise")
    func trust() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                let caFile = try folder.write(engine.caPEM, to: "ca.pem")
                let address = UpstreamAddress.tcp(host: "localhost", service: "\(engine.address.port)")
                #expect(await Self.check(address, .init(caFile: caFile)) == nil)
                #expect(await Self.check(address, .init(caFile: caFile), .tcp) == nil)
                #expect(await Self.check(address, .init(insecureSkipVerify: true)) == nil)
                let stranger = await Self.check(address, .init())
                #expect(stranger?.what.hasPrefix("upstream \(address): TLS: the certificate is not trusted") == true)
                let misnamed = await Self.check(address, .init(caFile: caFile, serverName: "app.example"))
                #expect(misnamed?.what.contains("the certificate is not valid for \"app.example\"") == true)
                #expect(misnamed?.fix?.contains("upstream.tls.serverName") == true)
                let missing = await Self.check(address, .init(caFile: folder.path(of: "missing.pem")))
                #expect(missing?.what.contains("missing.pem") == true)
            }
        }
    }

    @Test("carries a stream's bytes both ways, and its end")
    func relay() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                let caFile = try folder.write(engine.caPEM, to: "ca.pem")
                let address = UpstreamAddress.tcp(host: "localhost", service: "\(engine.address.port)")
                let options = UpstreamOptions(tls: UpstreamTLSOptions(.init(caFile: caFile)))
                try await RelayFixture.with(address, options: options) { fixture in
                    let visitor = try await fixture.visit()
                    try await visitor.send(
                        "GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                    )
                    #expect(try await visitor.receive(asLongAs: "HTTP/1.1 200") == "HTTP/1.1 200")
                    try await visitor.finish()
                    try await fixture.waitForEnds()
                    #expect(fixture.acceptor.ledger.totals.failed == 0)
                    await visitor.close()
                }
            }
        }
    }

    @Test("is not reached where the service speaks something else, or nothing")
    func foreign() async throws {
        try await TestServer.with(.sendAndClose("220 mail.example ESMTP\r\n")) { server in
            let error = await Self.check(.tcp(host: "127.0.0.1", service: "\(server.port)"), .init())
            #expect(
                error?.what.hasPrefix("upstream 127.0.0.1:\(server.port): TLS: ") == true,
                "\(String(describing: error))"
            )
        }
        try await TemporaryFolder.with { folder in
            // Connecting to a Unix socket takes no time, so all of the timeout is the handshake's.
            let address = UpstreamAddress.unix(path: folder.path(of: "s"))
            try await TestServer.with(.silent, at: .unix(path: folder.path(of: "s"))) { _ in
                let error = await Self.check(address, .init(), timeout: .milliseconds(500))
                #expect(error?.what == "upstream \(address): TLS: the handshake took too long")
            }
        }
    }
}
