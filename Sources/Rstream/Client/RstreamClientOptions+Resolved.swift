internal import ClientConfiguration
internal import RstreamModel

extension RstreamClientOptions {
    /// What a user's configuration came to, with the official clients' defaults for everything else.
    init(_ client: ResolvedClient) {
        self.init(engine: client.engine, credential: Credential(client.credential), transport: client.transport)
    }
}
