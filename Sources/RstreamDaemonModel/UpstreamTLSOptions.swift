// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// TLS from the daemon to a tunnel's services: the `upstream.tls` of a tunnel file (contract §3.3).
package struct UpstreamTLSOptions: Hashable, Sendable {
    /// Whom to trust, and the name of the service where that is not the host of its address.
    package var tls: TransportOptions.TLS
    /// The certificate that the daemon shows a service: its key is in a file or in a device. Without one, `none`.
    package var credential: ConfiguredCredential

    package init(
        _ tls: TransportOptions.TLS = TransportOptions.TLS(),
        credential: ConfiguredCredential = .none
    ) {
        (self.tls, self.credential) = (tls, credential)
    }

    package var certificateFile: String? {
        switch credential {
        case .clientCertificate(let path, _), .hardwareKey(let path, _): path
        case .token, .tokenFile, .tokenCredential, .clientCertificatePEM, .none: nil
        }
    }

    package var keyFile: String? { if case .clientCertificate(_, let path) = credential { path } else { nil } }

    package var hardwareKey: HardwareKey? { if case .hardwareKey(_, let key) = credential { key } else { nil } }
}
