// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import NIOCore
import NIOPosix
import NIOSSL
import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Redirects by an engine", .serialized, .timeLimit(.hang))
struct RedirectTests {
    /// Runs an agent with an open tunnel at a hostile engine; `names` are resolved besides the engine's.
    private func withAgent(
        _ redirects: TransportOptions.Redirects = .public,
        names: [String: [String]] = [:],
        proxy: Proxy? = nil,
        log: LogCapture = LogCapture(),
        _ body: (HostileEngine, TestResolver) async throws -> Void
    ) async throws {
        try await HostileEngine.with { engine in
            let addresses = TestResolver(names.merging([engine.address.host: ["127.0.0.1"]]) { $1 })
            let options = RstreamClientOptions(
                engine: engine.address,
                credential: .none,
                transport: TransportOptions(
                    tls: TransportOptions.TLS(caFile: engine.caFile),
                    proxy: proxy,
                    redirects: redirects
                ),
                timeouts: .patient
            )
            let control = try await RstreamClient(options, logger: log.logger, addresses: addresses).connect()
            _ = try await control.createTunnel(unpublished())
            try await body(engine, addresses)
            await control.close()
        }
    }

    /// What the agent answers to a request for a stream at `endpoint`.
    private func expect(_ expected: String?, from engine: HostileEngine, at endpoint: String?) async throws {
        let answer = try await engine.answer(to: endpoint)
        #expect(answer == expected, "\(endpoint ?? "the engine")")
    }

    @Test("the engine gets the same answer for closed, other and forbidden endpoints")
    func constantAnswer() async throws {
        let log = LogCapture()
        let names = ["inner.test": ["10.0.0.1", "fd00::1"], "none.test": []]
        try await withAgent(names: names, log: log) { engine, _ in
            try await TestServer.with(.echo) { noTLS in
                try await TestServer.withDeadPort { dead in
                    let issuer = try TestIssuer()
                    let (certificate, key) = try issuer.issue(.named(.dns("localhost")))
                    try await TLSPeer.with([.init(bytes: certificate, format: .der)], key) { stranger, port in
                        for endpoint in [
                            // This host, which is the engine's host too.
                            "127.0.0.1:\(dead)", "localhost:\(dead)", "127.0.0.1:\(noTLS.port)", "127.0.0.1:\(port)",
                            // Forbidden.
                            "10.0.0.1:22", "192.168.1.1", "169.254.169.254:80", "100.64.0.1", "[fe80::1]:443",
                            "[fd00::1]:443", "[::ffff:10.0.0.1]:443", "[64:ff9b::a00:1]:443", "0.0.0.0:\(noTLS.port)",
                            "224.0.0.1", "inner.test",
                            // Not resolvable.
                            "none.test", "unknown.test",
                        ] {
                            try await expect(StreamRoute.noConnection, from: engine, at: endpoint)
                        }
                        #expect(stranger.trusted.value == 0)
                    }
                }
            }
        }
        // The operator is warned once; the rest is logged at debug.
        let lines = log.lines("stream redirect failed")
        #expect(lines.count == 17)
        #expect(lines.count { $0.level == .warning } == 1)
        #expect(lines.first?.level == .warning)
        let errors = lines.compactMap { $0.metadata["error"] }
        #expect(errors.first?.contains("the connection was refused") == true)
        #expect(errors.contains { $0.contains("10.0.0.1 is a private address, and the engine's own is not") })
        #expect(errors.contains { $0.contains("169.254.169.254 is a link-local address") })
    }

