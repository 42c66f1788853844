// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// The result of one step of ``RstreamClient/probe(_:)``, which connects to the engine for `rstreamctl doctor`.
package enum ProbeStep: Sendable {
    /// The credential could be read; its expiry, if it is known.
    case credential(Result<TokenExpiry?, RstreamError>)
    /// The device that holds the certificate's key has signed with it, and how long that took. Not reported for other
    /// credentials.
    case key(Result<Duration, RstreamError>)
    /// The engine's address, configured or from the control plane.
    case engine(Result<EngineAddress, RstreamError>)
    /// The proxy on the route, without its credentials; nil for a direct connection.
    case proxy(Result<String?, RstreamError>)
    /// The addresses of the first host on the route, the engine or the proxy.
    case addresses(of: String, Result<[IPAddress], RstreamError>)
    /// TCP connected to the first host on the route, and how long that took.
    case connected(to: String, Result<Duration, RstreamError>)
    /// The certificates that the engine presents, the leaf first, trusted or not.
    case certificates(Result<[PresentedCertificate], RstreamError>)
    /// The TLS handshake, fully verified; the negotiated application protocol (ALPN).
    case secured(Result<String?, RstreamError>)
    /// The engine accepted a control channel.
    case answered(Result<ProbeAnswer, RstreamError>)
}

/// The engine's answer to a new control channel; `after` is how long it took.
package struct ProbeAnswer: Sendable {
    package let clientID: String
    package let server: ServerDetails?
    package let livenessTimeout: Duration?
    package let after: Duration
}

/// The facts of a certificate that a report shows.
package struct PresentedCertificate: Hashable, Sendable {
    /// DNS names and addresses; empty for a certificate authority.
    package let names: [String]
    /// Seconds since 1970.
    package let notBefore: Int64
    /// Seconds since 1970.
    package let notAfter: Int64

    package init(names: [String], notBefore: Int64, notAfter: Int64) {
        self.names = names
        self.notBefore = notBefore
        self.notAfter = notAfter
    }
}
