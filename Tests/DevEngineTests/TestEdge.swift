// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import NIOCore
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

/// An engine, an agent with one tunnel, and the two ends of what comes through it: visitors, and the agent's connections
/// for them, which are as good as a service.
struct TestEdge {
    static let hostname = "web.t.localhost"

    let engine: DevEngine
    let agent: TestPeer

    /// The tunnel is an `http` one unless `tunnel` changes that.
    static func with(
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ tunnel: (inout TunnelProperties) -> Void = { _ in },
        _ body: (TestEdge) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            var configuration = DevEngineConfiguration.patient
            configuration.stateDirectory = folder.path(of: "engine")
            // A visitor that was answered before its end still has to say that.
            configuration.timeouts.goodbye = TimeAmount(longestStall)
            configuration.authentication = .token(Secret("token"))
            configuration.registeredCertificates = [try ClientCertificate(in: folder).certificateFile]
            let engine = try await DevEngine.start(configuration, logger: logger)
            do {
                try await TestPeer.connect(to: engine) { agent in
                    _ = try await agent.open()
                    let outcome = try await agent.openTunnel { properties in
                        (properties.protocol, properties.hostname) = ("http", hostname)
                        tunnel(&properties)
                    }
                    guard case .granted = outcome else {
                        Issue.record("the tunnel was refused: \(String(describing: outcome))")
                        return
                    }
                    try await body(TestEdge(engine: engine, agent: agent))
                }
            } catch {
                await engine.shutdown()
                throw error
            }
            await engine.shutdown()
        }
    }

    /// The head that a service is shown for this one of a visitor, who named the host so.
    static func forwarded(_ head: String, host: String = hostname) -> String {
        // CR LF is one character.
        head.dropLast() + "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: \(host)\r\n\r\n"
    }

    /// A visitor who asks for this name in the handshake.
    func visit(_ name: String = hostname, showsCertificate: Bool = false) async throws -> TestConnection {
        var tls = TestTLS(authority: engine.caPEM, serverName: name, applicationProtocols: ["http/1.1"])
        tls.showsCertificate = showsCertificate
        return try await .connect(toPort: engine.address.port, tls: tls)
    }

    /// What a visitor is answered by the engine itself, who asks once and says no more.
    func answer(to request: String, showsCertificate: Bool = false) async throws -> String {
        let visitor = try await visit(showsCertificate: showsCertificate)
        try await visitor.send(request)
        try await visitor.finish()
        let answer = try await visitor.receiveText()
        await visitor.close()
        return answer
    }

    /// The agent's connection for the next visitor.
    func bring() async throws -> TestConnection {
        let request = try #require(try await agent.proxyConnectionRequest())
        let stream = try await TestConnection.connect(
            toPort: engine.address.port,
            tls: TestTLS(authority: engine.caPEM, serverName: "localhost", applicationProtocols: [wireALPN])
        )
        let details = TestPeer.details.with(token: request.secret)
        var frame = ByteBuffer()
        try frame.writeFrame(
            .proxyRequest(ProxyRequest(details: details, streamID: request.streamID, zeroRTT: true))
        )
        try await stream.send(frame)
        return stream
    }
}
