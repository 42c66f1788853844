internal import Rstream
internal import RstreamConfig
internal import RstreamModel

extension ClientOptions {
    /// What the library has to know to serve a context of the configuration.
    init(_ context: ContextDefinition, limits: LimitSettings, files: any FileAccess) {
        let credential: ClientOptions.Credential =
            switch context.credential {
            case .token(let token): .token(token)
            case .tokenFile(let path):
                .tokenProvider { () throws(RstreamError) in
                    try TokenFile.read(path, isCredential: false, files: files)
                }
            case .tokenCredential(let path):
                .tokenProvider { () throws(RstreamError) in
                    try TokenFile.read(path, isCredential: true, files: files)
                }
            case .clientCertificate(let certificateFile, let keyFile):
                .clientCertificate(certificateFile: certificateFile, keyFile: keyFile)
            case .none: .none
            }
        self.init(
            engine: context.engine,
            credential: credential,
            tls: TLS(
                caFile: context.transport.caFile,
                serverName: context.transport.serverName,
                insecureSkipVerify: context.transport.insecureSkipVerify
            ),
            limits: Limits(openingStreams: limits.openingStreams, pendingStreams: limits.pendingStreams),
            agent: Agent(name: "rstreamd", channel: "stable", version: rstreamVersion)
        )
    }
}
