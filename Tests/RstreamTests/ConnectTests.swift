// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Connecting", .serialized, .timeLimit(.hang))
struct ConnectTests {
    @Test("opens a control channel that knows its engine, and closes it in order")
    func connect() async throws {
        try await TestEngine.with(.with { $0.livenessTimeout = .seconds(60) }) { engine in
            let control = try await engine.client().connect()
            #expect(!control.clientID.isEmpty)
            #expect(control.serverDetails?.agent == "rstream-dev-engine")
            #expect(control.engine == engine.address)
            #expect(control.livenessTimeout == .seconds(60))
            let hello = try await engine.engine.wait { $0.clients == 1 }.messages.first
            #expect(hello?.kind == "OpenControlChannelReq")
            #expect(hello?.hasToken == true)
            #expect(hello?.protocolVersion == "1.4.5")
            #expect(hello?.heartbeatInterval == 5_000)
            await control.close()
            #expect(await control.waitUntilClosed() == nil)
            try await engine.waitUntilDeserted()
            let goodbye = try await engine.engine.statistics().messages.last
            #expect(goodbye?.kind == "CloseControlChannelReq")
        }
    }

    @Test("sends the first heartbeat at once, and none when heartbeats are off")
    func heartbeats() async throws {
        try await TestEngine.with { engine in
            let silent = try await engine.client { $0.heartbeatInterval = nil }.connect()
            #expect(silent.livenessTimeout == nil)
            await silent.close()
            #expect(try await engine.engine.statistics().heartbeatsTotal == 0)
            let control = try await engine.client { $0.heartbeatInterval = .seconds(300) }.connect()
            try await engine.engine.wait { $0.heartbeatsTotal == 1 }
            await control.close()
        }
    }

    @Test("refuses a heartbeat interval that the protocol does not allow before it dials")
    func interval() async throws {
        try await TestEngine.with { engine in
            for interval in [Duration.milliseconds(999), .seconds(301), .microseconds(1_500_500)] {
                let client = engine.client { $0.heartbeatInterval = interval }
                let error = try await failure { _ = try await client.connect() }
                #expect(error.code == .invalidConfig)
                #expect(error.retry == .never)
            }
            #expect(try await engine.engine.statistics().connections == 0)
        }
    }

    @Test("reports a rejected token as the engine's error, which needs a change")
    func unauthorized() async throws {
        try await TestEngine.with { engine in
            let client = engine.client { $0.credential = .token(Secret("wrong")) }
            let error = try await failure { _ = try await client.connect() }
            #expect(error.code == .engine)
            #expect(error.engineCode == .unauthorized)
            #expect(error.retry == .afterReload)
            #expect(!"\(error)".contains("wrong"))
            try await engine.waitUntilDeserted()
        }
    }

    @Test("asks the token provider at every connect")
    func tokenProvider() async throws {
        try await TestEngine.with { engine in
            let tokens = Observed<[Secret]>([Secret("old"), TestEngine.token])
            let client = engine.client {
                $0.credential = .tokenProvider { () async throws(RstreamError) in
                    await Task.yield()
                    var token = Secret("")
                    tokens.change { token = $0.removeFirst() }
                    return token
                }
            }
            #expect(try await failure { _ = try await client.connect() }.engineCode == .unauthorized)
            await (try client.connect()).close()
            #expect(tokens.value.isEmpty)
        }
    }

    @Test("reports an error of the token provider as it is, without dialing")
    func tokenProviderFails() async throws {
        try await TestEngine.with { engine in
            let missing = RstreamError(code: .authRequired, origin: .host, retry: .afterBackoff, what: "no token")
            let client = engine.client { $0.credential = .tokenProvider(Self.failing(with: missing)) }
            let connecting = try await failure { _ = try await client.connect() }
            #expect(connecting == missing)
            let dialing = try await failure { _ = try await client.dial("x") }
            #expect(dialing == missing)
            #expect(try await engine.engine.statistics().connections == 0)
        }
    }

    @Test("reports a port without a listener, and says which")
    func refused() async throws {
        try await TestServer.withDeadPort { port in
            let engine = try EngineAddress("127.0.0.1:\(port)")
            let client = RstreamClient(RstreamClientOptions(engine: engine, credential: .none, timeouts: .patient))
            let error = try await failure { _ = try await client.connect() }
            #expect(error.code == .engineUnreachable)
            #expect(error.retry == .afterBackoff)
            #expect(error.what == "engine 127.0.0.1:\(port): the connection was refused")
        }
    }

