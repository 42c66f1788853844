// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Rstream
import RstreamTestSupport

/// The engine that is checked, and who its agents and visitors are.
///
/// It is the one that the environment names, or a dev engine that knows a token and a client certificate and lives as
/// long as one check.
struct EngineUnderTest: Sendable {
    /// A registered client certificate and its key, PEM files.
    struct Certificate: Hashable, Sendable {
        let certificateFile: String
        let keyFile: String
    }

    let address: EngineAddress
    let token: Secret?
    let certificate: Certificate?
    let tls: TransportOptions.TLS

    /// Runs a check. An engine of our own must have no connection afterwards.
    static func with(_ check: (EngineUnderTest) async throws -> Void) async throws {
        if let given = try fromEnvironment.get() { return try await check(given) }
        try await TemporaryFolder.with { folder in
            let files = try ClientCertificate(in: folder)
            let configuration = DevEngineConfiguration.with { $0.registeredCertificates = [files.certificateFile] }
            try await TestEngine.with(configuration, in: folder) { engine in
                try await check(
                    EngineUnderTest(
                        address: engine.address,
                        token: TestEngine.token,
                        certificate: Certificate(certificateFile: files.certificateFile, keyFile: files.keyFile),
                        tls: TransportOptions.TLS(caFile: engine.caFile)
                    )
                )
                try await engine.waitUntilDeserted()
            }
        }
    }

    // MARK: Agents and dialers

    /// By token, or by certificate where there is no token.
    func client(zeroRTT: Bool = true) throws -> RstreamClient {
        guard let token else { return try certifiedClient(zeroRTT: zeroRTT) }
        return RstreamClient(
            RstreamClientOptions(
                engine: address,
                credential: .token(token),
                transport: TransportOptions(tls: tls),
                zeroRTT: zeroRTT
            )
        )
    }

    /// By certificate alone.
    func certifiedClient(zeroRTT: Bool = true) throws -> RstreamClient {
        guard let certificate else { throw Unusable(description: "there is no client certificate") }
        let credential = RstreamClientOptions.Credential.clientCertificate(
            certificateFile: certificate.certificateFile,
            keyFile: certificate.keyFile
        )
        return RstreamClient(
            RstreamClientOptions(
                engine: address,
                credential: credential,
                transport: TransportOptions(tls: tls),
                zeroRTT: zeroRTT
            )
        )
    }
}

extension RstreamClient {
    /// Opens a tunnel on a control channel of its own, and closes both, whatever becomes of `body`.
    func withTunnel(_ spec: TunnelSpec, _ body: (RstreamTunnel) async throws -> Void) async throws {
        let control = try await connect()
        do {
            let tunnel = try await control.createTunnel(spec)
            try await body(tunnel)
            try await within("the tunnel's close") { await tunnel.close() }
        } catch {
            await control.close()
            throw error
        }
        await control.close()
    }
}

extension TunnelSpec {
    /// A private tunnel under a name that is unique on the engine.
    static func unpublished() -> TunnelSpec {
        TunnelSpec(name: uniqueName(), publish: false)
    }

    /// A web site under a name that the engine chooses.
    static func site(tls: TLS = TLS(), http: HTTP = HTTP()) -> TunnelSpec {
        TunnelSpec(name: uniqueName(), publish: true, protocol: .http, tls: tls, http: http)
    }

    /// A web site whose visitors would have to prove who they are in two ways, which no engine grants.
    static func siteWithBothAuthentications() -> TunnelSpec {
        site(tls: TLS(mtls: true), http: HTTP(rstreamAuth: true))
    }

    private static func uniqueName() -> String {
        "e2e-\(String(UInt64.random(in: .min ... .max), radix: 16))"
    }
}
