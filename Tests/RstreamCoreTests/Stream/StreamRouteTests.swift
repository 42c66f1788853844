// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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
        // The engine is told nothing that it said, however long that is.
        for endpoint in ["a:0", "a..b", String(repeating: "a", count: 60_000)] {
            guard case .failure(let refusal) = route("k", endpoint) else {
                Issue.record("\(endpoint.prefix(9)) is refused")
                continue
            }
            #expect(refusal.what == "the redirect's endpoint is not host[:port]")
        }
    }

    @Test("the engine is told one thing about a redirect that failed, whatever happened")
    func constantAnswer() throws {
        let redirect = StreamRoute.redirect(try EngineAddress("10.0.0.1:22"))
        let errors = ["refused", "timed out", "the certificate is not trusted", "it is a private address", ""].map {
            RstreamError(code: .engineUnreachable, origin: .host, retry: .never, what: $0)
        }
        let answers = errors.flatMap { error in
            [StreamRoute.Stage.connection, .upstream, .acceptor].map { redirect.answer(about: error, at: $0) }
        }
        #expect(Set(answers) == [StreamRoute.noConnection])
        #expect(errors.allSatisfy { StreamRoute.engine.answer(about: $0, at: .connection) == StreamRoute.noConnection })
        #expect(errors.allSatisfy { StreamRoute.engine.answer(about: $0, at: .upstream) == StreamRoute.noUpstream })
    }

    @Test("of a limit of this host the engine is told, shortly")
    func acceptorsAnswer() {
        func answer(_ what: String) -> String {
            let error = RstreamError(code: .streamClosed, origin: .host, retry: .never, what: what)
            return StreamRoute.engine.answer(about: error, at: .acceptor)
        }
        #expect(answer("the agent is stopping") == "the agent is stopping")
        #expect(answer(String(repeating: "x", count: 5_000)).utf8.count == 1_024)
    }
}
