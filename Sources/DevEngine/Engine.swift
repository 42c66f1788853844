// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Logging
import NIOCore
import RstreamModel

/// The engine's state: connected agents, open tunnels, waiting visitors.
///
/// Confined to one event loop, which also runs every connection. A laptop engine needs no second core, and with one
/// loop both halves of a relay, their agent and all tables are accessed without a lock or a hop.
final class Engine {
    let configuration: DevEngineConfiguration
    let loop: any EventLoop
    let authentication: Authentication
    let tls: EdgeTLS
    let events = EventHub()
    var faults: FaultPlan
    var tunnels = TunnelRegistry()
    private(set) var clients: [String: AgentSession] = [:]
    private(set) var offeredStreams: [String: OfferedStream] = [:]
    private(set) var relayedStreams: [ObjectIdentifier: any RelayedStream] = [:]
    private(set) var connections: [ObjectIdentifier: Connection] = [:]
    private(set) var isShuttingDown = false
    /// The main listener's port; set once it is bound.
    var port = 0
    /// The redirect listener's address; set once it is bound.
    var redirectAddress = ""
    var counters = Counters()
    private var conditions: [Condition] = []
    private let logger: Logger

    init(
        configuration: DevEngineConfiguration,
        authentication: Authentication,
        tls: EdgeTLS,
        loop: any EventLoop,
        logger: Logger
    ) {
        self.configuration = configuration
        self.authentication = authentication
        self.tls = tls
        self.loop = loop
        self.logger = logger
        faults = FaultPlan(configuration.faults)
    }

    // MARK: Connections

    func add(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = connection
        counters.connections += 1
        if isShuttingDown || connections.count > configuration.capacity.connections { connection.abort() }
        changed()
    }

    func remove(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = nil
        changed()
    }

    /// Resets every connection and accepts no new one.
    func shutDown() {
        isShuttingDown = true
        for tunnel in tunnels.all { tunnel.close() }
        for connection in connections.values { connection.abort() }
        for condition in conditions { condition.met.fail(CancellationError()) }
        conditions = []
    }

    // MARK: Clients

    func add(_ client: AgentSession) {
        clients[client.id] = client
        counters.controlConnects += 1
        log("client connected", ["client": client.id, "agent": client.details.agent ?? ""])
        events.publish(.clientCreated, .client(ClientDocument(client)))
        changed()
    }

    func remove(_ client: AgentSession, reason: String) {
        guard clients.removeValue(forKey: client.id) != nil else { return }
        for tunnel in client.tunnels.values { close(tunnel) }
        log("client gone", ["client": client.id, "reason": reason])
        events.publish(.clientDeleted, .client(ClientDocument(client)))
        changed()
    }

    /// Why a first frame is refused, nil if it is accepted: the version is checked first, then the credential
    /// (PROTOCOL.md §3).
    func refusal(of details: ClientDetails, on connection: Connection) -> EngineError? {
        if let refusal = ProtocolVersion.refusal(of: details.protocolVersion) { return refusal }
        if authentication.accepts(details.token) { return nil }
        if details.token == nil, tls.isRegistered(connection.peerCertificate) { return nil }
        return EngineError(code: .unauthorized, message: "Unauthorized.")
    }

    // MARK: Tunnels

    /// Opens a tunnel for `owner`, or returns why not. A tcp tunnel binds its port first, so `then` may be called later.
    func openTunnel(
        _ asked: TunnelProperties,
        owner: AgentSession,
        then: @escaping (Result<AgentTunnel, EngineError>) -> Void
    ) {
        do throws(EngineError) {
            guard owner.tunnels.count < configuration.capacity.tunnelsPerClient else {
                throw EngineError(code: .capacityExhausted, message: "Too many tunnels.")
            }
            let validated = try TunnelRules.validate(asked, host: configuration.host)
            let context = try tls.context(for: validated)
            let tunnel = AgentTunnel(id: Identifiers.uuid(), validated: validated, tls: context, owner: owner)
            switch tunnel.kind {
            case .unpublished: break
            case .http, .terminated, .passthrough:
                let hostname = validated.hostname ?? "\(Identifiers.hex(digits: 8)).t.\(configuration.host)"
                guard tunnels.published(hostname) == nil else {
                    throw EngineError(code: .resourceConflict, message: "Hostname is already in use.")
                }
                tunnel.publish(hostname: hostname, port: port)
            case .tcp: return bind(tunnel, port: Int(validated.port ?? 0), then: then)
            }
            add(tunnel)
            then(.success(tunnel))
        } catch {
            then(.failure(error))
        }
    }

