package import RstreamDaemonModel
package import RstreamModel

/// One tunnel as the configuration wants it, as far as a reload compares it.
package struct WantedTunnel: Hashable, Sendable {
    /// Unique in the configuration.
    package var name: String
    /// The name of its context.
    package var context: String
    /// What the engine sees of it.
    package var properties: TunnelProperties
    /// What the engine does not see of it.
    package var local: LocalSettings

    package init(name: String, context: String = "", properties: TunnelProperties, local: LocalSettings) {
        self.name = name
        self.context = context
        self.properties = properties
        self.local = local
    }

    /// What can be changed without the engine noticing.
    package struct LocalSettings: Hashable, Sendable {
        package var upstream: UpstreamAddress
        package var options: UpstreamOptions
        /// Streams at once; zero for no limit.
        package var streamLimit: Int
        /// What becomes of running streams when the tunnel changes or goes.
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

    /// The address that visitors are to reach it at; nil for a tunnel that is not published.
    package var claim: AddressClaim? { AddressClaim(name, properties) }

    /// The keys in which it differs from what it was, whoever's session it is on; the context is not compared.
    package func changedKeys(from before: WantedTunnel) -> [ConfigurationKey] {
        guard properties != before.properties || local != before.local else { return [] }
        let keys = Self.comparisons.filter { !$0.areEqual(self, before) }.map(\.key)
        // What no key tells apart is still another tunnel.
        return keys.isEmpty ? [.specLabels] : keys
    }

    typealias Comparison = (key: ConfigurationKey, areEqual: @Sendable (WantedTunnel, WantedTunnel) -> Bool)

    /// How each key is compared.
    static let comparisons: [Comparison] = local + spec

    private static let local: [Comparison] = [
        // Whose sockets may be used goes with the file that says where.
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

/// The address that a tunnel is to be reached at: what two of them agree in, the engine grants to one at a time only.
package enum AddressClaim: Hashable, Sendable {
    case port(UInt32)
    case hostname(String)
    /// One that the engine chose for the tunnel of that name. It is kept over a replacement.
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
