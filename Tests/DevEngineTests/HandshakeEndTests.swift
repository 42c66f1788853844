import NIOCore
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

@testable import DevEngine

@Suite("A connection that ends during its TLS handshake", .timeLimit(.minutes(1)))
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
}
