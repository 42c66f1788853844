package import RstreamDaemonModel
package import RstreamModel

/// An engine and who we are to it: an entry of `contexts`, or the object that a tunnel gives instead of a name
/// (RUN.md §2.1, contract §3.2).
package struct ContextDefinition: Hashable, Sendable {
    /// The key under `contexts`, or ``inlineName``.
    package var name: String
    /// The engine to dial, or how it is found. A project that is looked up has a token as ``credential``.
    package var engine: EngineLocation
    /// What is shown to the engine.
    package var credential: Credential
    /// How connections to the engine are made.
    package var transport: TransportOptions
    /// Where the definition stands.
    package var mark: SourceMark
    /// Where the keys stand in it that name files; empty when it comes from the client configuration.
    package var fileMarks: SourceMarks

    /// The official tool's word for a context that stands inside a tunnel.
    package static let inlineName = "inline"

    /// A context whose connections are made the usual way unless given.
    package init(
        name: String,
        engine: EngineLocation,
        credential: Credential,
        transport: TransportOptions = TransportOptions(),
        mark: SourceMark = .none,
        fileMarks: SourceMarks = SourceMarks()
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

/// What an agent shows to the engine. Files are named here and read by the daemon at every connect; their paths are
/// absolute unless the daemon's file was itself given by a relative path.
package enum Credential: Hashable, Sendable {
    /// The text itself.
    case token(Secret)
    /// A file that holds a token.
    case tokenFile(path: String)
    /// A token that systemd put into `$CREDENTIALS_DIRECTORY`. Its permissions are systemd's
    /// business and not judged.
    case tokenCredential(path: String)
    /// A client certificate and its key, PEM files.
    case clientCertificate(certificateFile: String, keyFile: String)
    /// A client certificate and its key, PEM texts of the client configuration.
    case clientCertificatePEM(certificate: String, key: Secret)
    /// Nothing, for a test engine.
    case none
}

extension Credential {
    /// Whether both are the same to the kernel, which sees the bytes of a path.
    package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.token(let token), .token(let other)): token == other
        case (.tokenFile(let path), .tokenFile(let other)), (.tokenCredential(let path), .tokenCredential(let other)):
            path.sameBytes(as: other)
        case (.clientCertificate(let certificate, let key), .clientCertificate(let otherCertificate, let otherKey)):
            certificate.sameBytes(as: otherCertificate) && key.sameBytes(as: otherKey)
        case (.clientCertificatePEM(let text, let key), .clientCertificatePEM(let otherText, let otherKey)):
            text.sameBytes(as: otherText) && key == otherKey
        case (.none, .none): true
        case (.token, _), (.tokenFile, _), (.tokenCredential, _), (.clientCertificate, _), (.clientCertificatePEM, _),
            (.none, _):
            false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .token(let token): hasher.combine(token)
        case .tokenFile(let path), .tokenCredential(let path): hasher.combine(ByteKey(path))
        case .clientCertificate(let certificate, let key):
            hasher.combine(ByteKey(certificate))
            hasher.combine(ByteKey(key))
        case .clientCertificatePEM(let certificate, _): hasher.combine(ByteKey(certificate))
        case .none: hasher.combine(0)
        }
    }
}

/// What makes two contexts one session: the same engine, shown the same credential, connected to the same way.
package struct EngineIdentity: Hashable, Sendable {
    /// The engine to dial, or how it is found.
    package let engine: EngineLocation
    /// What is shown to the engine.
    package let credential: Credential
    /// How connections to the engine are made.
    package let transport: TransportOptions

    /// The files that a connect needs: tokens, certificates and keys, and the authorities that are trusted.
    package var files: Set<String> {
        let trust = [transport.tls.caFile, transport.proxy?.tls.caFile].compactMap { $0 }
        switch credential {
        case .tokenFile(let path), .tokenCredential(let path): return Set(trust + [path])
        case .clientCertificate(let certificateFile, let keyFile): return Set(trust + [certificateFile, keyFile])
        case .token, .clientCertificatePEM, .none: return Set(trust)
        }
    }

    /// An identity of its own; usually it comes from ``ContextDefinition/identity``.
    package init(engine: EngineLocation, credential: Credential, transport: TransportOptions) {
        self.engine = engine
        self.credential = credential
        self.transport = transport
    }
}
