// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamModel
import Testing

@Suite("contexts of the client configuration")
struct ExternalContextTests {
    private let clientPath = "/etc/rstream/config.yaml"
    private let clientFile = """
        defaults: { context: { name: laptop } }
        contexts:
          - name: prod
            engine: prod.example
            auth: { token: { storage: { kind: inline, value: hunter2 } } }
            transport: { ipFamily: ipv4, tls: { caFile: ca.pem } }
          - name: managed
            projectEndpoint: 1a2b
            region: eu
            auth: { token: { storage: { kind: inline, value: hunter2 } } }
          - name: laptop
            engine: laptop.example
            auth: { mtls: { certificate: C, key: K } }
          - name: vault
            engine: e
            auth: { token: { storage: { kind: vault, value: hunter2 } } }

        """
    private let tunnel = "version: 1\ntunnels: [ { name: web, forward: 80, tunnel: {} } ]\n"

    private func load(
        _ daemon: String,
        tunnels: String? = nil,
        client: String?,
        at path: String? = nil,
        mode: UInt32 = 0o640,
        environment: [String: String] = [:]
    ) -> Outcome {
        var files = ImaginaryFiles(files: [daemonPath: daemon])
        files.files[tunnelPath] = tunnels
        files.files[path ?? clientPath] = client
        files.modes[path ?? clientPath] = mode
        return RstreamConfigTests.load(files, environment: environment)
    }

    @Test("an external context is taken from there by its key, or by the name it gives")
    func named() throws {
        let text =
            "version: 1\ncontexts:\n  prod: { external: true, engine: ignored }\n  far: { external: yes, name: managed }\n"
        let outcome = load(text, client: clientFile)
        #expect(outcome.diagnostics.isEmpty)
        let contexts = try #require(outcome.configuration?.contexts)
        #expect(contexts.map(\.name) == ["far", "prod"])
        #expect(contexts[0].engine == .project(ManagedProject(endpoint: "1a2b", region: "eu")))
        #expect(contexts[1].engine == .address(try EngineAddress("prod.example")))
        #expect(contexts[1].credential == .token(Secret("hunter2")))
        #expect(contexts[1].transport.ipFamily == .ipv4)
        #expect(contexts[1].transport.tls.caFile == "/etc/rstream/ca.pem")
        #expect("\(contexts[1].mark)" == "\(daemonPath):3:3")
        #expect(outcome.configuration?.files == [daemonPath, clientPath])
    }

    @Test("clientConfig says where the file is, from the daemon's file on")
    func path() {
        let text = "version: 1\nclientConfig: other.yaml\ncontexts: { prod: { external: true } }\n"
        let outcome = load(text, client: clientFile, at: "/etc/rstream/other.yaml")
        #expect(outcome.errors.isEmpty)
        #expect(outcome.configuration?.contexts.count == 1)
    }

    @Test("RSTREAM_CONFIG says where the file is, unless clientConfig does")
    func pathVariable() {
        let text = "version: 1\ncontexts: { prod: { external: true } }\n"
        let environment = ["RSTREAM_CONFIG": " /home/u/config.yaml "]
        let outcome = load(text, client: clientFile, at: "/home/u/config.yaml", environment: environment)
        #expect(outcome.configuration?.files == [daemonPath, "/home/u/config.yaml"])
        let own = load(text + "clientConfig: config.yaml\n", client: clientFile, environment: environment)
        #expect(own.configuration?.files == [daemonPath, clientPath])
        let blank = load(text, client: clientFile, environment: ["RSTREAM_CONFIG": " "])
        #expect(blank.configuration?.files == [daemonPath, clientPath])
    }

    @Test("a file that is not there yet is one to watch")
    func missing() {
        let variables = ["RSTREAM_ENGINE": "e", "RSTREAM_AUTHENTICATION_TOKEN": "t"]
        let outcome = load("version: 1\n", tunnels: tunnel, client: nil, environment: variables)
        #expect(outcome.configuration?.files == [daemonPath, tunnelPath, clientPath])
    }

