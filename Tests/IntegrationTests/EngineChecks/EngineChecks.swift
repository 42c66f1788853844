// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import Rstream
import RstreamTestSupport
import Testing

/// What every engine must do for this library, one line of the report for each.
///
/// Runs on a dev engine of its own, or on the engine given to `make e2e`. It may be shared: names are unique, and
/// all that is opened is closed.
@Suite("Checks of an engine", .serialized, .timeLimit(.hang))
struct EngineChecks {
    // MARK: Private tunnels

    @Test(
        "a private tunnel, dialed by name, carries bytes both ways and each end on its own",
        arguments: [true, false]
    )
    func dialByName(zeroRTT: Bool) async throws {
        try await EngineUnderTest.with { engine in
            let client = try engine.client(zeroRTT: zeroRTT)
            try await client.withTunnel(.unpublished()) { tunnel in
                let name = try #require(tunnel.properties.name)
                try await EngineExchange().run(through: client, to: name, of: tunnel)
            }
        }
    }

    @Test("a private tunnel, dialed by id, carries bytes both ways and each end on its own", arguments: [true, false])
    func dialByID(zeroRTT: Bool) async throws {
        try await EngineUnderTest.with { engine in
            let client = try engine.client(zeroRTT: zeroRTT)
            try await client.withTunnel(.unpublished()) { tunnel in
                try await EngineExchange().run(through: client, to: tunnel.id, of: tunnel)
            }
        }
    }

    // MARK: Published tunnels

    @Test("a published http tunnel is reached over HTTPS at its forwarding address")
    func page() async throws {
        try await EngineUnderTest.with { engine in
            try await engine.client().withTunnel(.site()) { tunnel in
                try await Site.serving(tunnel) { _ in
                    let answer = try await EngineVisitor(of: tunnel, at: engine).get("/page")
                    #expect(answer == .answered(status: 200, body: "Hello, /page!"))
                }
            }
        }
    }

    @Test("a WebSocket is upgraded through a published http tunnel and carries messages both ways")
    func webSocket() async throws {
        try await EngineUnderTest.with { engine in
            try await engine.client().withTunnel(.site()) { tunnel in
                try await Site.serving(tunnel) { _ in
                    let messages = [ByteBuffer(string: "hello"), .pattern(16_000)]
                    let answers = try await EngineVisitor(of: tunnel, at: engine).converse(messages)
                    #expect(answers == messages)
                }
            }
        }
    }

    // MARK: Client certificates

    @Test("an agent with a client certificate and no token gets tunnels and streams", .needsCertificate)
    func agentCertificate() async throws {
        try await EngineUnderTest.with { engine in
            let client = try engine.certifiedClient(zeroRTT: false)
            try await client.withTunnel(.unpublished()) { tunnel in
                try await EngineExchange().run(through: client, to: tunnel.id, of: tunnel)
            }
        }
    }

    @Test("mtls_auth lets visitors with the registered certificate in, and keeps those without out", .needsCertificate)
    func visitorCertificate() async throws {
        try await EngineUnderTest.with { engine in
            try await engine.client().withTunnel(.site(tls: TunnelSpec.TLS(mtls: true))) { tunnel in
                try await Site.serving(tunnel) { site in
                    // The one who is let in comes first: after that, the address is known to work.
                    let guest = try EngineVisitor(of: tunnel, at: engine, showing: engine.certificate)
                    let welcome = try await guest.get("/guest")
                    #expect(welcome == .answered(status: 200, body: "Hello, /guest!"))
                    switch try await EngineVisitor(of: tunnel, at: engine).get("/stranger") {
                    case .cutOff: break
                    case .answered(let status, let body):
                        #expect((400..<500).contains(status) && status != 404, "\(status) \(body)")
                    }
                    #expect(site.visitors.value == 1)
                }
            }
        }
    }

    @Test("mtls_auth together with rstream_auth is refused by the engine", .needsBothAuthentications)
    func conflictingAuthentication() async throws {
        try await EngineUnderTest.with { engine in
            let control = try await engine.client().connect()
            let error = await #expect(throws: RstreamError.self) {
                _ = try await control.createTunnel(.siteWithBothAuthentications())
            }
            await control.close()
            #expect(error?.code == .engine)
            #expect(error?.engineCode != .unauthorized)
        }
    }
}
