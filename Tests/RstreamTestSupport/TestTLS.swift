// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOSSL

/// How a visitor speaks TLS.
package struct TestTLS: Sendable {
    /// PEM text of the authority to trust.
    package var authority: String
    /// The name to ask for and to verify.
    package var serverName: String
    package var applicationProtocols: [String]
    /// Whether ``ClientCertificate/certificate`` is shown.
    package var showsCertificate = false

    package init(authority: String, serverName: String, applicationProtocols: [String] = []) {
        self.authority = authority
        self.serverName = serverName
        self.applicationProtocols = applicationProtocols
    }

    func context() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
        configuration.applicationProtocols = applicationProtocols
        if showsCertificate {
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(ClientCertificate.certificate.utf8))
            let key = try NIOSSLPrivateKey(bytes: Array(ClientCertificate.key.utf8), format: .pem)
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(key)
        }
        return try NIOSSLContext(configuration: configuration)
    }
}
