package import RstreamModel

/// One session and its tunnels as the configuration wants them, as far as a reload compares it (contract §5).
package struct WantedSession<Identity: Hashable & Sendable>: Hashable, Sendable {
    /// Every context that shares it, in the order of the configuration; it is named after the first.
    package var contexts: [String]
    /// How its engine is found.
    package var engine: EngineLocation
    /// Engine, credential and transport: what tunnels must agree in to share a session.
    package var identity: Identity
    /// Its enabled tunnels, in the order of the configuration.
    package var tunnels: [WantedTunnel]

    /// What it is named after.
    package var context: String { contexts.first ?? "" }

    package init(contexts: [String], engine: EngineLocation, identity: Identity, tunnels: [WantedTunnel]) {
        self.contexts = contexts
        self.engine = engine
        self.identity = identity
        self.tunnels = tunnels
    }
}

/// One tunnel as the configuration wants it, as far as a reload compares it.
package struct WantedTunnel: Hashable, Sendable {
    /// Unique in the configuration.
    package var name: String
    /// What the engine sees of it.
    package var properties: TunnelProperties
    /// What the engine does not see of it.
    package var local: LocalSettings

    package init(name: String, properties: TunnelProperties, local: LocalSettings) {
        self.name = name
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
        package var fate: StreamFate

        package init(upstream: UpstreamAddress, options: UpstreamOptions, streamLimit: Int, fate: StreamFate) {
            self.upstream = upstream
            self.options = options
            self.streamLimit = streamLimit
            self.fate = fate
        }
    }

    /// Whether both want to be reached at one address, so that the engine grants the second only when the first is
    /// closed. An address that nobody asked for counts: it is kept over a replacement.
    func claimsAddress(of other: WantedTunnel) -> Bool {
        let (mine, theirs) = (properties, other.properties)
        guard mine.publish != false, theirs.publish != false else { return false }
        let (isTCP, wasTCP) = (mine.protocol == tcp, theirs.protocol == tcp)
        guard isTCP == wasTCP else { return false }
        return isTCP ? mine.port == theirs.port : mine.hostname == theirs.hostname
    }

    private var tcp: String { TunnelProtocol.tcp.rawValue }
}
