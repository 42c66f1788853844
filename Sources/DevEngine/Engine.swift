import FoundationEssentials
import Logging
import NIOCore
import RstreamModel

/// The engine's state: who is connected, which tunnels there are, which visitors wait.
///
/// Its guard is one event loop, which also runs every connection. A laptop engine needs no second core, and one loop
/// means that both halves of a relay, their agent and all tables can be touched without a lock or a hop.
final class Engine {
    let configuration: DevEngineConfiguration
    let loop: any EventLoop
    let authentication: Authentication
    let tls: EdgeTLS
    let events = EventHub()
    var faults: FaultPlan
    var tunnels = TunnelRegistry()
    private(set) var clients: [String: AgentSession] = [:]
    private(set) var waiting: [String: OfferedStream] = [:]
    private(set) var carried: [ObjectIdentifier: any CarriedStream] = [:]
    private(set) var connections: [ObjectIdentifier: Connection] = [:]
    private(set) var isShuttingDown = false
    /// Where visitors and agents come to; set once the listener is bound.
    var port = 0
    /// Where redirected agents are sent; set once that listener is bound.
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
        if isShuttingDown || connections.count > EngineLimits.connections { connection.abort() }
        changed()
    }

    func remove(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = nil
        changed()
    }

    /// Resets everything; nothing new is let in.
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

    /// Whether a first frame may go on: its version first, then its credential (PROTOCOL.md §3).
    func refusal(of details: ClientDetails, on connection: Connection) -> EngineError? {
        if let refusal = ProtocolVersion.refusal(of: details.protocolVersion) { return refusal }
        if authentication.accepts(details.token) { return nil }
        if details.token == nil, tls.isRegistered(connection.peerCertificate) { return nil }
        return EngineError(code: .unauthorized, message: "Unauthorized.")
    }

    // MARK: Tunnels

    /// Opens a tunnel for `owner`, or says why not. A tcp tunnel must bind its port first, so the answer may be late.
    func openTunnel(
        _ asked: TunnelProperties,
        owner: AgentSession,
        then: @escaping (Result<AgentTunnel, EngineError>) -> Void
    ) {
        do throws(EngineError) {
            guard owner.tunnels.count < EngineLimits.tunnelsPerClient else {
                throw EngineError(code: .capacityExhausted, message: "Too many tunnels.")
            }
            let judged = try TunnelRules.judge(asked, host: configuration.host)
            let context = try tls.context(for: judged)
            let tunnel = AgentTunnel(id: Identifiers.uuid(), judged: judged, tls: context, owner: owner)
            switch tunnel.kind {
            case .unpublished: break
            case .http, .terminated, .passthrough:
                let hostname = judged.hostname ?? "\(Identifiers.hex(digits: 8)).t.\(configuration.host)"
                guard tunnels.published(hostname) == nil else {
                    throw EngineError(code: .resourceConflict, message: "Hostname is already in use.")
                }
                tunnel.publish(hostname: hostname, port: port)
            case .tcp: return bind(tunnel, port: Int(judged.port ?? 0), then: then)
            }
            add(tunnel)
            then(.success(tunnel))
        } catch {
            then(.failure(error))
        }
    }

    private func bind(_ tunnel: AgentTunnel, port: Int, then: @escaping (Result<AgentTunnel, EngineError>) -> Void) {
        Listener.bind(engine: self, host: configuration.listenHost, port: port, entrance: .tunnel(tunnel))
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

    /// Ends a tunnel: no new visitors, and those that still wait for their agent are sent away.
    func close(_ tunnel: AgentTunnel) {
        guard tunnel.isOpen else { return }
        tunnel.close()
        tunnels.remove(tunnel)
        tunnel.owner?.release(tunnel)
        for stream in waiting.values where stream.tunnel === tunnel {
            stream.refuse(EngineError(code: .tunnelNotFound, message: "The tunnel was closed."))
        }
        log("tunnel closed", ["tunnel": tunnel.id])
        events.publish(.tunnelDeleted, .tunnel(TunnelDocument(tunnel)))
        changed()
    }

    // MARK: Streams

    func add(_ stream: OfferedStream) {
        waiting[stream.id] = stream
        changed()
    }

    func remove(_ stream: OfferedStream) {
        waiting[stream.id] = nil
        changed()
    }

    /// One that is not new goes on in another form.
    func add(_ carried: some CarriedStream, isNew: Bool = true) {
        self.carried[ObjectIdentifier(carried)] = carried
        if isNew { counters.relays += 1 }
        changed()
    }

    func remove(_ carried: some CarriedStream) {
        self.carried[ObjectIdentifier(carried)] = nil
        changed()
    }

    // MARK: Time, logs, conditions

    /// Runs `task` later. Whoever needs it no more cancels it, or holds itself weakly in it.
    @discardableResult
    func after(_ delay: TimeAmount, _ task: @escaping () -> Void) -> Scheduled<Void> {
        loop.assumeIsolated().scheduleTask(in: delay, task)
    }

    /// Runs `task` when what is running now has returned.
    func soon(_ task: @escaping () -> Void) {
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
        condition.met.fail(DevEngine.ConditionNotMet(statistics: statistics))
    }

    /// Tells whoever waits for a condition that something is different now.
    func changed() {
        guard !conditions.isEmpty else { return }
        let now = statistics
        let met = conditions.filter { $0.isMet(now) }
        conditions.removeAll { condition in met.contains { $0 === condition } }
        for condition in met { condition.met.succeed(now) }
    }

    /// Somebody who waits for the statistics to fulfil something.
    final class Condition {
        let isMet: (DevEngineStatistics) -> Bool
        let met: EventLoopPromise<DevEngineStatistics>

        init(isMet: @escaping (DevEngineStatistics) -> Bool, met: EventLoopPromise<DevEngineStatistics>) {
            self.isMet = isMet
            self.met = met
        }
    }
}
