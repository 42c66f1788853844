// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOPosix
import RstreamAdmin
import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct UpstreamsTests {
        /// Visitors at a time.
        private static let visitors = 8
        private static let rounds = 10
        /// Exchanges that are over while a service is down, and again before the next one goes down.
        private static let exchanges = 25

        /// A service at a Unix socket that is stopped and started as a careful operator does it: its socket is gone
        /// before it stops, and what it has accepted goes on.
        private final class Service: Sendable {
            let path: String
            private let listeners = Observed<[any Channel]>([])

            init(_ path: String) { self.path = path }

            func start() async throws {
                let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .serverChannelOption(.backlog, value: 1_024)
                    .childChannelOption(.allowRemoteHalfClosure, value: true)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(ExchangeUpstream())
                        }
                    }
                let listener = try await bootstrap.bind(unixDomainSocketPath: path).get()
                listeners.change { $0.append(listener) }
            }

            /// No program can connect from now on. The listener lives on for those who have connected before.
            func leave() { _ = unlink(path) }

            func close() async {
                leave()
                for listener in listeners.value { try? await listener.close() }
            }
        }

        private static func withServices(
            _ count: Int,
            _ body: ([Service]) async throws -> Void
        ) async throws {
            try await TemporaryFolder.with { folder in
                let services = (0..<count).map { Service(folder.path(of: "s\($0)")) }
                do {
                    for service in services { try await service.start() }
                    try await body(services)
                } catch {
                    for service in services { await service.close() }
                    throw error
                }
                for service in services { await service.close() }
            }
        }

        /// The tunnel, once it is as wanted; else as it is at the end of the test's patience.
        private static func tunnel(
            _ pair: Pair,
            until isWanted: (TunnelStatus) -> Bool = { _ in true }
        ) async throws -> TunnelStatus {
            let client = AdminClient(socket: "\(pair.folder.path)/run/admin.sock", timeouts: .long)
            let deadline = ContinuousClock.now + testTimeout
            while true {
                let tunnel = try await client.call(.tunnel("raw"), as: TunnelStatus.self)
                if isWanted(tunnel) || ContinuousClock.now > deadline { return tunnel }
                try await Task.sleep(for: .milliseconds(10))
            }
        }

        @Test("two upstreams that are restarted in turn under load fail no stream")
        func restarts() async throws {
            try await Self.withServices(2) { services in
                let list = services.map { "{ forward: \"unix:\($0.path)\" }" }.joined(separator: ", ")
                let tunnels = "  - { name: raw, upstreams: [\(list)], tunnel: { protocol: tcp } }"
                try await Pair.with(tunnels: tunnels) { pair in
                    let port = try await pair.rawPort()
                    let finished = Observed(0)
                    let isOver = Observed(false)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for visitor in 0..<Self.visitors {
                            group.addTask {
                                var number = 0
                                while !isOver.value {
                                    number += 1
                                    let seed = UInt64(visitor * 1_000_000 + number)
                                    let plan = Exchange(seed: seed, upload: 20_000, download: 30_000)
                                    try await Visitor.exchange(plan, port: port)
                                    finished.change { $0 += 1 }
                                }
                            }
                        }
                        group.addTask {
                            // Also ends the visitors when something goes wrong here.
                            defer { isOver.change { $0 = true } }
                            for _ in 0..<Self.rounds {
                                for service in services {
                                    service.leave()
                                    let down = finished.value
                                    try await finished.wait(for: "exchanges with one service") {
                                        $0 >= down + Self.exchanges
                                    }
                                    try await service.start()
                                    let up = finished.value
                                    try await finished.wait(for: "exchanges with both services") {
                                        $0 >= up + Self.exchanges
                                    }
                                }
                            }
                        }
                        for try await _ in group {}
                    }
                    let tunnel = try await Self.tunnel(pair)
                    #expect(tunnel.streams.failed == 0 && tunnel.streams.total >= finished.value, "\(tunnel)")
                    #expect(tunnel.upstreams.allSatisfy { $0.streams.total > 0 && $0.streams.failed > 0 }, "\(tunnel)")
                    #expect(pair.daemon.log.contains { $0.message == "upstream ejected" })
                    #expect(!pair.daemon.log.contains { $0.message == "upstream unreachable" })
                }
            }
        }

        @Test("a tunnel whose upstreams are unhealthy is closed at the engine, and opened again when one is healthy")
        func close() async throws {
            try await Self.withServices(1) { services in
                let health = "{ interval: 1s, rise: 1, fall: 1, onUnhealthy: close }"
                let tunnels = """
                      - name: raw
                        forward: "unix:\(services[0].path)"
                        upstream: { health: \(health) }
                        tunnel: { protocol: tcp }
                    """
                try await Pair.with(tunnels: tunnels) { pair in
                    try await pair.engine.wait { $0.tunnels == 1 }
                    let port = try await pair.rawPort()
                    #expect(await Visitor.isServed(port: port))
                    for _ in 0..<2 {
                        services[0].leave()
                        try await pair.engine.wait { $0.tunnels == 0 }
                        let closed = try await Self.tunnel(pair) { $0.state == .pending }
                        #expect(closed.state == .pending && closed.upstreams.map(\.state) == [.unhealthy], "\(closed)")
                        #expect(closed.lastError?.message.hasPrefix("closed until an upstream is healthy") == true)
                        try await services[0].start()
                        try await pair.engine.wait { $0.tunnels == 1 }
                        let again = try #require(try await pair.ports("raw").first)
                        #expect(await Visitor.isServed(port: again))
                    }
                    let opened = try await Self.tunnel(pair) { $0.state == .online }
                    #expect(opened.upstreams.map(\.state) == [.healthy] && opened.lastError == nil, "\(opened)")
                }
            }
        }
    }
}
