// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

/// What the engine cannot be told was configured here: it is no fault of the engine's, another try cannot help, and not a
/// byte of it is sent.
@Suite("What is longer than the protocol allows", .serialized, .timeLimit(.hang))
struct OversizedTests {
    private static let long = String(repeating: "x", count: 70_000)

    private func expectOurs(
        _ error: RstreamError,
        origin: RstreamError.Origin = .configuration,
        retry: RstreamError.Retry = .afterReload,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(error.origin == origin, "\(error)", sourceLocation: location)
        #expect(error.retry == retry, "\(error)", sourceLocation: location)
    }

    @Test("a token is not even dialed with, wherever it comes from", arguments: ["token", "provider", "file"])
    func token(source: String) async throws {
        try await TemporaryFolder.with { folder in
            let text = String(repeating: "x", count: TokenText.longest + 1)
            let path = try folder.write(text + "\n", to: "token")
            try await TestServer.with(.manual) { server in
                let client = RstreamClient(
                    RstreamClientOptions(
                        engine: .address(try EngineAddress("127.0.0.1:\(server.port)")),
                        credential: source == "file"
                            ? .tokenFile(path: path)
                            : source == "token" ? .token(Secret(text)) : .tokenProvider { () in Secret(text) }
                    )
                )
                for error in [
                    try await failure { _ = try await client.connect() },
                    try await failure { _ = try await client.dial("x") },
                ] {
                    // A file may become another one while the client lives.
                    if source == "file" {
                        expectOurs(error, origin: .host, retry: .afterBackoff)
                    } else {
                        expectOurs(error)
                    }
                    #expect(error.what.contains("is longer than \(TokenText.longest) bytes"), "\(error)")
                }
                #expect(server.connections.value.isEmpty)
            }
        }
    }

    @Test("the longest token is the engine's to judge")
    func longestToken() async throws {
        try await TestEngine.with { engine in
            let token = Secret(String(repeating: "x", count: TokenText.longest))
            let client = engine.client { $0.credential = .token(token) }
            let error = try await failure { _ = try await client.connect() }
            #expect(error.code == .engine)
            #expect(error.origin == .engine)
        }
    }

    @Test("what a client says of itself ends its connect")
    func details() async throws {
        try await TestEngine.with { engine in
            let client = engine.client { $0.agent.name = Self.long }
            let error = try await within("the error") { try await failure { _ = try await client.connect() } }
            #expect(error.code == .frameTooLarge)
            expectOurs(error)
            #expect(error.what.contains("does not fit in a frame"))
            #expect(error.fix != nil)
            try await engine.waitUntilDeserted()
            #expect(try await engine.engine.statistics().messages.isEmpty)
        }
    }

    @Test("the id or name of a tunnel ends its dial, answered or not", arguments: [true, false])
    func dial(zeroRTT: Bool) async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let error = try await within("the error") {
                try await failure { _ = try await client.dial(Self.long, zeroRTT: zeroRTT) }
            }
            #expect(error.code == .frameTooLarge)
            expectOurs(error)
            #expect(error.fix != nil)
            try await engine.waitUntilDeserted()
            #expect(try await engine.engine.statistics().messages.isEmpty)
        }
    }

    @Test(
        "a tunnel's properties fail that tunnel, and its channel goes on",
        arguments: ["labels", "ranges", "protocols"]
    )
    func properties(kind: String) async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            var spec = TunnelSpec(protocol: .tls)
            switch kind {
            case "labels":
                // Each of them, and all together, are as long as may be.
                let value = String(repeating: "v", count: TunnelSpec.longestLabelValue)
                for number in 0..<TunnelSpec.mostLabels { spec.labels["\(number)"] = value }
            case "ranges": spec.trustedIPs = Array(repeating: "192.0.2.0/24", count: 6_000)
            default: spec.tls.alpns = Array(repeating: "h2", count: 20_000)
            }
            let error = try await failure { _ = try await control.createTunnel(spec) }
            #expect(error.code == .frameTooLarge)
            expectOurs(error)
            #expect(error.fix != nil)
            let tunnel = try await control.createTunnel(unpublished())
            #expect(!tunnel.id.isEmpty)
            #expect(try await engine.engine.statistics().messages.count { $0.kind == "OpenTunnelReq" } == 1)
            await control.close()
        }
    }
}
