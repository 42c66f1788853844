// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// The document that tells clients with a certificate where the engine's API for them is (CONFIG.md §12.1).
struct EngineInventory: Encodable {
    static let path = "/.well-known/rstream/engine"

    let version = 1
    let projectEndpoint: String
    let mtlsApiUrl: String
    let capabilities: [String]

    private enum CodingKeys: String, CodingKey {
        case version, projectEndpoint, mtlsApiUrl, capabilities
    }

    /// Clients compare the endpoint with the engine's name that they dialed, which may start with a project's name.
    init(of engine: Engine, askedBy asked: String?) {
        let own = engine.configuration.host
        let host = asked.flatMap { $0.endsWithBytes(of: ".\(own)") ? $0 : nil } ?? own
        projectEndpoint = host.split(byte: ".").first.map(String.init) ?? host
        mtlsApiUrl = "https://\(host):\(engine.port)/api"
        // Without a registered certificate, clients are not asked for one.
        capabilities = engine.tls.knowsCertificates ? ["engine-api-mtls"] : []
    }

    /// Not to be cached: the port may change at the next start.
    var answer: HTTPResponse {
        var answer = HTTPResponse.json(self)
        answer.headers = [("Cache-Control", "no-store")]
        return answer
    }
}
