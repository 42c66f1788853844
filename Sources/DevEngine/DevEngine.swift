// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
package import Logging
package import NIOCore
import NIOPosix
import NIOSSL
package import RstreamModel
import RstreamSocket

/// A small engine for the rstream protocol, for tests and laptops.
///
/// It grants tunnels to agents, publishes `http`, `tls` and `tcp` tunnels to visitors, accepts private dials, serves the
/// engine's HTTP API, and injects faults (``FaultName``). It shares the wire's messages with the daemon but none of its
/// decisions, so a mistake on one side is not repeated on the other. This type is the handle; the engine itself is
/// ``Engine``, which is confined to one event loop. A connection starts in `Listener/` and continues in `Control/`,
/// `Stream/`, `Relay/`, `HTTP/` or `API/`.
package final class DevEngine: Sendable {
    /// Where agents, visitors and API callers connect.
    package let address: EngineAddress
    /// Where redirected agents are sent: the same engine under another name and port.
    package let redirectAddress: EngineAddress
    /// The certificate authority that clients must trust.
    package let caPath: String
    package let caPEM: String
    /// The file of a generated token; nil if authentication was configured.
    package let tokenPath: String?
    /// The token that agents need; nil if none is required, or if tokens are JWTs.
    package let token: Secret?

    let group: MultiThreadedEventLoopGroup
    private let listeners: [any Channel]
    let engine: NIOLoopBound<Engine>
    private let state: StateDirectory

    private init(
        group: MultiThreadedEventLoopGroup,
        listeners: [any Channel],
        engine: NIOLoopBound<Engine>,
        credentials: Credentials,
        addresses: (main: EngineAddress, redirect: EngineAddress)
    ) {
        self.group = group
        self.listeners = listeners
        self.engine = engine
        state = credentials.state
        address = addresses.main
        redirectAddress = addresses.redirect
        caPath = credentials.caPath
        caPEM = credentials.caPEM
        tokenPath = credentials.tokenPath
        token = credentials.token
    }

    /// Starts an engine; it serves until ``shutdown()``.
    package static func start(
        _ configuration: DevEngineConfiguration = DevEngineConfiguration(),
        logger: Logger = Logger(label: "rstream-dev-engine") { _ in SwiftLogNoOpLogHandler() }
    ) async throws(StartFailure) -> DevEngine {
        let credentials = try Credentials(configuration)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            return try await start(configuration, credentials, group, logger)
        } catch {
            try? await group.shutdownGracefully()
            credentials.state.discard()
            throw StartFailure(listeningAt: "\(configuration.listenText):\(configuration.listenPort)", error)
        }
    }

    private static func start(
        _ configuration: DevEngineConfiguration,
        _ credentials: Credentials,
        _ group: MultiThreadedEventLoopGroup,
        _ logger: Logger
    ) async throws -> DevEngine {
        let loop = group.next()
        let engine = try await loop.submit {
            let engine = Engine(
                configuration: configuration,
                authentication: credentials.authentication,
                tls: credentials.tls,
                loop: loop,
                logger: logger
            )
            return NIOLoopBound(engine, eventLoop: loop)
        }.get()
        let host = configuration.listenText
        let listen = { @Sendable (port: Int, kind: Listener.Kind) in
            Listener.bind(engine: engine.value, host: configuration.listenHost, port: port, kind: kind)
        }
        let main = try await loop.flatSubmit { listen(configuration.listenPort, .main) }.get()
        let redirect = try await loop.flatSubmit { listen(0, .redirect) }.get()
        let port = main.localAddress?.port ?? 0
        let addresses = (
            main: try EngineAddress("\(host):\(port)"),
            redirect: try EngineAddress("\(configuration.redirectHost):\(redirect.localAddress?.port ?? 0)")
        )
        try await loop.submit {
            engine.value.port = port
            engine.value.redirectAddress = addresses.redirect.description
        }.get()
        return DevEngine(
            group: group,
            listeners: [main, redirect],
            engine: engine,
            credentials: credentials,
            addresses: addresses
        )
    }

    /// Closes the listeners and resets every connection.
    package func shutdown() async {
        for listener in listeners {
            await ListeningSocket.close(listener)
        }
        try? await on { $0.shutDown() }
        try? await group.shutdownGracefully()
        state.discard()
    }

    // MARK: Actions of tests

    /// Resets every control connection; relayed streams continue.
    package func dropControlChannels() async {
        try? await on { $0.dropControlChannels() }
    }

    /// Ends every tunnel without a request.
    package func closeTunnels() async {
        try? await on { $0.closeTunnels() }
    }

    /// Replaces the active faults.
    package func setFaults(_ faults: [Fault]) async {
        try? await on { $0.faults = FaultPlan(faults) }
    }

    // MARK: Questions of tests

    /// A condition was not met in time.
    package struct ConditionTimeout: Error {
        /// The statistics at that moment.
        package let statistics: DevEngineStatistics
    }

    package func statistics() async throws -> DevEngineStatistics {
        try await on { $0.statistics }
    }

    /// Returns as soon as the statistics fulfil `condition`; throws ``ConditionTimeout`` when they have not within
    /// `timeout`. It is checked on the engine's event loop after every change, so nothing is missed.
    @discardableResult
    package func wait(
        for timeout: TimeAmount = .seconds(45),
        until condition: @escaping @Sendable (DevEngineStatistics) -> Bool
    ) async throws -> DevEngineStatistics {
        let engine = engine
        return try await engine.eventLoop.flatSubmit {
            let wait = engine.value.wait(until: condition)
            let deadline = engine.value.after(timeout) { engine.value.giveUp(wait) }
            wait.met.futureResult.whenComplete { _ in deadline.cancel() }
            return wait.met.futureResult
        }.get()
    }

    private func on<Value: Sendable>(_ body: @escaping @Sendable (Engine) throws -> Value) async throws -> Value {
        let engine = engine
        return try await engine.eventLoop.submit { try body(engine.value) }.get()
    }
}
