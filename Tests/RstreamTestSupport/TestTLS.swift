internal import NIOSSL

/// How a visitor speaks TLS.
package struct TestTLS: Sendable {
    /// PEM text of the authority to trust.
    package var authority: String
    /// The name to ask for and to verify.
    package var serverName: String
    package var applicationProtocols: [String]

    package init(authority: String, serverName: String, applicationProtocols: [String] = []) {
        self.authority = authority
        self.serverName = serverName
        self.applicationProtocols = applicationProtocols
    }

    func context() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
        configuration.applicationProtocols = applicationProtocols
        return try NIOSSLContext(configuration: configuration)
    }
}
