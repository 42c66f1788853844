// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import DevEngine
internal import NIOCore
package import RstreamModel

/// A development engine in the test's own process, with a folder and an authority of its own.
package struct TestEngine: Sendable {
    package let engine: DevEngine
    /// What agents must show.
    package static let token = Secret("test-token")

    package var address: EngineAddress { engine.address }
    package var caFile: String { engine.caPath }
    package var caPEM: String { engine.caPEM }

    /// Runs an engine until `body` returns.
    package static func with<Value>(
        _ configuration: DevEngineConfiguration = .patient,
        _ body: (TestEngine) async throws -> Value
    ) async throws -> Value {
        try await TemporaryFolder.with { folder in
            try await with(configuration, in: folder, body)
        }
    }

    /// Runs an engine whose authority is kept in `folder`, for tests that start it again.
    package static func with<Value>(
        _ configuration: DevEngineConfiguration = .patient,
        in folder: TemporaryFolder,
        _ body: (TestEngine) async throws -> Value
    ) async throws -> Value {
        var configuration = configuration
        configuration.stateDirectory = folder.path(of: "engine")
        configuration.authentication = .token(token)
        let engine = try await DevEngine.start(configuration)
        do {
            let value = try await body(TestEngine(engine: engine))
            await engine.shutdown()
            return value
        } catch {
            await engine.shutdown()
            throw error
        }
    }

    /// Waits until every visitor, dialer and agent connection is gone: whatever a test opened was closed.
    package func waitUntilDeserted() async throws {
        try await engine.wait { $0.connections == 0 && $0.waitingStreams == 0 && $0.relays == 0 }
    }

    /// Waits until an agent has answered so many requests for a stream with an error, and returns their texts.
    @discardableResult
    package func refusals(_ count: Int = 1) async throws -> [String] {
        try await engine.wait { statistics in
            statistics.messages.count { $0.kind == "ProxyConnRsp" && $0.errorCode != nil } >= count
        }.messages.filter { $0.kind == "ProxyConnRsp" }.compactMap(\.errorMessage)
    }

    /// Waits until an agent has answered so many requests for a stream, in whatever way.
    package func waitForAnswers(_ count: Int) async throws {
        try await engine.wait { statistics in statistics.messages.count { $0.kind == "ProxyConnRsp" } >= count }
    }

    // MARK: Visitors

    /// Connects as a visitor of a name that the engine publishes.
    package func visit(_ hostname: String, protocols: [String] = ["http/1.1"]) async throws -> TestConnection {
        try await .connect(
            toPort: address.port,
            tls: TestTLS(authority: caPEM, serverName: hostname, applicationProtocols: protocols)
        )
    }

    /// Fetches a page; the answer's head and body, as they came.
    package func get(_ path: String = "/", from hostname: String) async throws -> String {
        let visitor = try await visit(hostname)
        try await visitor.send("GET \(path) HTTP/1.1\r\nHost: \(hostname)\r\nConnection: close\r\n\r\n")
        let answer = try await visitor.receiveText()
        await visitor.close()
        return answer
    }
}

extension DevEngineConfiguration {
    /// The defaults, with timeouts that no slow machine reaches.
    package static let patient: Self = {
        var configuration = Self()
        configuration.timeouts = Timeouts(.minutes(10))
        configuration.livenessTimeout = .minutes(5)
        return configuration
    }()

    /// The same, changed by `change`.
    package static func with(_ change: (inout Self) -> Void) -> Self {
        var configuration = patient
        change(&configuration)
        return configuration
    }
}
