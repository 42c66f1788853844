#if ConfigurationFiles
internal import ClientConfiguration
internal import RstreamModel

extension RstreamClientOptions {
    /// The options of a resolved configuration, with the official clients' defaults for everything else.
    init(_ client: ResolvedClient) {
        let credential: Credential =
            switch client.credential {
            case .token(let token): .token(token)
            case .certificateFiles(let certificateFile, let keyFile):
                .clientCertificate(certificateFile: certificateFile, keyFile: keyFile)
            case .certificate(let certificate, let key): .clientCertificatePEM(certificate: certificate, key: key)
            case .none: .none
            }
        self.init(engine: client.engine, credential: credential, transport: client.transport)
    }
}
#endif
