internal import Linux
internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket

/// What runs: sessions and the acceptors of their tunnels, listeners, and the configuration they come from.
///
/// It compares and carries out, and does nothing by itself. Its guard is the one task of ``Daemon`` that takes
/// requests; the sessions' own tasks are children of the group that is handed in.
struct RunningConfiguration {
    struct RunningSession {
        var wanted: WantedSession<EngineIdentity>
        let session: EngineSession
        var acceptors: [String: RelayAcceptor] = [:]
        /// Of the tunnels that are wanted.
        var keys: [String: TunnelKey] = [:]
    }

    /// A client logs with the name of its context.
    struct ClientKey: Hashable {
        let context: String
        let identity: EngineIdentity
    }

    private(set) var configuration = DaemonConfiguration()
    var runningSessions: [RunningSession] = []
    var listeners: [String: ListenerService] = [:]
    /// Counts go on when a tunnel or listener is replaced, or disabled and enabled again.
    private var ledgers: [StreamOwner: StreamLedger] = [:]
    /// Addresses go on as well, as long as a tunnel is of the same kind at the same engine.
    private var addresses: [AddressPlace: KeptAddress] = [:]
    /// One for each identity, so that its connections share what TLS and name resolution have learnt.
    var clients: [ClientKey: RstreamClient] = [:]
    /// What clients are made with beside their identity.
    private(set) var clientLimits: LimitSettings?
    /// Whose Unix sockets tunnels may lead to; made for each configuration that has such tunnels.
    private(set) var commonSockets: UnixSocketRule?
    let parts: Dependencies

    /// What every session and tunnel is made with.
    struct Dependencies: Sendable {
        let streams: StreamTable
        let state: StateDirectory
        let statusStore: StatusStore
        let addresses = EngineAddresses()
        /// What no tunnel may lead to.
        let reserved: ReservedSockets
        let group: any EventLoopGroup
        let logger: Logger
        /// What the clients of a configuration may take on: its limits, and what there are descriptors for.
        let clientLimits: @Sendable (DaemonConfiguration) -> LimitSettings
        let makeClient: @Sendable (ContextDefinition, LimitSettings) -> RstreamClient
    }

    /// Nothing runs yet: everything is added by the first plan.
    init(_ parts: Dependencies) {
        self.parts = parts
    }

    var sessions: [EngineSession] { runningSessions.map(\.session) }
    var listening: [ListenerService] { Array(listeners.values) }

    /// Those that serve a context of that name.
    func sessions(of context: String) -> [EngineSession] {
        runningSessions.filter { $0.wanted.contexts.contains(context) }.map(\.session)
    }

    /// Those that show the engine one of these files.
    func sessions(showing files: Set<String>) -> [EngineSession] {
        runningSessions.filter { !$0.wanted.identity.files.isDisjoint(with: files) }.map(\.session)
    }

    // MARK: Carrying out

    /// Streams whose tunnel changed or went, and what is to become of them.
    struct ReplacedStreams {
        let owner: StreamOwner
        let streams: DrainingStreams
        let disposition: StreamDisposition
    }

    /// Makes `next` what runs, as the plans say. What becomes of streams is left to the caller; where an operator drains a
    /// tunnel, those of what goes are drained whatever the file says.
    mutating func carryOut(
        _ plans: ReloadPlans,
        of next: DaemonConfiguration,
        drains: Bool = false,
        in group: inout DiscardingTaskGroup
    ) async -> [ReplacedStreams] {
        let limits = parts.clientLimits(next)
        if clientLimits != limits { clients = [:] }
        clientLimits = limits
        commonSockets = await commonSockets(of: next)
        makeLedgers(next)
        makeAddresses(next)
        // Before anything happens to them.
        publishTunnels(next)
        let retired = carryOut(plans.tunnels, of: next, drains: drains, in: &group)
        await startListeners(plans.listeners, of: next, in: &group)
        publishListeners(next)
        parts.state.hostnames.retain(Set(next.tunnels.map(\.name)))
        let wanted = Set((next.tunnels.map(\.context) + next.listeners.map(\.context)).map(ClientKey.init))
        clients = clients.filter { wanted.contains($0.key) }
        configuration = next
        return retired
    }

    private mutating func makeLedgers(_ next: DaemonConfiguration) {
        let owners =
            next.tunnels.map { StreamOwner.tunnel($0.name) } + next.listeners.map { StreamOwner.listener($0.name) }
        let wanted = Set(owners)
        ledgers = ledgers.filter { wanted.contains($0.key) || $0.value.activeCount > 0 }
        for owner in wanted where ledgers[owner] == nil {
            ledgers[owner] = StreamLedger(
                observer: StreamEvents(owner: owner, statusStore: parts.statusStore, logger: parts.logger)
            )
        }
    }

    private mutating func makeAddresses(_ next: DaemonConfiguration) {
        let before = addresses
        addresses = [:]
        for place in next.tunnels.map(AddressPlace.init) { addresses[place] = before[place] ?? KeptAddress() }
    }

    // There is one for everything in the configuration.
    func ledger(_ owner: StreamOwner) -> StreamLedger { ledgers[owner] ?? StreamLedger() }

    func address(_ definition: TunnelDefinition) -> KeptAddress { addresses[AddressPlace(definition)] ?? KeptAddress() }

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
        parts.statusStore.configure(
            files: next.files,
            tunnels: tunnels,
            contexts: contexts,
            ledgers: ledgers.values
        )
    }

    private func publishListeners(_ next: DaemonConfiguration) {
        parts.statusStore.configure(
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
}

extension RunningConfiguration.ClientKey {
    init(_ context: ContextDefinition) {
        self.init(context: context.name, identity: context.identity)
    }
}
