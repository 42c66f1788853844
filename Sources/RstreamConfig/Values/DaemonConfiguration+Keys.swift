// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
internal import RstreamModel

extension DaemonConfiguration {
    /// The keys of the daemon as a whole that are different from what they were; contexts, tunnels and listeners are
    /// compared one by one.
    package func changedSettings(from before: DaemonConfiguration) -> [ConfigurationKey] {
        Self.comparisons.filter { !$0.areEqual(self, before) }.map(\.key)
    }

    typealias Comparison = (
        key: ConfigurationKey, areEqual: @Sendable (DaemonConfiguration, DaemonConfiguration) -> Bool
    )

    /// How each key is compared.
    static let comparisons: [Comparison] = [
        (.include, { same($0, $1, \.includes) }),
        (.clientConfig, { same($0, $1, \.clientConfig) }),
        (.watch, { same($0, $1, \.watch) }),
        (.adminSocket, { same($0, $1, \.admin.socket) }),
        (.adminGroup, { same($0, $1, \.admin.group) }),
        (.adminMode, { same($0, $1, \.admin.mode) }),
        (.adminReadGroup, { same($0, $1, \.admin.readGroup) }),
        (.metricsListen, { same($0, $1, \.metrics) }),
        (.pageListen, { same($0, $1, \.page.listen) }),
        (.pageHosts, { same($0, $1, \.page.hosts) }),
        (.logLevel, { same($0, $1, \.log.level) }),
        (.logFormat, { same($0, $1, \.log.format) }),
        (.logStreams, { same($0, $1, \.log.streams) }),
        (.drainTimeout, { same($0, $1, \.drain) }),
        (.upgradeDrain, { same($0, $1, \.upgrade) }),
        (.reloadChanged, { same($0, $1, \.reload) }),
        (.reconnectMinimum, { same($0, $1, \.reconnect.minimum) }),
        (.reconnectMaximum, { same($0, $1, \.reconnect.maximum) }),
        (.reconnectRejected, { same($0, $1, \.reconnect.rejected) }),
        (.canaryInterval, { same($0, $1, \.canary.interval) }),
        (.limitsStreams, { same($0, $1, \.limits.streams) }),
        (.limitsPendingStreams, { same($0, $1, \.limits.pendingStreams) }),
        (.limitsOpeningStreams, { same($0, $1, \.limits.openingStreams) }),
        (.limitsUnixUpstreams, { same($0, $1, \.limits.unixUpstreams) }),
        (.tunnelOwners, { same($0, $1, \.limits.tunnelOwners) }),
        (.debugCoreDumps, { same($0, $1, \.debug) }),
    ]

    private static func same<Value: Equatable>(
        _ first: DaemonConfiguration,
        _ second: DaemonConfiguration,
        _ path: KeyPath<DaemonConfiguration, Value>
    ) -> Bool {
        first[keyPath: path] == second[keyPath: path]
    }

    /// The contexts that tunnels and listeners use, each identity once, also for tunnels that are not enabled: an
    /// operator may change that at any moment.
    package var contextsInUse: [ContextDefinition] {
        var seen: Set<EngineIdentity> = []
        return (tunnels.map(\.context) + listeners.map(\.context)).filter { seen.insert($0.identity).inserted }
    }

    /// How many connections a session keeps warm at most.
    package var warmConnections: Int {
        contextsInUse.map(\.transport.prewarming).filter { $0.mode != .off }.map(\.maximum).max() ?? 0
    }

    /// How many upstreams have health checks, also those of tunnels that are not enabled: an operator may change that
    /// at any moment.
    package var checkedUpstreams: Int {
        tunnels.filter { $0.options.health != nil }.reduce(0) { $0 + $1.targets.count }
    }

    /// How many sessions send canaries, at most.
    package var canaries: Int { canary.interval == nil ? 0 : contextsInUse.count }

    /// For how many HTTP listeners beside the admin socket there has to be room: the page's where there is one, and
    /// that of metrics in any case, so that a reload can open it.
    package var adminPorts: Int { page.listen == nil ? 1 : 2 }

    /// How many sockets listeners have.
    package var listenerSockets: Int { listeners.reduce(0) { $0 + $1.listen.socketCount } }
}
