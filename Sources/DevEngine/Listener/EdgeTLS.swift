// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOSSL
import RstreamModel
import RstreamWire

/// The engine's TLS: one certificate for all its names, and the settings of single tunnels.
struct EdgeTLS {
    /// Agents, the API and http tunnels.
    let main: NIOSSLContext
    /// The same, but it selects no application protocol.
    let withoutALPN: NIOSSLContext
    /// For services that speak TLS; a development engine does not verify them.
    let upstream: NIOSSLContext
    /// The same for services that speak HTTP, in either version.
    let upstreamHTTP: NIOSSLContext
    private let base: TLSConfiguration

    /// The signature algorithms accepted from agents and services: the defaults of OpenSSL and Go. BoringSSL's own list
    /// lacks P-521 and Ed25519.
    private static let signatureAlgorithms: [SignatureAlgorithm] = [
        .ecdsaSecp256R1Sha256, .rsaPssRsaeSha256, .ed25519, .rsaPkcs1Sha256, .ecdsaSecp384R1Sha384, .rsaPssRsaeSha384,
        .rsaPkcs1Sha384, .ecdsaSecp521R1Sha512, .rsaPssRsaeSha512, .rsaPkcs1Sha512,
    ]
    private static let groups: [NIOTLSCurve] = [.x25519_MLKEM768, .x25519, .secp256r1, .secp384r1, .secp521r1]

    /// The protocols of the HTTP edge, in order of preference.
    static let http = ["h2", "http/1.1"]

    private let registered: Set<[UInt8]>

    init(certificate: NIOSSLCertificate, key: NIOSSLPrivateKey, registered: [NIOSSLCertificate]) throws {
        var base = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)],
            privateKey: .privateKey(key)
        )
        base.minimumTLSVersion = .tlsv12
        base.verifySignatureAlgorithms = Self.signatureAlgorithms
        base.curves = Self.groups
        // A certificate request makes some clients prompt their user, so it is only sent if certificates are registered.
        base.certificateVerification = registered.isEmpty ? .none : .optionalVerification
        // Registered certificates are compared byte by byte; NIOSSL would read the system's store and fail without one.
        base.trustRoots = .certificates([])
        base.shutdownTimeout = .seconds(2)
        self.base = base
        self.registered = Set(try registered.map { try $0.toDERBytes() })
        withoutALPN = try NIOSSLContext(configuration: base)
        base.applicationProtocols = [wireALPN] + Self.http
        main = try NIOSSLContext(configuration: base)
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateVerification = .none
        client.verifySignatureAlgorithms = Self.signatureAlgorithms
        client.curves = Self.groups
        client.applicationProtocols = ["http/1.1"]
        upstream = try NIOSSLContext(configuration: client)
        client.applicationProtocols = Self.http
        upstreamHTTP = try NIOSSLContext(configuration: client)
    }

    var knowsCertificates: Bool { !registered.isEmpty }

    func isRegistered(_ certificate: [UInt8]?) -> Bool {
        certificate.map(registered.contains) ?? false
    }

    /// The protocols offered to visitors of this tunnel; none if visitors and the service agree on one themselves.
    static func protocols(of properties: TunnelProperties) -> [String] {
        properties.protocol == "http" && properties.tlsALPNs.isEmpty ? http : properties.tlsALPNs
    }

    /// The TLS settings for visitors of this tunnel; nil for the engine's own.
    func context(for properties: TunnelProperties) throws(EngineError) -> NIOSSLContext? {
        let isHTTP = properties.protocol == "http"
        if isHTTP, properties.tlsMinVersion == nil, properties.tlsCiphers.isEmpty, properties.tlsALPNs.isEmpty {
            return nil
        }
        var configuration = base
        configuration.minimumTLSVersion = properties.tlsMinVersion == "tls1.3" ? .tlsv13 : .tlsv12
        configuration.applicationProtocols = Self.protocols(of: properties)
        // The suites of TLS 1.3 cannot be chosen; what is left applies to 1.2.
        let suites = properties.tlsCiphers.filter { !CipherNames.tls13.contains($0) }
        if !suites.isEmpty { configuration.cipherSuites = suites.joined(separator: ":") }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw EngineError(code: .invalidRequest, message: "TLS settings are not usable.")
        }
    }
}
