// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// An engine with a credential and a transport: an entry of `contexts`, or the object that a tunnel gives instead of a
/// name (RUN.md §2.1, contract §3.2).
package struct ContextDefinition: Hashable, Sendable {
    /// The key under `contexts`, or ``inlineName``.
    package var name: String
    /// The engine to dial, or how it is found. A project that is looked up has a token as ``credential``.
    package var engine: EngineLocation
    /// The credential for the engine.
    package var credential: ConfiguredCredential
    /// How connections to the engine are made.
    package var transport: TransportOptions
    /// Where the definition stands.
    package var mark: SourceMark
    /// The places of its keys that name files; empty when it comes from the client configuration.
    package var fileMarks: [ConfigurationKey: SourceMark]

    /// The official tool's word for a context that stands inside a tunnel.
    package static let inlineName = "inline"

    /// A context whose connections are made the usual way unless given.
    package init(
        name: String,
        engine: EngineLocation,
        credential: ConfiguredCredential,
        transport: TransportOptions = TransportOptions(),
        mark: SourceMark = .none,
        fileMarks: [ConfigurationKey: SourceMark] = [:]
    ) {
        self.name = name
        self.engine = engine
        self.credential = credential
        self.transport = transport
        self.mark = mark
        self.fileMarks = fileMarks
    }

    /// Where a key that names a file stands, or the definition that has it from elsewhere.
    package func mark(of key: ConfigurationKey) -> SourceMark { fileMarks[key] ?? mark }

    /// What tunnels must agree in to share one session.
    package var identity: EngineIdentity {
        EngineIdentity(engine: engine, credential: credential, transport: transport)
    }
}

/// What two contexts must have in common to share a session: engine, credential and transport.
package struct EngineIdentity: Hashable, Sendable {
    /// The engine to dial, or how it is found.
    package let engine: EngineLocation
    /// The credential for the engine.
    package let credential: ConfiguredCredential
    /// How connections to the engine are made.
    package let transport: TransportOptions

    /// The files that a connect needs: tokens, certificates and keys, and the authorities that are trusted.
    package var files: Set<String> {
        let trust = [transport.tls.caFile, transport.proxy?.tls.caFile].compactMap { $0 }
        switch credential {
        case .tokenFile(let path), .tokenCredential(let path): return Set(trust + [path])
        case .clientCertificate(let certificateFile, let keyFile): return Set(trust + [certificateFile, keyFile])
        case .hardwareKey(let certificateFile, let key):
            return Set(trust + [certificateFile] + [key.file, key.pinFile].compactMap(\.self))
        case .token, .clientCertificatePEM, .none: return Set(trust)
        }
    }

    /// An identity of its own; usually it comes from ``ContextDefinition/identity``.
    package init(engine: EngineLocation, credential: ConfiguredCredential, transport: TransportOptions) {
        self.engine = engine
        self.credential = credential
        self.transport = transport
    }
}
