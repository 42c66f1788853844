// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A client from the environment", .serialized, .timeLimit(.hang))
struct EnvironmentTests {
    private let file = """
        defaults: { context: { name: main } }
        contexts:
          - name: main
            engine: engine.example
            auth: { token: { storage: { kind: inline, value: stored } } }
            transport: { tls: { caFile: ca.pem } }
          - name: other
            engine: other.example
            auth: { mtls: { certificate: C, key: K } }

        """

    /// Writes the file where a home directory has it, and returns the variables of a process at home there.
    private func home(_ folder: TemporaryFolder, _ text: String) throws -> [String: String] {
        let path = try folder.write(text, to: "config.yaml")
        return ["HOME": "/does/not/exist", "RSTREAM_CONFIG": path]
    }

    private func refusal(_ environment: [String: String]) throws -> RstreamError {
        try #require(
            #expect(throws: RstreamError.self) { _ = try RstreamClient.fromEnvironment(environment: environment) }
        )
    }

    @Test("is made of the file's default context, files in it starting there")
    func file() async throws {
        try await TemporaryFolder.with { folder in
            let options = try RstreamClient.fromEnvironment(environment: home(folder, file)).options
            #expect(options.engine == .address(try EngineAddress("engine.example")))
            #expect(options.transport.tls.caFile == folder.path(of: "ca.pem"))
            guard case .token(let token) = options.credential else {
                Issue.record("not a token")
                return
            }
            #expect(token == Secret("stored"))
        }
    }

    @Test("takes what the program says before variables, and these before the file")
    func precedence() async throws {
        try await TemporaryFolder.with { folder in
            var environment = try home(folder, file)
            environment["RSTREAM_CONTEXT"] = "other"
            let other = try RstreamClient.fromEnvironment(environment: environment).options
            #expect(other.engine == .address(try EngineAddress("other.example")))
            guard case .clientCertificatePEM("C", Secret("K")) = other.credential else {
                Issue.record("not a certificate")
                return
            }
            let main = try RstreamClient.fromEnvironment(context: "main", environment: environment) {
                $0.zeroRTT = false
            }
            #expect(main.options.engine == .address(try EngineAddress("engine.example")))
            #expect(!main.options.zeroRTT)
        }
    }

    @Test("needs no file, and finds the one in the home directory")
    func noFile() async throws {
        let variables = ["RSTREAM_ENGINE": "e", "RSTREAM_AUTHENTICATION_TOKEN": "t"]
        for home in [[:], ["HOME": "/does/not/exist"], ["RSTREAM_CONFIG": "/does/not/exist"]] {
            let client = try RstreamClient.fromEnvironment(environment: variables.merging(home) { $1 })
            #expect(client.options.engine == .address(try EngineAddress("e")))
        }
        try await TemporaryFolder.with { folder in
            try folder.makeFolder(".rstream")
            try folder.write(file, to: ".rstream/config.yaml")
            let client = try RstreamClient.fromEnvironment(environment: ["HOME": folder.path])
            #expect(client.options.engine == .address(try EngineAddress("engine.example")))
        }
    }

    @Test("says where in the file the mistake is")
    func mistakes() async throws {
        try await TemporaryFolder.with { folder in
            let environment = try home(folder, "contexts: {")
            let error = try refusal(environment)
            #expect(error.what.hasPrefix("\(folder.path(of: "config.yaml")):1:"))
            #expect(error.code == .invalidConfig)
            #expect(try refusal([:]).what == "authentication is required but not configured")
            #expect(try refusal(["RSTREAM_CONFIG": folder.path]).what.hasSuffix("it is not a regular file"))
        }
    }

    @Test("is not made with a token that has expired")
    func expired() throws {
        let expired = token(claiming: #"{"exp":1}"#).reveal()
        let error = try refusal(["RSTREAM_ENGINE": "e", "RSTREAM_AUTHENTICATION_TOKEN": expired])
        #expect(error.code == .tokenExpired)
    }
}