    /// Runs a server at every address of this host that closes each connection.
    private func withClosingServer(_ body: (_ opened: Observed<Int>, _ port: Int) async throws -> Void) async throws {
        let opened = Observed(0)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                opened.change { $0 += 1 }
                channel.close(promise: nil)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "0.0.0.0", port: 0).get()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(opened, listener.localAddress?.port ?? 0))
        } catch {
            result = .failure(error)
        }
        try await listener.close()
        try result.get()
    }

    @Test("forbidden addresses are not dialed, even if a name changes between two lookups")
    func notDialed() async throws {
        try await withClosingServer { opened, port in
            // The server stands for one in the internal network: the engine may redirect to its own address only.
            let names = ["other.test": ["127.0.0.1", "::1"]]
            try await withAgent(.engine, names: names) { engine, addresses in
                for endpoint in ["127.0.0.2:\(port)", "other.test:\(port)", "localhost:\(port)"] {
                    if endpoint.hasPrefix("other") { addresses.answer("other.test", ["127.0.0.2", "::1"]) }
                    try await expect(StreamRoute.noConnection, from: engine, at: endpoint)
                }
                // The engine's own name now resolves to other kinds of address.
                addresses.answer(engine.address.host, ["10.0.0.1", "169.254.1.1"])
                let own = "\(engine.address.host):\(port)"
                try await expect(StreamRoute.noConnection, from: engine, at: own)
                try await expect(StreamRoute.noConnection, from: engine, at: nil)
                #expect(opened.value == 0)
                // Its own address is dialed, at any port.
                try await expect(StreamRoute.noConnection, from: engine, at: "127.0.0.1:\(port)")
                #expect(opened.value == 1)
            }
        }
    }

    @Test("a stream without a redirect is established")
    func noRedirect() async throws {
        for policy in TransportOptions.Redirects.allCases {
            try await withAgent(policy) { engine, _ in
                try await expect(nil, from: engine, at: nil)
                try await expect(nil, from: engine, at: "\(engine.address)")
            }
        }
    }

    @Test("the dialer dials only those addresses of a name that the rule permits")
    func dialer() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let engine = EngineAddress.literal("engine.example.test:443")
        let rule = RedirectRule(.public, engine: engine, connectedTo: IPAddress("8.8.8.8"))
        try await TestServer.with(.manual) { server in
            let addresses = TestResolver(["inner.test": ["127.0.0.1", "::1"]])
            let names = NameService(addresses, logger: LogCapture().logger)
            for host in ["127.0.0.1", "inner.test", "[::ffff:127.0.0.1]"] {
                let address = EngineAddress.literal("\(host):\(server.port)")
                let dialing = Dialer(TransportOptions()).dial(
                    address,
                    under: rule,
                    names: names,
                    on: loop,
                    within: testTimeout
                )
                let error = await #expect(throws: (any Error).self) { try await dialing.get() }
                let what = error.map { RstreamError.connection(to: address, $0).what } ?? ""
                #expect(what.hasSuffix(" is a loopback address, and the engine's own is not"), "\(what)")
            }
            #expect(server.connections.value.isEmpty)
            let permitted = RedirectRule(.public, engine: engine, connectedTo: IPAddress("::1"))
            let dialing = Dialer(TransportOptions()).dial(
                EngineAddress.literal("inner.test:\(server.port)"),
                under: permitted,
                names: names,
                on: loop,
                within: testTimeout
            )
            try await dialing.get().close()
        }
    }

    @Test("through a proxy, addresses are checked here, and names that the proxy resolves are left to it")
    func throughProxy() async throws {
        try await FakeProxy.with(FakeProxy.http()) { proxy, place in
            try await withAgent(proxy: Proxy(route: .http(place))) { engine, _ in
                proxy.targets.change { $0 = [] }
                // A private address of the proxy does not permit redirects to private addresses.
                for endpoint in ["127.0.0.1:1", "127.0.0.2:1", "10.0.0.1:1", "[::1]:1", "localhost:1", "a.localhost:1"]
                {
                    try await expect(StreamRoute.noConnection, from: engine, at: endpoint)
                }
                #expect(proxy.targets.value.isEmpty)
                try await expect(StreamRoute.noConnection, from: engine, at: "other.test:1")
                #expect(proxy.targets.value == ["other.test:1"])
                try await expect(nil, from: engine, at: nil)
            }
        }
    }
}
