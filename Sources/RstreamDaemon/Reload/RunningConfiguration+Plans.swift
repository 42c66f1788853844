internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// What a reload would change about everything: one value that a dry run tells, and that a reload tells and carries out.
package struct ReloadPlans: Hashable, Sendable {
    package let tunnels: ReloadPlan
    package let listeners: ListenerPlan

    package init(tunnels: ReloadPlan, listeners: ListenerPlan) {
        (self.tunnels, self.listeners) = (tunnels, listeners)
    }

    var isEmpty: Bool { tunnels.isEmpty && listeners.changes.isEmpty }

    /// How many lines an operator reads about it.
    var count: Int { tunnels.changes.count + tunnels.renewals.count + listeners.changes.count }
}

/// Comparing.
extension RunningConfiguration {
    typealias Listener = WantedListener<ListenAddress, EngineIdentity>

    /// What would change if `next` were wanted.
    func plans(_ next: DaemonConfiguration) -> ReloadPlans {
        let contextKeys = Self.contextKeys(from: configuration, to: next)
        return ReloadPlans(
            tunnels: ReloadPlan(
                running: runningSessions.map(\.wanted),
                wanted: Self.wanted(next),
                contextKeys: contextKeys
            ) { name in
                runningSessions.lazy.compactMap { $0.acceptors[name]?.activeStreams }.first ?? 0
            },
            listeners: ListenerPlan(
                running: Self.listeners(configuration),
                wanted: Self.listeners(next),
                disposition: next.reload,
                contextKeys: contextKeys
            ) { name in
                listeners[name]?.listener.activeStreams ?? 0
            }
        )
    }

    /// What is different about each context that is in use.
    private static func contextKeys(
        from before: DaemonConfiguration,
        to next: DaemonConfiguration
    ) -> [String: [ConfigurationKey]] {
        func named(_ configuration: DaemonConfiguration) -> [String: ContextDefinition] {
            let contexts = configuration.tunnels.map(\.context) + configuration.listeners.map(\.context)
            return Dictionary(contexts.map { ($0.name, $0) }) { first, _ in first }
        }
        let old = named(before)
        return named(next).compactMapValues { context in
            old[context.name].map { context.changedKeys(from: $0) }
        }
    }

    /// Which places for metrics can be had once listeners have given them up.
    func patience(_ plan: ListenerPlan) -> MetricsTimeouts {
        let leaving = Set(plan.changes.filter { !$0.keepsPlace }.map(\.listener))
        return MetricsTimeouts(
            freed: Set(configuration.listeners.filter { leaving.contains($0.name) }.map(\.listen))
        )
    }

    static func listeners(_ configuration: DaemonConfiguration) -> [Listener] {
        configuration.listeners.map { definition in
            Listener(
                name: definition.name,
                place: definition.listen,
                target: definition.target,
                options: definition.options,
                context: definition.context.name,
                engine: definition.context.engine,
                identity: definition.context.identity
            )
        }
    }

    /// Enabled tunnels by the session they share, in the order of the configuration.
    static func wanted(_ configuration: DaemonConfiguration) -> [WantedSession<EngineIdentity>] {
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
}

extension WantedTunnel {
    /// What a reload compares of a definition.
    init(_ definition: TunnelDefinition) {
        self.init(
            name: definition.name,
            context: definition.context.name,
            properties: definition.spec.properties,
            local: LocalSettings(
                upstream: definition.upstream,
                options: definition.options,
                streamLimit: definition.streamLimit,
                disposition: definition.disposition
            )
        )
    }
}