    @Test("variables for engine, token and region apply to the look-up")
    func variables() throws {
        let text = "version: 1\ncontexts: { managed: { external: true } }\n"
        let region = load(text, client: clientFile, environment: ["RSTREAM_REGION": "us"]).configuration
        #expect(region?.contexts.first?.engine == .project(ManagedProject(endpoint: "1a2b", region: "us")))
        let token = load(text, client: clientFile, environment: ["RSTREAM_AUTHENTICATION_TOKEN": "v"]).configuration
        #expect(token?.contexts.first?.credential == .token(Secret("v")))
        let engine = load(
            text.replacing("managed", with: "prod"),
            client: clientFile,
            environment: ["RSTREAM_ENGINE": "other.example"]
        )
        #expect(
            engine.errors == [
                "2:13: context \"prod\": refusing to use a stored token with an explicit engine override"
            ]
        )
    }

    @Test("a tunnel that names no context takes the daemon's, else the client configuration's default")
    func fallback() throws {
        let client = load("version: 1\n", tunnels: tunnel, client: clientFile)
        #expect(client.errors.isEmpty)
        let context = try #require(client.tunnel?.context)
        #expect(context.name == "laptop")
        #expect(context.credential == .clientCertificatePEM(certificate: "C", key: Secret("K")))
        let own = load(usualDaemonFile, tunnels: tunnel, client: "contexts: {")
        #expect(own.errors.isEmpty)
        #expect(own.tunnel?.context.name == "main")
    }

    @Test("variables alone are enough of a fallback, and nothing at all is none")
    func fallbackVariables() throws {
        let variables = ["RSTREAM_ENGINE": "e", "RSTREAM_AUTHENTICATION_TOKEN": "t"]
        let context = load("version: 1\n", tunnels: tunnel, client: nil, environment: variables).tunnel?.context
        #expect(context?.engine == .address(try EngineAddress("e")))
        let nothing = load("version: 1\n", tunnels: tunnel, client: "contexts: []")
        #expect(nothing.errors == ["2:20: tunnel \"web\": fallback context is not configured"])
    }

    @Test("what is wrong outside of the client configuration is complained about at the reference")
    func atReference() {
        let text = "version: 1\ncontexts: { prd: { external: true } }\n"
        let outcome = load(text, client: clientFile)
        #expect(outcome.errors == ["2:13: context \"prd\": context \"prd\" not found"])
        #expect(outcome.diagnostics.first?.hint == "known: \"laptop\", \"managed\", \"prod\", \"vault\"")
        #expect(outcome.diagnostics.first?.file == daemonPath)
    }

    @Test("what is wrong inside of it is complained about there, without showing its secrets")
    func inside() {
        let text = "version: 1\ncontexts: { vault: { external: true } }\n"
        let outcome = load(text, client: clientFile)
        let what = "context \"vault\": token storage kind \"vault\" is not supported (ERR_RSTREAM_UNSUPPORTED_CONFIG)"
        #expect(outcome.errors == ["16:33: \(what)"])
        #expect(outcome.diagnostics.first?.file == clientPath)
        #expect(outcome.diagnostics.first?.description.contains("hunter2") == false)
        let broken = load(text, client: "contexts: [ { name: vault, auth: { token: { storage: { value: hunter2")
        #expect(broken.diagnostics.map(\.file) == [clientPath])
        #expect(broken.diagnostics.first?.description.contains("hunter2") == false)
    }

    @Test("all that is wrong inside of it is complained about at once")
    func severalInside() {
        let text = "version: 1\ncontexts: { a: { external: true } }\n"
        let unreadable = load(text, client: "defaults: []\ncontexts: [ { name: a, engine: [], auth: x } ]")
        #expect(unreadable.errors.count == 3)
        let wrong = load(
            text,
            client: "contexts: [ { name: a, engine: 'a b', auth: {}, transport: "
                + "{ mode: quic, dns: { dnssec: true } } } ]"
        )
        #expect(
            wrong.errors == [
                "1:24: context \"a\": engine contains \" \": it is host[:port], without scheme, path or user",
                "1:39: context \"a\": authentication is required but not configured",
                "1:62: context \"a\": transport QUIC is not supported (ERR_RSTREAM_UNSUPPORTED_TRANSPORT)",
                "1:81: context \"a\": dns.dnssec is not supported (ERR_RSTREAM_UNSUPPORTED_CONFIG)",
            ]
        )
    }

    @Test("a private key or a misplaced token beside a mistake is not shown")
    func redacted() {
        let text = "version: 1\ncontexts: { a: { external: true } }\n"
        for auth in [
            "{ mtls: { certificate: C, key: hunter2, keyFile: k } }", "{ mtls: { certificate: C }, value: hunter2 }",
        ] {
            let outcome = load(text, client: "contexts: [ { name: a, engine: e, auth: \(auth) } ]")
            #expect(outcome.diagnostics.map(\.file) == [clientPath])
            #expect(outcome.diagnostics.first?.description.contains("hunter2") == false)
            #expect(outcome.diagnostics.first?.description.contains("certificate: C") == true)
        }
    }

    @Test("a client configuration that is not needed is not read")
    func unneeded() {
        #expect(load(usualDaemonFile, client: "{").configuration?.files == [daemonPath])
    }

    @Test("one that may not be read ends the load as any other file does")
    func notPermitted() {
        var files = ImaginaryFiles(files: [daemonPath: "version: 1\ncontexts: { prod: { external: true } }\n"])
        files.forbidden = [clientPath]
        let outcome = RstreamConfigTests.load(files)
        #expect(outcome.kind == .notPermitted)
        #expect(outcome.diagnostics.map(\.file) == [clientPath])
    }

    @Test(
        "a certificate that is not checked is worth a warning that says where it is asked for",
        arguments: [
            ("tls: { insecureSkipVerify: true }", "engine"),
            ("proxy: { http: 'https://p', tls: { insecureSkipVerify: true } }", "proxy"),
            ("tls: { insecureSkipVerify: false }", nil),
        ] as [(String, String?)]
    )
    func unchecked(transport: String, peer: String?) {
        let client = """
            contexts:
              - name: prod
                engine: prod.example
                auth: { token: { storage: { kind: inline, value: hunter2 } } }
                transport: { \(transport) }

            """
        let outcome = load("version: 1\ncontexts: { prod: { external: true } }\n", client: client)
        #expect(outcome.errors.isEmpty)
        #expect(
            outcome.warnings == (peer.map { ["2:13: context \"prod\": the \($0)'s certificate is not checked"] } ?? [])
        )
        #expect(outcome.diagnostics.allSatisfy { $0.hint == "remove insecureSkipVerify from \(clientPath)" })
    }

    @Test("stored credentials that every user can read are a warning")
    func readable() {
        let text = "version: 1\ncontexts: { prod: { external: true } }\n"
        let outcome = load(text, client: clientFile, mode: 0o644)
        #expect(outcome.warnings == ["1:1: all users of this host can read the credentials in this file"])
        let elsewhere = load(
            text,
            client: clientFile,
            mode: 0o644,
            environment: ["RSTREAM_AUTHENTICATION_TOKEN": "v"]
        )
        #expect(elsewhere.warnings.isEmpty)
    }
}
