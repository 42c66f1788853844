// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket

/// Making the objects of a configuration.
extension RunningConfiguration {
    mutating func client(_ context: ContextDefinition) -> RstreamClient {
        let key = ClientKey(context)
        if let client = clients[key] { return client }
        let client = dependencies.makeClient(context, clientLimits ?? LimitSettings())
        clients[key] = client
        return client
    }

    func acceptor(of definition: TunnelDefinition) -> RelayAcceptor {
        var logger = dependencies.logger.about(definition.context)
        logger[metadataKey: LogKey.tunnel] = "\(definition.name)"
        return RelayAcceptor(
            upstream(of: definition),
            streamLimit: definition.streamLimit,
            ledger: ledger(.tunnel(definition.name)),
            table: dependencies.streams,
            logger: logger
        )
    }

    func tunnel(
        of definition: TunnelDefinition,
        _ acceptor: RelayAcceptor,
        _ configuration: DaemonConfiguration
    ) -> SessionTunnel {
        SessionTunnel(
            key: dependencies.addresses.wanted(definition),
            name: definition.name,
            acceptor: acceptor,
            machine: TunnelStateMachine(
                wanted: definition.spec.properties,
                policy: ReconnectPolicy(configuration.reconnect)
            ),
            address: address(definition),
            takesStableHostname: definition.spec.takesStableHostname
        )
    }

    func upstream(of definition: TunnelDefinition) -> Upstream {
        Upstream(
            address: definition.upstream,
            options: definition.options,
            unixSockets: unixSockets(for: definition)
        )
    }

    /// A tunnel file of an unprivileged owner may use only that owner's sockets.
    private func unixSockets(for definition: TunnelDefinition) -> UnixSocketRule {
        if let owner = definition.options.socketOwner {
            return UnixSocketRule(owners: [owner], directories: [], reserved: dependencies.reserved)
        }
        return commonSockets ?? UnixSocketRule(owners: [], directories: [], reserved: dependencies.reserved)
    }

    /// Makes the rule for Unix sockets, which looks up the members of the daemon's group; nil where no tunnel needs it.
    func commonSockets(of configuration: DaemonConfiguration) async -> UnixSocketRule? {
        let isWanted = configuration.tunnels.contains { tunnel in
            switch tunnel.upstream {
            case .tcp: false
            case .unix, .abstract: tunnel.options.socketOwner == nil
            }
        }
        guard isWanted else { return nil }
        let (group, directories) = (configuration.admin.group, configuration.limits.unixUpstreams)
        return await BlockingThreads.accounts.run { [reserved = dependencies.reserved] in
            UnixSocketRule(group: group, directories: directories, reserved: reserved)
        }
    }
}

extension ReconnectPolicy {
    init(_ settings: ReconnectSettings) {
        self.init(minimum: settings.minimum, maximum: settings.maximum, rejected: settings.rejected)
    }
}
