internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket

/// What runs: sessions and the acceptors of their tunnels, listeners, and the configuration they come from.
///
/// It compares and carries out, and does nothing by itself. Its guard is the one task of ``Daemon`` that takes
/// requests; the sessions' own tasks are children of the group that is handed in.
struct House {
    private struct Room {
        var wanted: WantedSession<EngineIdentity>
        let session: EngineSession
        var acceptors: [String: RelayAcceptor] = [:]
    }

    private(set) var configuration = DaemonConfiguration()
    private var rooms: [Room] = []
    private var listeners: [String: ListenerService] = [:]
    /// Counts go on when a tunnel or listener is replaced, or disabled and enabled again.
    private var ledgers: [StreamOwner: StreamLedger] = [:]
    /// Addresses go on as well, as long as a tunnel is of the same kind at the same engine.
    private var addresses: [AddressPlace: KeptAddress] = [:]
    /// One for each identity, so that its connections share what TLS and name resolution have learnt.
    private var clients: [EngineIdentity: Client] = [:]
    private let parts: Parts

    typealias Listener = WantedListener<ListenAddress, ListenerRoute>

    /// Where a listener's connections go, and as whom.
    struct ListenerRoute: Hashable, Sendable {
        let target: String
        let identity: EngineIdentity
    }

    /// What every session and tunnel is made with.
    struct Parts: Sendable {
        let streams: StreamTable
        let hostnames: HostnameStore
        let board: StatusBoard
        /// What no tunnel may lead to.
        let reserved: ReservedSockets
        let group: any EventLoopGroup
        let logger: Logger
        let makeClient: @Sendable (ContextDefinition, DaemonConfiguration) -> Client
    }

    /// An empty house: everything is added by the first plan.
    init(_ parts: Parts) {
        self.parts = parts
    }

    var sessions: [EngineSession] { rooms.map(\.session) }
    var listening: [ListenerService] { Array(listeners.values) }

    /// Those that serve a context of that name.
    func sessions(of context: String) -> [EngineSession] {
        rooms.filter { $0.wanted.contexts.contains(context) }.map(\.session)
    }

    // MARK: Comparing

    /// What would change if `next` were wanted.
    func plan(_ next: DaemonConfiguration) -> ReloadPlan {
        ReloadPlan(running: rooms.map(\.wanted), wanted: Self.wanted(next)) { name in
            rooms.lazy.compactMap { $0.acceptors[name]?.activeStreams }.first ?? 0
        }
    }

    /// What would change about listeners if `next` were wanted.
    func listenerPlan(_ next: DaemonConfiguration) -> ListenerPlan {
        ListenerPlan(running: Self.listeners(configuration), wanted: Self.listeners(next)) { name in
            listeners[name]?.listener.activeStreams ?? 0
        }
    }

    private static func listeners(_ configuration: DaemonConfiguration) -> [Listener] {
        configuration.listeners.map { definition in
            Listener(
                name: definition.name,
                place: definition.listen,
                route: ListenerRoute(target: definition.target, identity: definition.context.identity)
            )
        }
    }

    /// Enabled tunnels by the session they share, in the order of the configuration.
    private static func wanted(_ configuration: DaemonConfiguration) -> [WantedSession<EngineIdentity>] {
        var sessions: [WantedSession<EngineIdentity>] = []
        var places: [EngineIdentity: Int] = [:]
        var contexts: [Set<String>] = []
        for definition in configuration.tunnels where definition.isEnabled {
            let context = definition.context
            let place = places[context.identity] ?? sessions.count
            if place == sessions.count {
                places[context.identity] = place
                contexts.append([])
                sessions.append(
                    WantedSession(
                        contexts: [],
                        engine: context.engine,
                        identity: context.identity,
                        tunnels: []
                    )
                )
            }
            if contexts[place].insert(context.name).inserted { sessions[place].contexts.append(context.name) }
            sessions[place].tunnels.append(WantedTunnel(definition))
        }
        return sessions
    }

    // MARK: Carrying out

    /// Streams whose tunnel changed or went, and what is to become of them.
    typealias Retirement = (streams: RetiredStreams, fate: StreamFate)

    /// Makes `next` what runs, as the plans say. What becomes of streams is left to the caller.
    mutating func carryOut(
        _ plan: ReloadPlan,
        _ listenerPlan: ListenerPlan,
        of next: DaemonConfiguration,
        in group: inout DiscardingTaskGroup
    ) async -> [Retirement] {
        // What clients are made with beside their identity.
        if configuration.limits != next.limits { clients = [:] }
        makeLedgers(next)
        makeAddresses(next)
        // Before anything happens to them.
        publishTunnels(next)
        let retired = await carryOut(plan, of: next, in: &group) + carryOut(listenerPlan, of: next, in: &group)
        publishListeners(next)
        let identities = Set(next.tunnels.map(\.context.identity) + next.listeners.map(\.context.identity))
        clients = clients.filter { identities.contains($0.key) }
        configuration = next
        return retired
    }

