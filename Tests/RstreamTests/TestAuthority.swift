// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOSSL
import RstreamModel
import RstreamTestSupport

@testable import DevEngine

/// An authority for the servers that a test puts beside the engine.
struct TestAuthority {
    let caFile: String
    private let authority: CertificateAuthority

    init(in folder: TemporaryFolder) throws {
        let state = try StateDirectory(path: folder.path(of: "authority"))
        authority = try CertificateAuthority(in: state)
        caFile = state.path(of: "ca.pem")
    }

    /// How a server of these names, and at these addresses, speaks TLS.
    func server(_ name: String, addresses: [String] = []) throws -> NIOSSLContext {
        let leaf = try authority.leaf(host: name, names: [name], addresses: addresses.compactMap { IPAddress($0) })
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(leaf.certificate)],
            privateKey: .privateKey(leaf.key)
        )
        return try NIOSSLContext(configuration: configuration)
    }
}
