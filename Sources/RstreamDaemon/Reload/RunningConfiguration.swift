// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket

/// The running sessions with the acceptors of their tunnels, the listeners, and the configuration that they come from.
///
/// It computes plans and carries them out, and does nothing by itself. Confined to the request loop of ``Daemon``; the
/// sessions' tasks are children of the group that is passed in.
struct RunningConfiguration {
    struct RunningSession {
        var wanted: WantedSession<EngineIdentity>
        let session: EngineSession
        var acceptors: [String: RelayAcceptor] = [:]
        /// The keys of the configured tunnels.
        var keys: [String: TunnelKey] = [:]
    }

    /// Identifies a client. The context is part of it because the client logs its name.
    struct ClientKey: Hashable {
        let context: String
        let identity: EngineIdentity
    }

    private(set) var configuration = DaemonConfiguration()
    /// Whose the tunnels by hand are that ``configuration`` has.
    var tunnelsByHand = OpenTunnelsByHand()
    var runningSessions: [RunningSession] = []
    var listeners: [String: ListenerService] = [:]
    /// The checks of the upstreams of each enabled tunnel that has some.
    var checks: [String: UpstreamChecks] = [:]
    /// Kept when a tunnel or listener is replaced, or disabled and enabled again, so that its counters go on.
    private var ledgers: [StreamOwner: StreamLedger] = [:]
    /// Kept as well, so that what is known of a tunnel's upstreams is not forgotten.
    private var pools: [String: UpstreamPool] = [:]
    /// Kept as well, while a tunnel has the same protocol at the same engine.
    private var addresses: [AddressPlace: KeptAddress] = [:]
    /// One for each identity, so that its connections share TLS sessions and resolved names.
    var clients: [ClientKey: RstreamClient] = [:]
    /// The limits that ``clients`` were made with.
    private(set) var clientLimits: LimitSettings?
    /// The tunnels that an operator has disabled or drained, and what ends that.
    var disabled: [String: TunnelStatus.DisabledUntil] = [:]
    /// The rule for Unix sockets as upstreams; nil where no tunnel needs it.
    private(set) var commonSockets: UnixSocketRule?
    let dependencies: Dependencies
    /// Tunnels that a successor has asked for; their acceptors and streams stay.
    var released: [String] = []

    struct Dependencies: Sendable {
        let streams: StreamTable
        let state: StateDirectory
        let statusStore: StatusStore
        let addresses = EngineAddresses()
        /// What a predecessor has, while this process takes over.
        var succession: Succession?
        /// Sockets of the daemon, which no tunnel may use as its upstream.
        let reserved: ReservedSockets
        let group: any EventLoopGroup
        let logger: Logger
        let checkSlots = CheckSlots()
        /// For the requests of all streams of inspected tunnels.
        let requestMemory = RequestMemory()
        /// Called when all upstreams of a tunnel have become unhealthy, or the first one healthy again.
        var servabilityChanged: @Sendable () -> Void = {}
        /// The limits of clients: those of a configuration, as far as there are descriptors for them.
        let clientLimits: @Sendable (DaemonConfiguration) -> LimitSettings
        let makeClient: @Sendable (ContextDefinition, LimitSettings) -> RstreamClient
    }

    /// Nothing runs before the first plan is carried out.
    init(_ dependencies: Dependencies) {
        self.dependencies = dependencies
    }

    var sessions: [EngineSession] { runningSessions.map(\.session) }
    var listening: [ListenerService] { Array(listeners.values) }

    /// The sessions that serve a context.
    func sessions(of context: String) -> [EngineSession] {
        runningSessions.filter { $0.wanted.contexts.contains(context) }.map(\.session)
    }

    /// The sessions whose credential is in one of these files.
    func sessions(using files: Set<String>) -> [EngineSession] {
        runningSessions.filter { !$0.wanted.identity.files.isDisjoint(with: files) }.map(\.session)
    }

    // MARK: Carrying out

    /// Streams whose tunnel or listener was changed or removed, and what is to happen to them.
    struct ReplacedStreams {
        let owner: StreamOwner
        let streams: DrainingStreams
        let disposition: StreamDisposition
    }

    /// Carries out the plans, so that `next` runs. Returns the streams that the caller has to drain or cut. `drains`,
    /// for an operator's drain, drains the streams of removed tunnels whatever the configuration says.
    mutating func carryOut(
        _ plans: ReloadPlans,
        of next: DaemonConfiguration,
        drains: Bool = false,
        in group: inout DiscardingTaskGroup
    ) async -> [ReplacedStreams] {
        let limits = dependencies.clientLimits(next)
        if clientLimits != limits { clients = [:] }
        clientLimits = limits
        commonSockets = await commonSockets(of: next)
        makeLedgers(next)
        makePools(next)
        makeAddresses(next)
        // Before sessions publish anything about them.
        publishTunnels(next)
        let replaced = carryOut(plans.tunnels, of: next, drains: drains, in: &group)
        await startListeners(plans.listeners, of: next, in: &group)
        publishListeners(next)
        startChecks(next, in: &group)
        let names = Set(next.tunnels.map(\.name))
        dependencies.state.hostnames.retain(names)
        dependencies.state.disabled.retain(names)
        let wanted = Set((next.tunnels.map(\.context) + next.listeners.map(\.context)).map(ClientKey.init))
        clients = clients.filter { wanted.contains($0.key) }
        configuration = next
        return replaced
    }