    private mutating func makeLedgers(_ next: DaemonConfiguration) {
        let owners =
            next.tunnels.map { StreamOwner.tunnel($0.name) } + next.listeners.map { StreamOwner.listener($0.name) }
        let wanted = Set(owners)
        ledgers = ledgers.filter { wanted.contains($0.key) || $0.value.activeCount > 0 }
        for owner in wanted where ledgers[owner] == nil {
            ledgers[owner] = StreamLedger(observer: StreamEvents(owner: owner, board: parts.board))
        }
    }

    private mutating func makeAddresses(_ next: DaemonConfiguration) {
        let before = addresses
        addresses = [:]
        for place in next.tunnels.map(AddressPlace.init) { addresses[place] = before[place] ?? KeptAddress() }
    }

    private func ledger(_ owner: StreamOwner) -> StreamLedger {
        // There is one for everything in the configuration.
        ledgers[owner] ?? StreamLedger()
    }

    /// Shows what is wanted from now on to everybody who asks.
    private func publishTunnels(_ next: DaemonConfiguration) {
        let tunnels = next.tunnels.map { definition in
            WantedTunnelFacts(
                name: definition.name,
                context: definition.context.name,
                forward: definition.upstream.description,
                wanted: definition.spec.properties,
                isEnabled: definition.isEnabled,
                ledger: ledger(.tunnel(definition.name))
            )
        }
        let contexts = Set(next.tunnels.map(\.context.name) + next.listeners.map(\.context.name))
        parts.board.configure(
            files: next.files,
            tunnels: tunnels,
            contexts: contexts,
            ledgers: ledgers.values
        )
    }

    private func publishListeners(_ next: DaemonConfiguration) {
        parts.board.configure(
            listeners: next.listeners.compactMap { definition in
                listeners[definition.name].map { service in
                    ListenerRecord(
                        name: definition.name,
                        context: definition.context.name,
                        listen: definition.listen.description,
                        dial: definition.target,
                        service: service
                    )
                }
            }
        )
    }

    private mutating func client(_ context: ContextDefinition, _ next: DaemonConfiguration) -> Client {
        if let client = clients[context.identity] { return client }
        let client = parts.makeClient(context, next)
        clients[context.identity] = client
        return client
    }

    private mutating func carryOut(
        _ plan: ReloadPlan,
        of next: DaemonConfiguration,
        in group: inout DiscardingTaskGroup
    ) -> [Retirement] {
        var retired: [Retirement] = []
        let definitions = Dictionary(next.tunnels.map { ($0.name, $0) }) { first, _ in first }
        let wanted = Self.wanted(next)
        let before = rooms
        var after: [Int: Room] = [:]
        var changes: [Int: SessionChange] = [:]
        var place: [Int: Int] = [:]
        let policy = ReconnectPolicy(next.reconnect)
        let context = { (index: Int) -> ContextDefinition? in
            wanted[index].tunnels.first.flatMap { definitions[$0.name]?.context }
        }
        for step in plan.steps {
            switch step {
            case .keepSession(let old, let new), .renewSession(let old, let new):
                guard let context = context(new) else { continue }
                let renews = before[old].wanted.identity != wanted[new].identity
                changes[new] = SessionChange(client: client(context, next), renews: renews, policy: policy)
                place[old] = new
                after[new] = before[old]
            case .startSession(let new):
                guard let context = context(new) else { continue }
                let client = client(context, next)
                let session = EngineSession(
                    contexts: wanted[new].contexts,
                    client: client,
                    policy: policy,
                    hostnames: parts.hostnames,
                    board: parts.board,
                    logger: parts.logger
                )
                changes[new] = SessionChange(client: client, policy: policy)
                after[new] = Room(wanted: wanted[new], session: session)
                group.addTask { await session.run() }
            case .stopSession(let old):
                before[old].session.drain()
                before[old].session.finish()
            case .removeTunnel(let name, let old, let fate):
                guard let acceptor = before[old].acceptors[name] else { continue }
                retired.append((acceptor.retire(), fate))
                guard let new = place[old] else { continue }
                after[new]?.acceptors[name] = nil
                changes[new]?.removals.append(name)
            case .updateTunnel(let name, _, let new, let fate):
                guard let definition = definitions[name], let acceptor = after[new]?.acceptors[name] else { continue }
                let upstream = upstream(of: definition, next)
                retired.append((acceptor.update(upstream, streamLimit: definition.streamLimit), fate))
            case .replaceTunnel(let name, let old, let new, let fate, let closesFirst):
                guard let definition = definitions[name], let acceptor = before[old].acceptors[name] else { continue }
                retired.append((acceptor.retire(), fate))
                let tunnel = tunnel(of: definition, next)
                after[new]?.acceptors[name] = tunnel.acceptor
                changes[new]?.replacements.append(.init(tunnel: tunnel, closesFirst: closesFirst))
            case .addTunnel(let name, let new):
                guard let definition = definitions[name] else { continue }
                let tunnel = tunnel(of: definition, next)
                after[new]?.acceptors[name] = tunnel.acceptor
                changes[new]?.additions.append(tunnel)
            }
        }
        rooms = wanted.indices.compactMap { index in
            guard var room = after[index] else { return nil }
            room.wanted = wanted[index]
            parts.board.serves(room.session.id, contexts: wanted[index].contexts)
            if let change = changes[index] { room.session.change(change) }
            return room
        }
        return retired
    }

