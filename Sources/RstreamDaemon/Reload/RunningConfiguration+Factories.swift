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

    /// The client for dials of a context, or of the context of tunnels that name none; nil when there is no such one.
    mutating func dialer(_ name: String?) -> RstreamClient? {
        guard let name else { return configuration.fallback.map { client($0) } }
        return configuration.contexts.first { $0.name == name }.map { client($0) }
    }

    func logger(of definition: TunnelDefinition) -> Logger {
        var logger = dependencies.logger.about(definition.context)
        logger[metadataKey: LogKey.tunnel] = "\(definition.name)"
        return logger
    }

    func acceptor(of definition: TunnelDefinition) -> RelayAcceptor {
        RelayAcceptor(
            upstreams(of: definition),
            streamLimit: definition.streamLimit,
            ledger: ledger(.tunnel(definition.name)),
            pool: pool(definition.name),
            table: dependencies.streams,
            logger: logger(of: definition)
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

    func upstreams(of definition: TunnelDefinition) -> [Upstream] {
        let unixSockets = unixSockets(for: definition)
        return definition.targets.map { Upstream($0, definition.options, unixSockets: unixSockets) }
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
            tunnel.options.socketOwner == nil && tunnel.targets.contains { $0.address.isSocket }
        }
        guard isWanted else { return nil }
        let (group, directories) = (configuration.admin.group, configuration.limits.unixUpstreams)
        return await BlockingThreads.accounts.run { [reserved = dependencies.reserved] in
            UnixSocketRule(group: group, directories: directories, reserved: reserved)
        }
    }
}

extension Upstream {
    /// A service of a tunnel with these options.
    init(_ target: UpstreamTarget, _ options: UpstreamOptions, unixSockets: UnixSocketRule?) {
        var options = options
        options.servicePort = target.servicePort
        self.init(
            address: target.address,
            options: options,
            unixSockets: unixSockets,
            weight: target.weight,
            isBackup: target.isBackup
        )
    }
}

extension ReconnectPolicy {
    init(_ settings: ReconnectSettings) {
        self.init(minimum: settings.minimum, maximum: settings.maximum, rejected: settings.rejected)
    }
}

extension CanaryPolicy {
    /// Nil where no canary is configured.
    init?(_ settings: CanarySettings) {
        guard let interval = settings.interval else { return nil }
        self.init(interval: interval)
    }
}
