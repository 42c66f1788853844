package import Rstream
package import RstreamConfig
internal import RstreamModel

extension RstreamClientOptions {
    /// What the library has to know to go to the engine of a context: the daemon for its sessions, `rstreamctl doctor` to
    /// find out what stands in the way.
    package init(_ context: ContextDefinition, limits: LimitSettings = LimitSettings()) {
        self.init(
            engine: context.engine,
            credential: Credential(context.credential),
            transport: context.transport,
            limits: Limits(openingStreams: limits.openingStreams, pendingStreams: limits.pendingStreams),
            agent: AgentDetails(name: "rstreamd", channel: "stable", version: rstreamVersion)
        )
    }
}
