// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import NIOSSL
import RstreamModel
import SwiftASN1
import X509

/// The engine's certificates and the credentials it accepts, as found or made in its state folder.
struct Credentials {
    let tls: EdgeTLS
    let authentication: Authentication
    let caPath: String
    let caPEM: String
    let tokenPath: String?
    let token: Secret?
    let state: StateDirectory

    init(_ configuration: DevEngineConfiguration) throws(StartFailure) {
        state =
            if let path = configuration.stateDirectory {
                try StateDirectory(path: path)
            } else {
                try .chosen(environment: ProcessInfo.processInfo.environment)
            }
        let registered = try configuration.registeredCertificates.map { path throws(StartFailure) in
            try Self.certificates(inFile: path)
        }.flatMap(\.self)
        // `*.<host>` is for agents that want a project's name in front of the engine's, as stable domains need.
        var names = [configuration.host, "*.\(configuration.host)", "*.t.\(configuration.host)"]
        if configuration.host != "localhost" { names.append("localhost") }
        var addresses = ["127.0.0.1", "::1"].compactMap { IPAddress($0) }
        if let address = IPAddress(configuration.listenHost), !addresses.contains(address) { addresses.append(address) }
        caPath = state.path(of: StateDirectory.certificate)
        do {
            let authority = try CertificateAuthority(in: state)
            let leaf = try authority.leaf(host: configuration.host, names: names, addresses: addresses)
            tls = try EdgeTLS(certificate: leaf.certificate, key: leaf.key, registered: registered)
            caPEM = try authority.pem
        } catch {
            let reason = "no certificates can be made with what is there; remove ca.pem and ca.key"
            throw error as? StartFailure ?? StartFailure(.state, state.path, reason)
        }
        switch configuration.authentication {
        case .some(let given):
            authentication = given
            tokenPath = nil
            token = if case .token(let secret) = given { secret } else { nil }
        case nil:
            let made = Secret(Identifiers.hex(digits: 40))
            try state.write(made.reveal(), to: StateDirectory.token, isPrivate: true)
            authentication = .token(made)
            tokenPath = state.path(of: StateDirectory.token)
            token = made
        }
    }

    private static func certificates(inFile path: String) throws(StartFailure) -> [NIOSSLCertificate] {
        let text = try StartFailure.contents(of: path, for: .registeredCertificate)
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(text), !certificates.isEmpty else {
            throw StartFailure(.registeredCertificate, path, "the file has no PEM certificate")
        }
        if let problem = certificates.first.flatMap({ problem(of: $0) }) {
            throw StartFailure(.registeredCertificate, path, problem)
        }
        return certificates
    }

    /// Why no client could use this certificate.
    private static func problem(of certificate: NIOSSLCertificate, now: Date = Date()) -> String? {
        guard let bytes = try? certificate.toDERBytes(), let parsed = try? Certificate(derEncoded: bytes) else {
            return "it breaks RFC 5280, or its key is neither RSA, P-256, P-384, P-521 nor Ed25519"
        }
        if parsed.notValidAfter < now {
            return "the certificate expired at \(parsed.notValidAfter.formatted(.iso8601))"
        }
        // A client proves it by a signature (RFC 8446 §4.4.2.2).
        if let usage = try? parsed.extensions.keyUsage, !usage.digitalSignature {
            return "its key usage leaves out digitalSignature"
        }
        return nil
    }
}
