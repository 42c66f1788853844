// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Rstream
import Testing

@Suite("The engine that the environment names")
struct EnvironmentTests {
    private let whole = [
        "RSTREAM_ENGINE": "engine.example", "RSTREAM_AUTHENTICATION_TOKEN": "sesame",
        "RSTREAM_MTLS_CERT_FILE": "agent.pem", "RSTREAM_MTLS_KEY_FILE": "agent.key",
    ]

    private func read(_ variables: [String: String]) throws -> EngineUnderTest? {
        try EngineUnderTest { variables[$0] }
    }

    private func problem(with variables: [String: String]) throws -> String {
        try #require(throws: EngineUnderTest.Unusable.self) { _ = try read(variables) }.description
    }

    @Test("is none without RSTREAM_ENGINE, whatever else is set")
    func none() throws {
        #expect(try read(whole.merging(["RSTREAM_ENGINE": " "]) { $1 }) == nil)
    }

    @Test("may come with a token, a certificate, or both, and says which without showing them")
    func credentials() throws {
        let both = try #require(try read(whole))
        #expect("\(both)" == "engine.example:443 with a token and a client certificate")
        #expect(both.token?.reveal() == "sesame")
        #expect(both.certificate == EngineUnderTest.Certificate(certificateFile: "agent.pem", keyFile: "agent.key"))
        let token = try read(whole.filter { !$0.key.contains("MTLS") })
        #expect(token?.certificate == nil)
        let certificate = try read(whole.merging(["RSTREAM_AUTHENTICATION_TOKEN": ""]) { $1 })
        #expect(certificate?.token == nil)
    }

    @Test("is verified unless RSTREAM_E2E_TLS_INSECURE is 1, with RSTREAM_E2E_CA_FILE trusted as well")
    func trust() throws {
        #expect(try read(whole)?.tls == TransportOptions.TLS())
        let lax = ["RSTREAM_E2E_TLS_INSECURE": "1", "RSTREAM_E2E_CA_FILE": "ca.pem"]
        let expected = TransportOptions.TLS(caFile: "ca.pem", insecureSkipVerify: true)
        #expect(try read(whole.merging(lax) { $1 })?.tls == expected)
        #expect(try read(whole.merging(["RSTREAM_E2E_TLS_INSECURE": "0"]) { $1 })?.tls == TransportOptions.TLS())
    }

    @Test("needs a credential, both halves of a certificate, and a good address")
    func problems() throws {
        #expect(try problem(with: ["RSTREAM_ENGINE": "engine.example"]).contains("RSTREAM_AUTHENTICATION_TOKEN"))
        for half in ["RSTREAM_MTLS_CERT_FILE", "RSTREAM_MTLS_KEY_FILE"] {
            #expect(try problem(with: whole.filter { $0.key != half }).hasSuffix("but not \(half)"))
        }
        let address = try problem(with: whole.merging(["RSTREAM_ENGINE": "https://engine.example"]) { $1 })
        #expect(address.hasPrefix("RSTREAM_ENGINE contains \"/\""))
    }
}
