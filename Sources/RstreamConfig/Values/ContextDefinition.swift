package import RstreamModel

/// An engine and who we are to it: an entry of `contexts`, or the object that a tunnel gives instead of a name
/// (RUN.md §2.1, contract §3.2).
package struct ContextDefinition: Hashable, Sendable {
    /// The key under `contexts`, or ``inlineName``.
    package var name: String
    /// The engine to dial.
    package var engine: EngineAddress
    /// What is shown to the engine.
    package var credential: Credential
    /// How the engine's certificate is judged.
    package var transport: TransportSettings
    /// Where the definition stands.
    package var mark: SourceMark

    /// The official tool's word for a context that stands inside a tunnel.
    package static let inlineName = "inline"

    /// A context with the usual judgement of certificates unless given.
    package init(
        name: String,
        engine: EngineAddress,
        credential: Credential,
        transport: TransportSettings = TransportSettings(),
        mark: SourceMark = .none
    ) {
        self.name = name
        self.engine = engine
        self.credential = credential
        self.transport = transport
        self.mark = mark
    }

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
    /// Nothing, for a test engine.
    case none
}

/// How the engine's certificate is judged: `transport.tls`.
package struct TransportSettings: Hashable, Sendable {
    /// PEM file of the authorities to trust besides the system's.
    package var caFile: String?
    /// The name that the certificate must have, instead of the engine's host.
    package var serverName: String?
    /// Whether any certificate is taken.
    package var insecureSkipVerify: Bool

    /// The system's authorities and the engine's own name unless given.
    package init(caFile: String? = nil, serverName: String? = nil, insecureSkipVerify: Bool = false) {
        self.caFile = caFile
        self.serverName = serverName
        self.insecureSkipVerify = insecureSkipVerify
    }
}

/// What makes two contexts one session: the same engine, shown the same credential, judged the same way.
package struct EngineIdentity: Hashable, Sendable {
    /// The engine to dial.
    package let engine: EngineAddress
    /// What is shown to the engine.
    package let credential: Credential
    /// How the engine's certificate is judged.
    package let transport: TransportSettings

    /// An identity of its own; usually it comes from ``ContextDefinition/identity``.
    package init(engine: EngineAddress, credential: Credential, transport: TransportSettings) {
        self.engine = engine
        self.credential = credential
        self.transport = transport
    }
}
