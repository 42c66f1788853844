// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// Comparing the running configuration with another one.
extension RunningConfiguration {
    typealias Listener = WantedListener<ListenAddress, EngineIdentity>

    /// What a reload to `next` would change.
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

    /// The keys in which each context in use differs.
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

    /// The addresses of ports that become available when the plan's listeners are stopped.
    func deferrablePorts(_ plan: ListenerPlan) -> DeferrablePorts {
        let leaving = Set(plan.changes.filter { !$0.keepsAddress }.map(\.listener))
        return DeferrablePorts(
            freed: Set(configuration.listeners.filter { leaving.contains($0.name) }.map(\.listen))
        )
    }

    static func listeners(_ configuration: DaemonConfiguration) -> [Listener] {
        configuration.listeners.map { definition in
            Listener(
                name: definition.name,
                address: definition.listen,
                target: definition.target,
                options: definition.options,
                context: definition.context.name,
                engine: definition.context.engine,
                identity: definition.context.identity
            )
        }
    }

    /// The tunnels to open by session, in the order of the configuration.
    static func wanted(_ configuration: DaemonConfiguration) -> [WantedSession<EngineIdentity>] {
        WantedSession.sessions(
            of: configuration.tunnels.filter(\.isOpened).map {
                (WantedTunnel($0), $0.context.engine, $0.context.identity)
            }
        )
    }
}

extension WantedTunnel {
    /// The part of a definition that a reload compares.
    init(_ definition: TunnelDefinition) {
        self.init(
            name: definition.name,
            context: definition.context.name,
            properties: definition.spec.properties,
            local: LocalSettings(
                targets: definition.targets,
                options: definition.options,
                streamLimit: definition.streamLimit,
                disposition: definition.disposition,
                isInspected: definition.isInspected
            )
        )
    }
}
