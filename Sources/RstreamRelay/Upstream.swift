// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
internal import RstreamModel
package import RstreamSocket

/// The local service of a tunnel, and how it is dialed.
package struct Upstream: Hashable, Sendable {
    package let address: UpstreamAddress
    package let options: UpstreamOptions
    /// Which Unix sockets may be dialed; nil permits all.
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
