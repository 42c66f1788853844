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
