package import RstreamModel

/// The result of one step of ``RstreamClient/probe(_:)``.
package enum ProbeStep: Sendable {
    /// The credential was read; with its end, when it has one.
    case credential(Result<TokenExpiry?, RstreamError>)
    /// The engine's address, which the control plane knows for a managed project.
    case engine(Result<EngineAddress, RstreamError>)
    /// The proxy, without its credentials; nil for none.
    case proxy(Result<String?, RstreamError>)
    /// The addresses of the first name on the way: the engine's or the proxy's.
    case addresses(of: String, Result<[IPAddress], RstreamError>)
    /// TCP to the first host on the way, and how long it took.
    case connected(to: String, Result<Duration, RstreamError>)
    /// The engine's certificates, its own first, trusted or not.
    case certificates(Result<[PresentedCertificate], RstreamError>)
    /// TLS with all checks, and the application protocol that was negotiated.
    case secured(Result<String?, RstreamError>)
    /// The engine accepted the client.
    case answered(Result<ProbeAnswer, RstreamError>)
}

/// The engine's answer to a client that it accepts.
package struct ProbeAnswer: Sendable {
    package let clientID: String
    package let server: ServerDetails?
    package let livenessTimeout: Duration?
    package let after: Duration
}

/// A certificate for display.
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
