// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// A configured tunnel, as far as a reload compares it.
package struct WantedTunnel: Hashable, Sendable {
    /// Unique in the configuration.
    package var name: String
    /// The name of its context.
    package var context: String
    /// What the engine is told about it.
    package var properties: TunnelProperties
    /// Settings that the engine is not told about.
    package var local: LocalSettings

    package init(name: String, context: String = "", properties: TunnelProperties, local: LocalSettings) {
        self.name = name
        self.context = context
        self.properties = properties
        self.local = local
    }

    /// Settings that change without the engine noticing.
    package struct LocalSettings: Hashable, Sendable {
        package var upstream: UpstreamAddress
        package var options: UpstreamOptions
        /// The limit of concurrent streams; zero for none.
        package var streamLimit: Int
        /// What happens to open streams when the tunnel changes or is removed.
        package var disposition: StreamDisposition

        package init(
            upstream: UpstreamAddress,
            options: UpstreamOptions,
            streamLimit: Int,
            disposition: StreamDisposition
        ) {
            self.upstream = upstream
            self.options = options
            self.streamLimit = streamLimit
            self.disposition = disposition
        }
    }

    /// The public address of the tunnel; nil if it is not published.
    package var claim: AddressClaim? { AddressClaim(name, properties) }

    /// The keys in which it differs from `before`, apart from the context.
    package func changedKeys(from before: WantedTunnel) -> [ConfigurationKey] {
        guard properties != before.properties || local != before.local else { return [] }
        let keys = Self.comparisons.filter { !$0.areEqual(self, before) }.map(\.key)
        // A difference that no key covers still counts.
        return keys.isEmpty ? [.specLabels] : keys
    }

    typealias Comparison = (key: ConfigurationKey, areEqual: @Sendable (WantedTunnel, WantedTunnel) -> Bool)

    /// How each key is compared.
    static let comparisons: [Comparison] = local + spec

    private static let local: [Comparison] = [
        // The owner of permitted sockets depends on the file that has the address.
        (.tunnelForward, { same($0, $1, \.local.upstream) && same($0, $1, \.local.options.socketOwner) }),
        (.upstreamConnectTimeout, { same($0, $1, \.local.options.connectTimeout) }),
        (.upstreamHoldTimeout, { same($0, $1, \.local.options.holdTimeout) }),
        (.upstreamProxyProtocol, { same($0, $1, \.local.options.proxyProtocol) }),
        (.upstreamIdleTimeout, { same($0, $1, \.local.options.idleTimeout) }),
        (.tunnelStreams, { same($0, $1, \.local.streamLimit) }),
        (.tunnelDisposition, { same($0, $1, \.local.disposition) }),
    ]

    private static let spec: [Comparison] = TunnelProperty.allCases.compactMap { property in
        ConfigurationKey(property).map { key in
            (key, { $0.properties.hasSame(property, as: $1.properties) })
        }
    }

    private static func same<Value: Equatable>(
        _ first: WantedTunnel,
        _ second: WantedTunnel,
        _ path: KeyPath<WantedTunnel, Value>
    ) -> Bool {
        first[keyPath: path] == second[keyPath: path]
    }
}

/// The public address of a tunnel, which the engine grants to one tunnel at a time.
package enum AddressClaim: Hashable, Sendable {
    case port(UInt32)
    case hostname(String)
    /// An address that the engine chose for the tunnel of that name. A replacement keeps it.
    case kept(by: String, isPort: Bool)

    /// Nil for a tunnel that is not published.
    package init?(_ name: String, _ properties: TunnelProperties) {
        guard properties.publish != false else { return nil }
        if properties.protocol == TunnelProtocol.tcp.rawValue {
            self = properties.port.map { .port($0) } ?? .kept(by: name, isPort: true)
        } else {
            self = properties.hostname.map { .hostname($0) } ?? .kept(by: name, isPort: false)
        }
    }
}

/// A session with its tunnels, as far as a reload compares it (contract §5).
package struct WantedSession<Identity: Hashable & Sendable>: Hashable, Sendable {
    /// Every context that shares the session, in the order of the configuration.
    package var contexts: [String]
    /// How its engine is found.
    package var engine: EngineLocation
    /// Engine, credential and transport: tunnels that agree in them share a session.
    package var identity: Identity
    /// Its enabled tunnels, in the order of the configuration.
    package var tunnels: [WantedTunnel]

    /// The context that the session is named after.
    package var context: String { contexts.first ?? "" }

    package init(contexts: [String], engine: EngineLocation, identity: Identity, tunnels: [WantedTunnel]) {
        self.contexts = contexts
        self.engine = engine
        self.identity = identity
        self.tunnels = tunnels
    }
}
