import RstreamCore
import RstreamModel
import RstreamWire
import Testing

@Suite("where the connection for a stream is dialed")
struct StreamRouteTests {
    private func route(_ secret: String?, _ endpoint: String?) -> Result<StreamRoute, StreamRoute.Refusal> {
        StreamRoute.route(
            of: ProxyConnectionRequest(
                tunnelID: "t1",
                streamID: "s1",
                secret: secret.map { Secret($0) },
                proxyEndpoint: endpoint
            )
        )
    }

    @Test("without an endpoint it is the engine, with or without a secret")
    func engine() {
        #expect(route(nil, nil) == .success(.engine))
        #expect(route("k", nil) == .success(.engine))
        #expect(route(" ", nil) == .success(.engine))
    }

    @Test(
        "an endpoint is an engine address, port 443 unless given",
        arguments: ["other.example", "other.example:8443", " other.example ", "[::1]:1", "192.0.2.1"]
    )
    func redirect(endpoint: String) throws {
        #expect(route("k", endpoint) == .success(.redirect(try EngineAddress(endpoint))))
    }

    @Test("the port is 443 unless given")
    func defaultPort() throws {
        guard case .success(.redirect(let address)) = route("k", "other.example") else {
            Issue.record("no redirect")
            return
        }
        #expect(address.port == 443)
    }

    @Test("a redirect without a secret, or with a blank one, is refused before the endpoint is read")
    func secret() {
        for secret in [nil, "", " ", "\t\n"] {
            for endpoint in ["other.example", "", "not an address"] {
                #expect(route(secret, endpoint) == .failure(.redirectWithoutSecret))
            }
        }
    }

    @Test("a blank endpoint is refused", arguments: ["", " ", "\n"])
    func blank(endpoint: String) {
        #expect(route("k", endpoint) == .failure(.redirectBlank))
    }

    @Test("an endpoint that is no address is refused with the reason")
    func malformed() {
        #expect(route("k", "https://a") == .failure(.redirectMalformed(.character("/"))))
        #expect(route("k", "a:0") == .failure(.redirectMalformed(.port("0"))))
        #expect(route("k", "a..b") == .failure(.redirectMalformed(.host("a..b"))))
        #expect(StreamRoute.Refusal.redirectMalformed(.port("0")).what.contains("invalid port \"0\""))
    }
}