    private mutating func carryOut(
        _ plan: ListenerPlan,
        of next: DaemonConfiguration,
        in group: inout DiscardingTaskGroup
    ) async -> [Retirement] {
        let definitions = Dictionary(next.listeners.map { ($0.name, $0) }) { first, _ in first }
        var retired: [Retirement] = []
        for change in plan.changes {
            let old = listeners[change.listener]
            if let old { retired.append((old.listener.retire(), next.reload)) }
            switch (change.action, definitions[change.listener], old) {
            case (.update, let definition?, let old?):
                let client = client(definition.context, next)
                old.listener.update(dial: definition.target, client: client, streamLimit: 0)
            case (_, let definition, let old):
                // The place must be free before somebody else takes it.
                await old?.stop()
                listeners[change.listener] = definition.map { service(of: $0, next) }
                if let successor = listeners[change.listener] { group.addTask { await successor.run() } }
            }
        }
        return retired
    }

    private mutating func service(
        of definition: ListenerDefinition,
        _ configuration: DaemonConfiguration
    ) -> ListenerService {
        var logger = parts.logger.about(definition.context)
        logger[metadataKey: LogKey.listener] = "\(definition.name)"
        return ListenerService(
            DialListener(
                DialListener.Address(definition.listen),
                dial: definition.target,
                client: client(definition.context, configuration),
                ledger: ledger(.listener(definition.name)),
                table: parts.streams,
                logger: logger
            ),
            policy: ReconnectPolicy(configuration.reconnect),
            group: parts.group,
            logger: logger
        )
    }

    private func tunnel(of definition: TunnelDefinition, _ configuration: DaemonConfiguration) -> SessionTunnel {
        var logger = parts.logger.about(definition.context)
        logger[metadataKey: LogKey.tunnel] = "\(definition.name)"
        return SessionTunnel(
            name: definition.name,
            acceptor: RelayAcceptor(
                upstream(of: definition, configuration),
                streamLimit: definition.streamLimit,
                ledger: ledger(.tunnel(definition.name)),
                table: parts.streams,
                logger: logger
            ),
            machine: TunnelStateMachine(
                wanted: definition.spec.properties,
                policy: ReconnectPolicy(configuration.reconnect)
            ),
            // There is one for everything in the configuration.
            address: addresses[AddressPlace(definition)] ?? KeptAddress(),
            takesStableHostname: definition.spec.takesStableHostname
        )
    }

    private func upstream(of definition: TunnelDefinition, _ configuration: DaemonConfiguration) -> Upstream {
        Upstream(
            address: definition.upstream,
            options: definition.options,
            unixSockets: unixSockets(for: definition, configuration)
        )
    }

    /// A file of a user who may have tunnels only has no sockets but that user's.
    private func unixSockets(for definition: TunnelDefinition, _ configuration: DaemonConfiguration) -> UnixSocketRule {
        if let owner = definition.options.socketOwner {
            return UnixSocketRule(owners: [owner], directories: [], reserved: parts.reserved)
        }
        return UnixSocketRule(
            group: configuration.admin.group,
            directories: configuration.limits.unixUpstreams,
            reserved: parts.reserved
        )
    }
}

extension WantedTunnel {
    /// What a reload compares of a definition.
    init(_ definition: TunnelDefinition) {
        self.init(
            name: definition.name,
            properties: definition.spec.properties,
            local: LocalSettings(
                upstream: definition.upstream,
                options: definition.options,
                streamLimit: definition.streamLimit,
                fate: definition.fate
            )
        )
    }
}

extension ReconnectPolicy {
    init(_ settings: ReconnectSettings) {
        self.init(minimum: settings.minimum, maximum: settings.maximum, rejected: settings.rejected)
    }
}
