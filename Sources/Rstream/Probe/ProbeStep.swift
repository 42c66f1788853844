package import RstreamModel

/// One thing that ``RstreamClient/probe(_:)`` found out on its way to the engine.
package enum ProbeStep: Sendable {
    /// What is shown to the engine could be read; when it ends, if it is a token that says so.
    case credential(Result<TokenExpiry?, RstreamError>)
    /// Where the engine is, which a managed project has to be asked for.
    case engine(Result<EngineAddress, RstreamError>)
    /// The proxy that has to be gone through, without its credentials; nil for none.
    case proxy(Result<String?, RstreamError>)
    /// The addresses of the first name on the way: the engine's or the proxy's.
    case addresses(of: String, Result<[IPAddress], RstreamError>)
    /// TCP to the first address on the way, and how long it took.
    case connected(to: String, Result<Duration, RstreamError>)
    /// The certificates that the engine shows, its own first, whether they are trusted or not.
    case certificates(Result<[PresentedCertificate], RstreamError>)
    /// TLS with everything checked: the protocol that was agreed on.
    case secured(Result<String?, RstreamError>)
    /// The engine has taken us in, and says what it is.
    case answered(Result<ProbeAnswer, RstreamError>)
}

/// What an engine says to a client that it takes in.
package struct ProbeAnswer: Sendable {
    package let clientID: String
    package let server: ServerDetails?
    package let livenessTimeout: Duration?
    package let after: Duration
}

/// A certificate as a person wants to see it.
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
