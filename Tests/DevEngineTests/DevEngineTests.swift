// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

@testable import DevEngine

@Suite("The engine in process", .timeLimit(.hang))
struct DevEngineTests {
    private func withEngine(
        _ change: (inout DevEngineConfiguration) -> Void = { _ in },
        _ body: (DevEngine) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dev-engine-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var configuration = DevEngineConfiguration.patient
        configuration.stateDirectory = folder.path
        configuration.authentication = .token(Secret("token"))
        change(&configuration)
        let engine = try await DevEngine.start(configuration)
        do {
            try await body(engine)
        } catch {
            await engine.shutdown()
            throw error
        }
        await engine.shutdown()
    }

    @Test("says in its own words why a connection broke, and why it cannot listen")
    func words() {
        struct Strange: Error {}
        let words: [(any Error, String)] = [
            (IOError(errnoCode: ECONNRESET, reason: "read"), "connection reset"),
            (IOError(errnoCode: ETIMEDOUT, reason: "read"), "Connection timed out"),
            (NIOSSLError.uncleanShutdown, "connection closed without close_notify"),
            (NIOSSLError.failedToLoadCertificate, "TLS failed"), (Strange(), "connection broken"),
        ]
        for (error, expected) in words { #expect(ConnectionFailure.text(error) == expected) }
        let failures: [(any Error, String)] = [
            (IOError(errnoCode: EADDRINUSE, reason: "bind"), "Address already in use"),
            (Strange(), "listening failed"),
        ]
        for (error, expected) in failures {
            #expect("\(StartFailure(listeningAt: "a:1", error))" == "--listen a:1: \(expected)")
        }
    }

    /// A private tunnel, a dial to it, and the agent's connection for that dial.
    private func withStream(
        _ engine: DevEngine,
        zeroRTT: Bool,
        _ body: (TestPeer, TestPeer) async throws -> Void
    ) async throws {
        try await TestPeer.connect(to: engine) { agent in
            _ = try await agent.open()
            _ = try await agent.openTunnel { ($0.name, $0.publish) = ("private", false) }
            try await TestPeer.connect(to: engine) { dialer in
                try await dialer.send(
                    .streamRequest(
                        StreamRequest(details: TestPeer.details, tunnelIDOrName: "private", zeroRTT: zeroRTT)
                    )
                )
                let request = try #require(try await agent.proxyConnectionRequest())
                try await TestPeer.connect(to: engine) { stream in
                    let details = TestPeer.details.with(token: request.secret)
                    try await stream.send(
                        .proxyRequest(ProxyRequest(details: details, streamID: request.streamID, zeroRTT: zeroRTT))
                    )
                    if !zeroRTT {
                        #expect(try await stream.message() == .proxyResponse(error: nil))
                        let answer = StreamResponse.connected(streamID: request.streamID)
                        #expect(try await dialer.message() == .streamResponse(answer))
                    }
                    try await body(dialer, stream)
                }
            }
        }
    }

    @Test("relays a private dial, and each end of input on its own", arguments: [true, false])
    func halfClose(zeroRTT: Bool) async throws {
        try await withEngine { engine in
            try await withStream(engine, zeroRTT: zeroRTT) { dialer, stream in
                try await dialer.send("question")
                dialer.finish()
                #expect(try await stream.text() == "question")
                try await stream.send("answer")
                stream.finish()
                #expect(try await dialer.text() == "answer")
            }
            try await engine.wait { $0.relays == 0 && $0.relaysTotal == 1 && $0.connections == 0 }
        }
    }

    @Test("keeps payload connections when it drops the control channel")
    func preservation() async throws {
        try await withEngine { engine in
            try await withStream(engine, zeroRTT: true) { dialer, stream in
                try await dialer.send("1")
                #expect(try await stream.text(1) == "1")
                await engine.dropControlChannels()
                let statistics = try await engine.wait { $0.clients == 0 }
                #expect(statistics.tunnels == 0)
                #expect(statistics.relays == 1)
                try await stream.send("2")
                #expect(try await dialer.text(1) == "2")
            }
        }
    }

    @Test("takes as many connections and tunnels of an agent as it is configured to")
    func capacity() async throws {
        func limit(_ configuration: inout DevEngineConfiguration) {
            (configuration.capacity.connections, configuration.capacity.tunnelsPerClient) = (2, 1)
        }
        try await withEngine(limit) { engine in
            try await TestPeer.connect(to: engine) { agent in
                _ = try await agent.open()
                let first = try await agent.openTunnel { ($0.name, $0.publish) = ("first", false) }
                guard case .granted = first else {
                    Issue.record("the first tunnel was refused")
                    return
                }
                guard case .error(let error) = try await agent.openTunnel({ $0.publish = false }) else {
                    Issue.record("the second tunnel was granted")
                    return
                }
                #expect(error.code == .capacityExhausted)
                let second = try await TestConnection.connect(toPort: engine.address.port)
                _ = try await engine.wait { $0.connections == 2 }
                // It may be reset before it is seen to be open.
                if let third = try? await TestConnection.connect(toPort: engine.address.port) {
                    try await third.waitForReset()
                    await third.close()
                }
                _ = try await engine.wait { $0.connections == 2 && $0.connectionsTotal == 3 }
                await second.close()
            }
        }
    }

    @Test("never takes an agent's own token for a stream's secret")
    func secret() async throws {
        try await withEngine { engine in
            try await TestPeer.connect(to: engine) { agent in
                _ = try await agent.open()
                _ = try await agent.openTunnel { ($0.name, $0.publish) = ("private", false) }
                try await TestPeer.connect(to: engine) { dialer in
                    try await dialer.send(
                        .streamRequest(
                            StreamRequest(details: TestPeer.details, tunnelIDOrName: "private", zeroRTT: true)
                        )
                    )
                    let request = try #require(try await agent.proxyConnectionRequest())
                    try await TestPeer.connect(to: engine) { stream in
                        let proxy = ProxyRequest(details: TestPeer.details, streamID: request.streamID, zeroRTT: false)
                        try await stream.send(.proxyRequest(proxy))
                        guard case .proxyResponse(let error?) = try await stream.message() else {
                            Issue.record("the engine took it")
                            return
                        }
                        #expect(error.code == .invalidStream)
                    }
                }
            }
        }
    }

    @Test("tells a dialer that there is no such tunnel")
    func unknownTarget() async throws {
        try await withEngine { engine in
            try await TestPeer.connect(to: engine) { dialer in
                let request = StreamRequest(details: TestPeer.details, tunnelIDOrName: "nobody", zeroRTT: false)
                try await dialer.send(.streamRequest(request))
                guard case .streamResponse(.error(let error)) = try await dialer.message() else {
                    Issue.record("the engine did not refuse")
                    return
                }
                #expect(error.code == .tunnelNotFound)
            }
        }
    }

    @Test("terminates TLS with every cipher that it knows, and refuses the others")
    func ciphers() async throws {
        try await withEngine { engine in
            try await TestPeer.connect(to: engine) { agent in
                _ = try await agent.open()
                for name in CipherNames.all.sorted() {
                    let outcome = try await agent.openTunnel { ($0.protocol, $0.tlsCiphers) = ("tls", [name]) }
                    guard case .granted = outcome else {
                        Issue.record("\(name) was refused")
                        continue
                    }
                }
                let outcome = try await agent.openTunnel { ($0.protocol, $0.tlsCiphers) = ("tls", ["foo"]) }
                guard case .error(let error) = outcome else {
                    Issue.record("foo was granted")
                    return
                }
                #expect(error.code == .featureNotAvailable)
            }
        }
    }

    private static func openWeb(_ peer: TestPeer) async throws -> OpenTunnelResponse.Outcome? {
        _ = try await peer.open()
        return try await peer.openTunnel { ($0.protocol, $0.hostname) = ("http", "web.t.localhost") }
    }

    @Test("holds a hostname until the control channel that owns it ends")
    func conflict() async throws {
        try await withEngine { engine in
            try await TestPeer.connect(to: engine) { first in
                guard case .granted(let properties) = try await Self.openWeb(first) else {
                    Issue.record("the first was refused")
                    return
                }
                #expect(properties.hostname == "web.t.localhost")
                #expect(properties.port == UInt32(engine.address.port))
                try await TestPeer.connect(to: engine) { second in
                    let error = EngineError(code: .resourceConflict, message: "Hostname is already in use.")
                    let outcome = try await Self.openWeb(second)
                    #expect(outcome == .error(error))
                }
            }
            try await engine.wait { $0.clients == 0 }
            try await TestPeer.connect(to: engine) { third in
                guard case .granted = try await Self.openWeb(third) else {
                    Issue.record("the hostname was not released")
                    return
                }
            }
        }
    }

    @Test("has let go of all ports of a control channel when it says that the channel is closed")
    func portsBeforeAnswer() async throws {
        // An address of its own: no other process takes a port of it meanwhile.
        try await withEngine {
            $0.listenHost = "127.0.0.77"
        } _: { engine in
            try await TestPeer.connect(to: engine) { agent in
                _ = try await agent.open()
                var ports: [Int] = []
                for _ in 1...500 { ports.append(Int(try await agent.openTCP().port ?? 0)) }
                try await agent.send(.closeControlChannelRequest)
                #expect(try await agent.message() == .closeControlChannelResponse)
                for port in ports { await expectRefused(port, of: engine.address.host) }
            }
        }
    }

    @Test(
        "releases a tunnel's port even if another process has a copy of its socket, as one that is being started does"
    )
    func copiedListener() async throws {
        try await withEngine { engine in
            try await TestPeer.connect(to: engine) { agent in
                _ = try await agent.open()
                let properties = try await agent.openTCP()
                let port = try #require(properties.port)
                let copy = try #require(copyOfListener(atPort: Int(port)))
                defer { close(copy) }
                let tunnelID = try #require(properties.id)
                try await agent.send(.closeTunnelRequest(tunnelID: tunnelID))
                #expect(try await agent.message() == .closeTunnelResponse(tunnelID: tunnelID))
                await expectRefused(Int(port))
                #expect(try await agent.openTCP(port: port).port == port)
            }
        }
    }

    @Test("releases its own port at shutdown even if another process has a copy of its socket")
    func copiedMainListener() async throws {
        var copy: CInt?
        var port = 0
        defer { if let copy { close(copy) } }
        try await withEngine { engine in
            port = engine.address.port
            copy = copyOfListener(atPort: port)
        }
        #expect(copy != nil)
        await expectRefused(port)
        try await withEngine {
            $0.listenPort = port
        } _: { engine in
            #expect(engine.address.port == port)
        }
    }

    private func expectRefused(
        _ port: Int,
        of host: String = "127.0.0.1",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        await #expect(throws: (any Error).self, "port \(port)", sourceLocation: sourceLocation) {
            try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: host, port: port).get().close()
        }
    }

    /// Another descriptor of the socket of this process that listens at `port`.
    private func copyOfListener(atPort port: Int) -> CInt? {
        OpenPorts.descriptor(atPort: port).map { dup($0) }
    }

    @Test("drops an agent that has been silent for twice its timeout")
    func silentAgent() async throws {
        try await withEngine {
            $0.livenessTimeout = .milliseconds(60)
        } _: { engine in
            try await TestPeer.connect(to: engine) { agent in
                let answer = try await agent.open(interval: 50)
                guard case .openControlChannelResponse(.ok(_, _, let liveness?)) = answer else {
                    Issue.record("the engine did not grant liveness")
                    return
                }
                #expect(liveness == WireLiveness(intervalMilliseconds: 50, timeoutMilliseconds: 60))
                try await engine.wait { $0.clients == 0 && $0.controlConnectsTotal == 1 }
            }
        }
    }

    @Test("injects a fault as often as requested, then no more")
    func countedFault() async throws {
        try await withEngine { engine in
            await engine.setFaults([try Fault("open-error=6000:busy*1")])
            let error = EngineError(code: .serviceUnavailable, message: "busy")
            let first = try await TestPeer.connect(to: engine) { try await $0.open() }
            #expect(first == .openControlChannelResponse(.error(error)))
            let second = try await TestPeer.connect(to: engine) { try await $0.open() }
            guard case .openControlChannelResponse(.ok) = second else {
                Issue.record("the fault happened again")
                return
            }
        }
    }

    @Test("remembers what an agent said, without its credential")
    func messages() async throws {
        try await withEngine { engine in
            try await TestPeer.connect(to: engine) { agent in
                _ = try await agent.open()
                _ = try await agent.openTunnel { ($0.name, $0.publish) = ("web", false) }
                try await agent.send(.heartbeat(Heartbeat(sequence: 1)))
                let statistics = try await engine.wait { $0.heartbeatsTotal == 1 }
                #expect(statistics.messages.map(\.kind) == ["OpenControlChannelReq", "OpenTunnelReq"])
                #expect(statistics.messages.first?.hasToken == true)
                #expect(statistics.messages.last?.properties?.name == "web")
                #expect(try await agent.message() == .heartbeat(Heartbeat(acknowledgement: 1)))
            }
        }
    }

    @Test("says how things stood when a condition was not met in time")
    func conditionNotMet() async throws {
        try await withEngine { engine in
            await #expect(throws: DevEngine.ConditionTimeout.self) {
                try await engine.wait(for: .milliseconds(1)) { $0.clients == 7 }
            }
        }
    }

    @Test("keeps its authority, with a key for its owner only")
    func authority() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dev-engine-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var configuration = DevEngineConfiguration()
        configuration.stateDirectory = folder.path
        var authorities: [String] = []
        for _ in 0..<2 {
            let engine = try await DevEngine.start(configuration)
            authorities.append(engine.caPEM)
            #expect(engine.token?.isBlank == false)
            await engine.shutdown()
        }
        #expect(authorities.first == authorities.last)
        for name in ["ca.key", "token"] {
            let path = folder.appending(path: name).path
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o777 } == 0o600)
        }
    }
}
