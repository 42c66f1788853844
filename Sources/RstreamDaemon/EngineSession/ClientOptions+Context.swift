internal import Rstream
internal import RstreamConfig
internal import RstreamModel

extension ClientOptions {
    /// What the library has to know to serve a context of the configuration.
    init(_ context: ContextDefinition, limits: LimitSettings, files: any FileAccess) {
        guard case .address(let engine) = context.engine else { preconditionFailure("interim") }
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
            engine: engine,
            credential: credential,
            transport: context.transport,
            limits: Limits(openingStreams: limits.openingStreams, pendingStreams: limits.pendingStreams),
            agent: Agent(name: "rstreamd", channel: "stable", version: rstreamVersion)
        )
    }
}
