// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import NIOCore
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamSocket
import RstreamTestSupport
import Testing

extension RstreamClientOptions.Timeouts {
    /// For others that are there, however slow they are.
    static let patient = Self(connect: testTimeout, answer: testTimeout, streamDial: testTimeout, close: testTimeout)
}

/// Everything a relayed stream needs: an engine, a control channel, and a tunnel whose streams go to an upstream.
struct RelayFixture: Sendable {
    let engine: TestEngine
    let client: RstreamClient
    let control: RstreamControlChannel
    let table: StreamTable
    let acceptor: RelayAcceptor
    let tunnel: OpenedTunnel
    let log: LogCapture

    /// How a visitor comes in.
    enum Way: CaseIterable, Sendable {
        /// Over a published port: plain TCP up to the engine.
        case tcp
        /// By a private dial: TLS up to the engine.
        case dial
        /// As an HTTP client of a published name.
        case http

        /// Those that carry any bytes.
        static let allCases = [tcp, dial]
    }

    /// Opens all of it and closes it when `body` returns; by then every stream must be over.
    static func with(
        _ upstream: UpstreamAddress,
        way: Way = .tcp,
        capacity: Int = 100,
        streamLimit: Int = 0,
        options: UpstreamOptions = UpstreamOptions(connectTimeout: testTimeout),
        unixSockets: UnixSocketRule? = nil,
        limits: RstreamClientOptions.Limits = RstreamClientOptions.Limits(),
        zeroRTT: Bool = true,
        requestDelay: Duration = RelayAcceptor.requestDelay,
        engine configuration: DevEngineConfiguration = .patient,
        _ body: (RelayFixture) async throws -> Void
    ) async throws {
        try await TestEngine.with(configuration) { engine in
            let log = LogCapture()
            let clientOptions = RstreamClientOptions(
                engine: engine.address,
                credential: .token(TestEngine.token),
                transport: TransportOptions(tls: TransportOptions.TLS(caFile: engine.caFile)),
                zeroRTT: zeroRTT,
                timeouts: .patient,
                limits: limits
            )
            let client = RstreamClient(clientOptions, logger: log.logger)
            let control = try await client.connect()
            let table = StreamTable(capacity: capacity)
            let spec =
                switch way {
                case .tcp: TunnelSpec(protocol: .tcp)
                case .dial: TunnelSpec(name: "relayed", publish: false)
                case .http: TunnelSpec(name: "web", protocol: .http)
                }
            let acceptor = RelayAcceptor(
                Upstream(address: upstream, options: options, unixSockets: unixSockets),
                streamLimit: streamLimit,
                requestDelay: requestDelay,
                table: table,
                logger: log.logger
            )
            let tunnel = try await control.openTunnel(try spec.validated(), acceptor: acceptor)
            let fixture = RelayFixture(
                engine: engine,
                client: client,
                control: control,
                table: table,
                acceptor: acceptor,
                tunnel: tunnel,
                log: log
            )
            do {
                try await body(fixture)
                try await fixture.waitUntilEmpty()
            } catch {
                table.cut()
                throw error
            }
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    /// A visitor of the tunnel.
    func visit(reads: Bool = true, sendBuffer: Int? = nil) async throws -> TestConnection {
        if let port = tunnel.properties.port {
            return try await .connect(toPort: Int(port), reads: reads, sendBuffer: sendBuffer)
        }
        return try await client.dial("relayed").start { channel in
            try TestConnection.take(channel)
        }
    }

    /// Waits until the last stream has ended and left the table. The table takes no more streams afterwards.
    func waitUntilEmpty() async throws {
        let table = table
        try await within("the last stream's end") { await table.drain() }
    }

    /// Carries so many bytes from a visitor to a service through another tunnel of the same channel: what another stream
    /// has not carried when this returns, it had time enough for.
    func carry(_ total: Int) async throws {
        try await TestServer.with(.manual) { server in
            let acceptor = RelayAcceptor(
                Upstream(address: .port(server.port), options: UpstreamOptions(connectTimeout: testTimeout)),
                streamLimit: 0,
                table: StreamTable(capacity: 1),
                logger: log.logger
            )
            let spec = TunnelSpec(name: "carrying", protocol: .tcp)
            let tunnel = try await control.openTunnel(try spec.validated(), acceptor: acceptor)
            guard let port = tunnel.properties.port else { throw DeadlinePassed(what: "a port", state: "none") }
            let visitor = try await TestConnection.connect(toPort: Int(port))
            let service = try await server.connection()
            let sent = visitor.pump(total)
            try await sent.wait(for: "the transfer", within: testTimeout * 5) { $0 == total }
            try await visitor.finish()
            _ = try await service.receiveAll(within: testTimeout * 5)
            try await service.finish()
            try await visitor.waitForClose()
            control.closeTunnel(tunnel.id)
            _ = await tunnel.waitUntilEnded()
        }
    }

    /// The first stream that waits for its upstream, once there is one.
    @discardableResult
    func heldStream() async throws -> StreamSnapshot {
        try await log.wait(for: "stream waiting for upstream")
        return try #require(acceptor.ledger.snapshots.first { $0.state == .holding })
    }

    /// Waits until so many streams have ended.
    @discardableResult
    func waitForEnds(_ count: Int = 1) async throws -> [LogCapture.Line] {
        try await log.wait(for: "stream closed", count: count)
    }
}

extension UpstreamAddress {
    static func port(_ port: Int) -> Self { .tcp(host: "127.0.0.1", service: "\(port)") }
}
