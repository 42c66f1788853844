// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

@testable import DevEngine

@Suite("A connection that ends during its TLS handshake", .timeLimit(.hang))
struct HandshakeEndTests {
    @Test("leaves nothing in the engine's memory", arguments: [true, false])
    func leavesNothing(resets: Bool) async throws {
        try await TestEngine.with { test in
            let engine = test.engine
            // One that never reads the engine's half of the handshake.
            let client = try await TestConnection.connect(
                toPort: test.address.port,
                tls: TestTLS(authority: test.caPEM, serverName: "localhost", applicationProtocols: [wireALPN]),
                reads: false
            )
            let leaks = Leaks()
            let loop = engine.group.next()
            let bound = engine.engine
            while leaks.count == 0, !Task.isCancelled {
                try await loop.submit {
                    for connection in bound.value.connections.values {
                        let pipeline = connection.channel.pipeline.syncOperations
                        guard (try? pipeline.handler(type: NIOSSLServerHandler.self)) != nil else { continue }
                        leaks.watch(connection, "the connection")
                        leaks.watch(connection.channel, "its channel")
                    }
                }.get()
            }
            if resets { await client.reset() } else { client.channel.close(mode: .all, promise: nil) }
            try await test.waitUntilDeserted()
            try await leaks.expectNone(on: engine.group)
        }
    }

    @Test("is closed when its peer says no more, long before it is too late for the handshake")
    func halfClosed() async throws {
        try await TestEngine.with { test in
            let client = try await TestConnection.connect(toPort: test.address.port)
            try await client.send(try hello())
            // The engine has answered, and waits.
            try await client.state.wait(for: "the engine's half") { $0.received.readableBytes > 0 }
            try await client.finish()
            // Neither waits for as long as this engine gives a handshake.
            try await client.state.wait(for: "the end") { $0.isOver }
            try await test.waitUntilDeserted()
        }
    }

    /// What a client says first.
    private func hello() throws -> ByteBuffer {
        let context = try NIOSSLContext(configuration: .makeClientConfiguration())
        let client = EmbeddedChannel(handler: try NIOSSLClientHandler(context: context, serverHostname: "localhost"))
        client.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        defer { _ = try? client.finish() }
        return try client.readOutbound(as: ByteBuffer.self) ?? ByteBuffer()
    }
}
