// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("Connections that are idle", .timeLimit(.hang))
struct KeepAliveTests {
    /// RUN.md §6; how many probes may be lost is the kernel's to say.
    private static let wanted = KeepAliveFacts(
        isOn: true,
        idle: 15,
        interval: 15,
        probes: KeepAliveFacts.ofNewSocket.probes
    )

    @Test("are probed on a stream's way to a service and to the engine", arguments: RelayFixture.Way.allCases)
    func stream(way: RelayFixture.Way) async throws {
        try #require(KeepAliveFacts.ofNewSocket != Self.wanted, "nobody could tell")
        for host in ["127.0.0.1", "localhost"] {
            try await TestServer.with(.manual) { server in
                try await RelayFixture.with(.tcp(host: host, service: "\(server.port)"), way: way) { fixture in
                    let visitor = try await fixture.visit()
                    let service = try await server.connection()
                    // All is there that a stream needs once its bytes have gone both ways.
                    try await visitor.send("hello")
                    #expect(try await service.receive(asLongAs: "hello") == "hello")

                    let upstream = KeepAliveFacts.ofConnections { _, peer in peer == server.port }
                    #expect(upstream == [Self.wanted], "\(host)")
                    let engine = KeepAliveFacts.ofConnections { _, peer in peer == fixture.engine.address.port }
                    // The control channel and the stream; whoever dials has a connection too.
                    #expect(engine.count == (way == .dial ? 3 : 2))
                    #expect(Set(engine) == [Self.wanted])
                    await visitor.close()
                    await service.close()
                }
            }
        }
    }

    @Test("are probed where local programs connect to a listener", arguments: ["127.0.0.1", "0.0.0.0"])
    func listener(host: String) async throws {
        try await TestServer.with(.manual) { server in
            try await RelayFixture.with(.port(server.port), way: .dial) { fixture in
                try await ListenerFixture.with(.tcp(host: host, port: 0), client: fixture.client) { listening in
                    let local = try await listening.connect()
                    let service = try await server.connection()
                    try await local.send("hello")
                    #expect(try await service.receive(asLongAs: "hello") == "hello")
                    let accepted = KeepAliveFacts.ofConnections { own, peer in
                        own == listening.port && peer == local.channel.localAddress?.port
                    }
                    #expect(accepted == [Self.wanted])
                    await local.close()
                    await service.close()
                }
            }
        }
    }
}
