// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// TLS from the daemon to a tunnel's services: the `upstream.tls` of a tunnel file (contract §3.3).
package struct UpstreamTLSOptions: Hashable, Sendable {
    /// Whom to trust, and the name of the service where that is not the host of its address.
    package var tls: TransportOptions.TLS
    /// The daemon's own certificate and its key, PEM files; both or none.
    package var certificateFile: String?
    package var keyFile: String?

    package init(
        _ tls: TransportOptions.TLS = TransportOptions.TLS(),
        certificateFile: String? = nil,
        keyFile: String? = nil
    ) {
        self.tls = tls
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}
