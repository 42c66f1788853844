package import RstreamDaemonModel
internal import RstreamModel
package import RstreamSocket

/// Where a tunnel's streams go, and how they get there.
package struct Upstream: Hashable, Sendable {
    package let address: UpstreamAddress
    package let options: UpstreamOptions
    /// Whose sockets may be dialed; nil permits all.
    package let unixSockets: UnixSocketRule?

    package init(
        address: UpstreamAddress,
        options: UpstreamOptions = UpstreamOptions(),
        unixSockets: UnixSocketRule? = nil
    ) {
        self.address = address
        self.options = options
        self.unixSockets = unixSockets
    }
}
