import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A caller that is cancelled", .serialized, .timeLimit(.minutes(1)))
struct CancellationTests {
    @Test("stops connecting at once and leaves no connection behind", arguments: ["connect", "dial"])
    func connecting(operation: String) async throws {
        try await TestServer.with(.manual) { server in
            let client = Client(
                ClientOptions(engine: try EngineAddress("127.0.0.1:\(server.port)"), credential: .none)
            )
            let task = Task {
                if operation == "dial" { _ = try await client.dial("x") } else { _ = try await client.connect() }
            }
            let connection = try await server.connection()
            task.cancel()
            let error = try await failure { try await within("the cancelled call") { try await task.value } }
            #expect(error.retry == .never)
            try await connection.waitForClose()
        }
    }

    @Test("stops waiting for the answer to the opening request, which closes the connection")
    func opening() async throws {
        try await TestEngine.with(.with { $0.faults = [Fault(.openSilence)] }) { engine in
            let client = engine.client()
            let task = Task { _ = try await client.connect() }
            try await engine.engine.wait { !$0.messages.isEmpty }
            task.cancel()
            let error = try await failure { try await within("the cancelled call") { try await task.value } }
            #expect(error.retry == .never)
            try await engine.waitUntilDeserted()
        }
    }

    @Test("stops waiting for a tunnel, and a late grant is given back")
    func tunnel() async throws {
        try await TestEngine.with(.with { $0.faults = [Fault(.tunnelLate, value: .number(1_500), count: 1)] }) {
            engine in
            let control = try await engine.client().connect()
            let task = Task { _ = try await control.createTunnel(unpublished()) }
            try await engine.engine.wait { $0.tunnels == 1 }
            task.cancel()
            let error = try await failure { try await within("the cancelled call") { try await task.value } }
            #expect(error.retry == .never)
            try await engine.engine.wait { $0.tunnels == 0 }
            #expect(try await engine.engine.statistics().messages.last?.kind == "CloseTunnelReq")
            await control.close()
        }
    }

    @Test("gets its error even when it was cancelled before it began")
    func before() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                _ = try await client.connect()
            }
            #expect(try await failure { try await task.value }.retry == .never)
            try await engine.waitUntilDeserted()
        }
    }
}
