// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Rstream
package import RstreamDaemonModel
internal import RstreamModel
package import RstreamSocket

/// A local service of a tunnel, and how it is dialed.
package struct Upstream: Hashable, Sendable {
    package let address: UpstreamAddress
    package let options: UpstreamOptions
    /// Which Unix sockets may be dialed; nil permits all.
    package let unixSockets: UnixSocketRule?
    /// How many streams it gets in proportion to the tunnel's other upstreams, one or more.
    package let weight: Int
    /// Whether it gets streams only while no other can be used.
    package let isBackup: Bool
    /// Starts TLS on its connections; nil for none.
    let tls: ServiceTLS?

    package init(
        address: UpstreamAddress,
        options: UpstreamOptions = UpstreamOptions(),
        unixSockets: UnixSocketRule? = nil,
        weight: Int = 1,
        isBackup: Bool = false
    ) {
        self.address = address
        self.options = options
        self.unixSockets = unixSockets
        self.weight = weight
        self.isBackup = isBackup
        tls = options.tls.map { ServiceTLS(ServiceTLS.Settings($0)) }
    }
}

extension ServiceTLS.Settings {
    /// The settings of `upstream.tls`.
    package init(_ options: UpstreamTLSOptions) {
        self.init(options.tls, credential: options.credential)
    }
}

extension UpstreamAddress {
    /// The name that a service must have in its certificate, unless another is configured.
    var tlsName: String { if case .tcp(let host, _) = self { host } else { "localhost" } }
}
