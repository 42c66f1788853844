// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel

/// Handing tunnels over to a successor and taking them back, and taking them over from a predecessor.
extension RunningConfiguration {
    /// The tunnels that are open or to be opened, as a successor has to know them. Those by hand also where they are
    /// disabled: no file has them.
    var inventory: [UpgradeMessage.Tunnel] {
        let online = Set(
            dependencies.statusStore.tunnelStatuses.filter { $0.state == .online }.map(\.name)
        )
        return configuration.tunnels
            .filter { tunnel in
                tunnel.byHand != nil || runningSessions.contains { $0.keys[tunnel.name] != nil }
            }
            .map { tunnel in
                let chosen = address(tunnel).current
                return UpgradeMessage.Tunnel(
                    name: tunnel.name,
                    engine: tunnel.context.engine.description,
                    protocol: tunnel.spec.properties.protocol,
                    hostname: chosen?.hostname,
                    port: chosen?.port,
                    isOnline: online.contains(tunnel.name),
                    byHand: tunnelsByHand.entries[tunnel.name].map { UpgradeMessage.ByHand($0.entry, $0.owner) }
                ).fitting
            }
    }

    /// Closes a tunnel at the engine and calls `whenGone` once none of its name is open there. Its acceptor and its streams
    /// stay.
    mutating func release(_ name: String, whenGone: @escaping @Sendable () -> Void) {
        guard let index = runningSessions.firstIndex(where: { $0.keys[name] != nil }),
            let key = runningSessions[index].keys.removeValue(forKey: name),
            var change = unchanged(index)
        else {
            return whenGone()
        }
        released.append(name)
        dependencies.addresses.unwanted(key)
        guard dependencies.addresses.whenGone(name, whenGone) else { return whenGone() }
        change.removals = [name]
        runningSessions[index].session.change(change)
    }

    /// Opens the tunnels again that a successor had asked for.
    mutating func takeBack() {
        let names = Set(released)
        released = []
        for index in runningSessions.indices {
            guard var change = unchanged(index) else { continue }
            for definition in configuration.tunnels where names.contains(definition.name) {
                guard let acceptor = runningSessions[index].acceptors[definition.name] else { continue }
                let tunnel = tunnel(of: definition, acceptor, configuration)
                runningSessions[index].keys[definition.name] = tunnel.key
                change.additions.append(tunnel)
            }
            if !change.additions.isEmpty { runningSessions[index].session.change(change) }
        }
    }

    /// A change of a session that changes nothing.
    private mutating func unchanged(_ index: Int) -> SessionChange? {
        let wanted = runningSessions[index].wanted
        // Any of its tunnels has the context of its client.
        guard let name = wanted.tunnels.first?.name,
            let definition = configuration.tunnels.first(where: { $0.name == name })
        else {
            return nil
        }
        return SessionChange(
            contexts: wanted.contexts,
            client: client(definition.context),
            canary: CanaryPolicy(configuration.canary)
        )
    }

    /// The address that the predecessor's tunnel of this name was granted at this engine.
    func inherited(_ definition: TunnelDefinition, _ policy: ReconnectPolicy) -> KeptAddress? {
        guard let tunnel = dependencies.succession?.tunnels[definition.name],
            tunnel.engine == definition.context.engine.description,
            tunnel.protocol == definition.spec.properties.protocol
        else {
            return nil
        }
        var machine = TunnelStateMachine(wanted: definition.spec.properties, policy: policy)
        machine.resume(hostname: tunnel.hostname, port: tunnel.port)
        let kept = KeptAddress()
        kept.keep(machine)
        return kept
    }
}
