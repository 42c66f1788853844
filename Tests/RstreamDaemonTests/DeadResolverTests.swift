// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Linux
import NIOCore
import NIOPosix
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("With name servers that never answer", .serialized, .timeLimit(.hang))
struct DeadResolverTests {
    /// Runs `body` while nobody who asks this host's resolver gets an answer: whatever thread could look a name up waits, as
    /// it does in `getaddrinfo`.
    private func withDeadHostResolver(_ body: () async throws -> Void) async throws {
        let gate = DispatchSemaphore(value: 0)
        // More than either lane has threads. What comes later waits behind them.
        let (lanes, count) = ([BlockingThreads.names, .slowNames], 64)
        for lane in lanes {
            for _ in 0..<count { lane.submit { gate.wait() } }
        }
        defer { for _ in 0..<count * lanes.count { gate.signal() } }
        try await body()
    }

    /// Runs `body` with a name server that takes questions and says nothing.
    private func withSilentNameServer(_ body: (TransportOptions.DNS) async throws -> Void) async throws {
        let server = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: SocketAddress(ipAddress: "127.0.0.1", port: 0)).get()
        do {
            let port = try #require(server.localAddress?.port)
            try await body(TransportOptions.DNS(server: EngineAddress("127.0.0.1:\(port)")))
        } catch {
            try? await server.close()
            throw error
        }
        try await server.close()
    }

    @Test("metrics, status and health are served while streams and sessions wait for names")
    func answers() async throws {
        try await TestEngine.with { engine in
            try await withSilentNameServer { dns in
                var configuration = engine.configuration([.tcp("one"), .tcp("two"), .tcp("three")], to: 9)
                for index in configuration.tunnels.indices {
                    let name = configuration.tunnels[index].name
                    configuration.tunnels[index].upstream = .tcp(host: "\(name).invalid", service: "9")
                    configuration.tunnels[index].options.connectTimeout = .seconds(600)
                }
                var away = engine.context()
                away.name = "away"
                away.engine = .address(try EngineAddress("engine.invalid:443"))
                away.transport.dns = dns
                configuration.tunnels.append(
                    TunnelDefinition(
                        name: "away",
                        upstream: .tcp(host: "127.0.0.1", service: "9"),
                        spec: .tcp("away"),
                        context: away
                    )
                )
                configuration.metrics = .tcp(host: "127.0.0.1", port: 0)
                let wanted = configuration
                try await withDeadHostResolver {
                    try await RunningDaemon.withAdmin(wanted, connect: .seconds(600)) { daemon in
                        let lines = try await daemon.waitForTunnels(3)
                        var visitors: [TestConnection] = []
                        for line in lines {
                            visitors.append(try await .connect(toPort: try #require(line.port)))
                        }
                        try await waitForStreams(of: ["one", "two", "three"], daemon)
                        let attempt = try await waitForAttempt(daemon)
                        // Nothing that waits for a name can go on before this is over.
                        try await expectAnswers(daemon)
                        #expect(try await self.attempt(daemon) == attempt, "the session waits as before")
                        for visitor in visitors { await visitor.close() }
                    }
                }
            }
        }
    }

    private func waitForStreams(of tunnels: [String], _ daemon: RunningDaemon) async throws {
        try await within("streams that wait for names") {
            while true {
                let metrics = try await daemon.admin.call("GET", "/metrics").body
                if tunnels.allSatisfy({ metrics.contains("rstreamd_streams_active{tunnel=\"\($0)\"} 1\n") }) { return }
            }
        }
    }

    private func waitForAttempt(_ daemon: RunningDaemon) async throws -> Int {
        try await within("a session that waits for a name") {
            while true {
                if let attempt = try await attempt(daemon) { return attempt }
            }
        }
    }

    /// The attempt in which the session that waits for a name connects; nil between two.
    private func attempt(_ daemon: RunningDaemon) async throws -> Int? {
        let session = try await daemon.admin.get("/v1/sessions", as: [SessionStatus].self).first {
            $0.context == "away"
        }
        return session?.state == .connecting ? session?.attempt : nil
    }

    private func expectAnswers(_ daemon: RunningDaemon) async throws {
        for target in ["/metrics", "/v1/status", "/v1/health/ready", "/v1/sessions", "/v1/streams"] {
            let answer = try await daemon.admin.call("GET", target)
            // One tunnel is not online, which is an answer too.
            #expect(answer.status == (target.hasSuffix("ready") ? 503 : 200), "\(target)")
        }
        let address = try #require(daemon.log.lines("metrics port open").last?.metadata["address"])
        let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
        let connection = try await TestConnection.connect(toPort: port)
        try await connection.send(AdminSocket.request("GET", "/metrics"))
        let scrape = try await connection.receiveText()
        #expect(scrape.contains("rstreamd_streams_active{tunnel=\"three\"} 1\n"), "its stream waits as before")
        #expect(scrape.contains("rstreamd_session_online{context=\"away\"} 0\n"))
    }
}