    private func bind(_ tunnel: AgentTunnel, port: Int, then: @escaping (Result<AgentTunnel, EngineError>) -> Void) {
        Listener.bind(engine: self, host: configuration.listenHost, port: port, kind: .tunnel(tunnel))
            .assumeIsolated()
            .whenComplete { [self] result in
                switch result {
                case .success(let listener):
                    let port = listener.localAddress?.port ?? port
                    tunnel.publish(hostname: configuration.host, port: port, listener: listener)
                    // The agent may have left meanwhile.
                    guard tunnel.owner?.isOpen == true, !isShuttingDown else { return tunnel.close() }
                    add(tunnel)
                    then(.success(tunnel))
                case .failure:
                    then(.failure(EngineError(code: .resourceConflict, message: "TCP port is already in use.")))
                }
            }
    }

    private func add(_ tunnel: AgentTunnel) {
        tunnels.insert(tunnel)
        tunnel.owner?.adopt(tunnel)
        log("tunnel opened", ["tunnel": tunnel.id, "address": tunnel.properties.forwardingAddress])
        events.publish(.tunnelCreated, .tunnel(TunnelDocument(tunnel)))
        changed()
    }

    /// Ends a tunnel: it takes no new visitors, and those waiting for their agent are refused.
    func close(_ tunnel: AgentTunnel) {
        guard tunnel.isOpen else { return }
        tunnel.close()
        tunnels.remove(tunnel)
        tunnel.owner?.release(tunnel)
        for stream in offeredStreams.values where stream.tunnel === tunnel {
            stream.refuse(EngineError(code: .tunnelNotFound, message: "The tunnel was closed."))
        }
        log("tunnel closed", ["tunnel": tunnel.id])
        events.publish(.tunnelDeleted, .tunnel(TunnelDocument(tunnel)))
        changed()
    }

    // MARK: Streams

    func add(_ stream: OfferedStream) {
        offeredStreams[stream.id] = stream
        changed()
    }

    func remove(_ stream: OfferedStream) {
        offeredStreams[stream.id] = nil
        changed()
    }

    /// A stream that is not new continues one that was counted before.
    func add(_ relayed: some RelayedStream, isNew: Bool = true) {
        self.relayedStreams[ObjectIdentifier(relayed)] = relayed
        if isNew { counters.relays += 1 }
        changed()
    }

    func remove(_ relayed: some RelayedStream) {
        self.relayedStreams[ObjectIdentifier(relayed)] = nil
        changed()
    }

    // MARK: Time, logs, conditions

    /// Runs `task` later. A caller that may go away earlier cancels it, or captures itself weakly.
    @discardableResult
    func after(_ delay: TimeAmount, _ task: @escaping () -> Void) -> Scheduled<Void> {
        loop.assumeIsolated().scheduleTask(in: delay, task)
    }

    /// Runs `task` in the next turn of the event loop.
    func executeLater(_ task: @escaping () -> Void) {
        loop.assumeIsolated().execute(task)
    }

    func log(_ event: String, _ facts: [String: String] = [:]) {
        logger.info("\(event)", metadata: facts.mapValues { .string($0) })
    }

    /// Succeeds as soon as the statistics fulfil `condition`.
    func wait(until condition: @escaping (DevEngineStatistics) -> Bool) -> Condition {
        let wait = Condition(isMet: condition, met: loop.makePromise())
        conditions.append(wait)
        changed()
        return wait
    }

    func giveUp(_ condition: Condition) {
        guard conditions.contains(where: { $0 === condition }) else { return }
        conditions.removeAll { $0 === condition }
        condition.met.fail(DevEngine.ConditionTimeout(statistics: statistics))
    }

    /// Checks the conditions that are waited for again.
    func changed() {
        guard !conditions.isEmpty else { return }
        let now = statistics
        let met = conditions.filter { $0.isMet(now) }
        conditions.removeAll { condition in met.contains { $0 === condition } }
        for condition in met { condition.met.succeed(now) }
    }

    /// A condition on the statistics that a test waits for.
    final class Condition {
        let isMet: (DevEngineStatistics) -> Bool
        let met: EventLoopPromise<DevEngineStatistics>

        init(isMet: @escaping (DevEngineStatistics) -> Bool, met: EventLoopPromise<DevEngineStatistics>) {
            self.isMet = isMet
            self.met = met
        }
    }
}