    private mutating func makeLedgers(_ next: DaemonConfiguration) {
        let owners =
            next.tunnels.map { StreamOwner.tunnel($0.name) } + next.listeners.map { StreamOwner.listener($0.name) }
        let wanted = Set(owners)
        for owner in wanted where ledgers[owner] == nil {
            // Streams of listeners are not inspected.
            let hasRequests = if case .tunnel = owner { true } else { false }
            let ledger = StreamLedger(
                observer: StreamEvents(
                    owner: owner,
                    statusStore: dependencies.statusStore,
                    logger: dependencies.logger
                ),
                requests: hasRequests ? RequestLog(memory: dependencies.requestMemory) : nil
            )
            dependencies.succession?.count(in: ledger, of: owner)
            ledgers[owner] = ledger
        }
        // A tunnel that has left the configuration, and may still close or have streams, is not inspected any more.
        let inspected = Set(next.tunnels.filter(\.isInspected).map { StreamOwner.tunnel($0.name) })
        let room = RequestRing.share(among: inspected.count)
        for (owner, ledger) in ledgers { ledger.requests?.inspect(room: inspected.contains(owner) ? room : nil) }
        ledgers = ledgers.filter { wanted.contains($0.key) || $0.value.activeCount > 0 }
    }

    /// Forgets the requests of every tunnel: no one can ask this process for them any more.
    func endInspections() {
        for ledger in ledgers.values { ledger.requests?.inspect(room: nil) }
    }

    private mutating func makePools(_ next: DaemonConfiguration) {
        let before = pools
        pools = [:]
        for definition in next.tunnels {
            let pool =
                before[definition.name]
                ?? UpstreamPool(
                    observer: UpstreamEvents(
                        tunnel: definition.name,
                        statusStore: dependencies.statusStore,
                        logger: dependencies.logger,
                        servabilityChanged: dependencies.servabilityChanged
                    )
                )
            pools[definition.name] = pool
            // An acceptor brings the upstreams of the others.
            guard !definition.isOpened else { continue }
            pool.adopt(upstreams(of: definition))
            guard !definition.isEnabled else { continue }
            // Checks that still run have nothing more to say.
            checks[definition.name]?.stop()
            pool.rest()
        }
    }

    private mutating func makeAddresses(_ next: DaemonConfiguration) {
        let before = addresses
        addresses = [:]
        for definition in next.tunnels {
            let key = AddressPlace(definition)
            addresses[key] = before[key] ?? inherited(definition, ReconnectPolicy(next.reconnect)) ?? KeptAddress()
        }
    }

    // Every configured tunnel and listener has one.
    func ledger(_ owner: StreamOwner) -> StreamLedger { ledgers[owner] ?? StreamLedger() }

    // Every configured tunnel has one.
    func pool(_ tunnel: String) -> UpstreamPool { pools[tunnel] ?? UpstreamPool() }

    func address(_ definition: TunnelDefinition) -> KeptAddress { addresses[AddressPlace(definition)] ?? KeptAddress() }

    private func publishTunnels(_ next: DaemonConfiguration) {
        let tunnels = next.tunnels.map { definition in
            ConfiguredTunnel(
                name: definition.name,
                context: definition.context.name,
                forward: definition.targets.summary,
                properties: definition.spec.properties,
                isEnabled: definition.isEnabled,
                disabledUntil: definition.isEnabled ? nil : disabled[definition.name],
                ledger: ledger(.tunnel(definition.name)),
                suspension: definition.isSuspended ? pool(definition.name).suspension : nil,
                upstreams: pool(definition.name),
                byHand: definition.byHand.map { owner in
                    ByHand(
                        uid: Int(owner.user),
                        pid: Int(owner.process),
                        detached: owner.isDetached,
                        endsAt: owner.endsAt
                    )
                }
            )
        }
        let contexts = Set(next.tunnels.map(\.context.name) + next.listeners.map(\.context.name))
        dependencies.statusStore.configure(
            files: next.files,
            tunnels: tunnels,
            contexts: contexts,
            ledgers: ledgers.values
        )
    }

    private func publishListeners(_ next: DaemonConfiguration) {
        dependencies.statusStore.configure(
            listeners: next.listeners.compactMap { definition in
                listeners[definition.name].map { service in
                    ListenerEntry(
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
