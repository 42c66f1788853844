package import RstreamModel

/// One entry of `tunnels`, checked, with its context found (RUN.md §2, contract §3.3).
package struct TunnelDefinition: Hashable, Sendable {
    /// Unique over all files, without white space at either end. Also in ``spec``.
    package var name: String
    /// Where its streams go: `forward`.
    package var upstream: UpstreamAddress
    /// How long a dial of the upstream may take: `upstream.connectTimeout`; more than zero.
    package var connectTimeout: Duration
    /// Whether it is to be opened at all.
    package var isEnabled: Bool
    /// What the engine is asked for. No rule of it is broken, it is supported, and the labels that mark managed
    /// tunnels are in it.
    package var spec: TunnelSpec
    /// Where and as whom it is opened. Compare ``ContextDefinition/identity`` to share a session.
    package var context: ContextDefinition
    /// Where the entry stands.
    package var mark: SourceMark

    /// The longest wait for an upstream unless the file says otherwise.
    package static let defaultConnectTimeout = Duration.seconds(5)

    /// A tunnel that is enabled unless said otherwise.
    package init(
        name: String,
        upstream: UpstreamAddress,
        connectTimeout: Duration = Self.defaultConnectTimeout,
        isEnabled: Bool = true,
        spec: TunnelSpec,
        context: ContextDefinition,
        mark: SourceMark = .none
    ) {
        self.name = name
        self.upstream = upstream
        self.connectTimeout = connectTimeout
        self.isEnabled = isEnabled
        self.spec = spec
        self.context = context
        self.mark = mark
    }
}