    @Test("reports a name that does not resolve")
    func unresolvable() async throws {
        let engine = try EngineAddress("engine.invalid")
        let client = RstreamClient(RstreamClientOptions(engine: engine, credential: .none, timeouts: .patient))
        let error = try await failure { _ = try await client.connect() }
        #expect(error.code == .engineUnreachable)
        #expect(error.retry == .afterBackoff)
        #expect(error.what.hasPrefix(#"engine engine.invalid:443: the name "engine.invalid" cannot be resolved"#))
    }

    @Test("reports a peer that does not speak TLS")
    func notTLS() async throws {
        try await TestEngine.with { engine in
            await engine.engine.setFaults([Fault(.notTLS)])
            let error = try await failure { _ = try await engine.client().connect() }
            #expect(error.code == .engineUnreachable)
            #expect(error.what.hasSuffix("the server does not speak TLS"))
            #expect(try await failure { _ = try await engine.client().dial("x") }.what == error.what)
        }
    }

    @Test("takes an engine that selects no application protocol, as every SDK does")
    func noALPN() async throws {
        try await TestEngine.with { engine in
            await engine.engine.setFaults([Fault(.noALPN)])
            await (try engine.client().connect()).close()
        }
    }

    @Test("gives up on a peer that accepts and says nothing", arguments: ["connect", "dial"])
    func silentPeer(operation: String) async throws {
        try await TestServer.with(.manual) { server in
            var options = RstreamClientOptions(engine: try EngineAddress("127.0.0.1:\(server.port)"), credential: .none)
            options.timeouts.connect = .seconds(1)
            let client = RstreamClient(options)
            let error = try await failure {
                if operation == "dial" { _ = try await client.dial("x") } else { _ = try await client.connect() }
            }
            #expect(error.code == .engineUnreachable)
            #expect(error.retry == .afterBackoff)
            #expect(error.what.contains("within 1 s"))
            let connection = try await server.connection()
            try await connection.state.wait(for: "the end of the connection") { $0.isOver }
        }
    }

    @Test(
        "reports an engine that answers the opening request wrongly, not at all, or by closing",
        arguments: [
            (Fault(.openEmpty), RstreamError.Code.protocolViolation, RstreamError.Retry.afterBackoff),
            (Fault(.openWrongMessage), .protocolViolation, .afterBackoff),
            (Fault(.openSilence), .operationTimeout, .afterBackoff),
            (Fault(.closeOnOpen), .engineUnreachable, .afterBackoff),
            (Fault(.livenessInterval, value: .number(7_000)), .protocolViolation, .afterBackoff),
            (Fault(.livenessTimeout, value: .number(4_999)), .protocolViolation, .afterBackoff),
            (Fault(.livenessTimeout, value: .number(900_001)), .protocolViolation, .afterBackoff),
            (engineError(.openError, 6_000), .engine, .afterBackoff),
            (engineError(.openError, 2_030), .engine, .afterReload),
            (engineError(.openError, 4_711), .engine, .afterReload),
        ]
    )
    func badAnswer(fault: Fault, code: RstreamError.Code, retry: RstreamError.Retry) async throws {
        try await TestEngine.with { engine in
            await engine.engine.setFaults([fault])
            // Short only where no answer comes.
            let client = engine.client { if fault.name == .openSilence { $0.timeouts.answer = .milliseconds(200) } }
            let error = try await failure { _ = try await client.connect() }
            #expect(error.code == code)
            #expect(error.retry == retry)
            try await engine.waitUntilDeserted()
        }
    }

    @Test("works with an engine that knows no liveness")
    func legacy() async throws {
        try await TestEngine.with(.with { $0.isLegacy = true }) { engine in
            let control = try await engine.client().connect()
            #expect(control.livenessTimeout == nil)
            _ = try await control.createTunnel(unpublished())
            try await engine.engine.wait { $0.heartbeatsTotal >= 1 && $0.tunnels == 1 }
            await control.close()
        }
    }

    private static func failing(with error: RstreamError) -> @Sendable () throws(RstreamError) -> Secret {
        { () throws(RstreamError) in throw error }
    }

    static func engineError(_ name: FaultName, _ code: Int) -> Fault {
        Fault(name, value: .error(EngineError(code: EngineErrorCode(rawValue: code), message: "injected")))
    }
}
