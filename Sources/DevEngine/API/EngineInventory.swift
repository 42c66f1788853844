import RstreamModel

/// What holders of a client certificate ask an engine for, anonymously: where its API for them is (CONFIG.md §12.1).
struct EngineInventory: Encodable {
    static let path = "/.well-known/rstream/engine"

    let version = 1
    let projectEndpoint: String
    let mtlsApiUrl: String
    let capabilities: [String]

    private enum CodingKeys: String, CodingKey {
        case version, projectEndpoint, mtlsApiUrl, capabilities
    }

    /// Clients hold it against the name that they know the engine by, which may have a project's name in front.
    init(of engine: Engine, askedBy asked: String?) {
        let own = engine.configuration.host
        let host = asked.flatMap { $0.endsWithBytes(of: ".\(own)") ? $0 : nil } ?? own
        projectEndpoint = host.split(byte: ".").first.map(String.init) ?? host
        mtlsApiUrl = "https://\(host):\(engine.port)/api"
        // Where none is registered, nobody is asked for a certificate.
        capabilities = engine.tls.knowsCertificates ? ["engine-api-mtls"] : []
    }

    /// Not to be kept: the port is another one at the next start.
    var answer: HTTPAnswer {
        var answer = HTTPAnswer.json(self)
        answer.headers = [("Cache-Control", "no-store")]
        return answer
    }
}
