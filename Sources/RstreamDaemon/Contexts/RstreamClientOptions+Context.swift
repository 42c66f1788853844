internal import Rstream
internal import RstreamConfig
internal import RstreamModel

extension RstreamClientOptions {
    /// The options of a client for a context: for the daemon's sessions, and for the doctor's probe.
    init(_ context: ContextDefinition, limits: LimitSettings = LimitSettings()) {
        let credential: RstreamClientOptions.Credential =
            switch context.credential {
            case .token(let token): .token(token)
            case .tokenFile(let path): .tokenFile(path: path)
            case .tokenCredential(let path): .tokenFile(path: path, isSystemdCredential: true)
            case .clientCertificate(let certificateFile, let keyFile):
                .clientCertificate(certificateFile: certificateFile, keyFile: keyFile)
            case .clientCertificatePEM(let certificate, let key):
                .clientCertificatePEM(certificate: certificate, key: key)
            case .none: .none
            }
        self.init(
            engine: context.engine,
            credential: credential,
            transport: context.transport,
            limits: Limits(openingStreams: limits.openingStreams, pendingStreams: limits.pendingStreams),
            agent: Agent(name: "rstreamd", channel: "stable", version: rstreamVersion)
        )
    }
}
