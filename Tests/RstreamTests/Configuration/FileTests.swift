// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamModel
import Testing

@Suite("The client configuration file")
struct FileTests {
    private func read(_ text: String) throws -> ClientFile { try ClientFile(reading: Array(text.utf8), in: "/d") }

    @Test(
        "an empty file, or one of comments, is an empty configuration",
        arguments: ["", "# nothing\n", "---\n", "{}"]
    )
    func empty(text: String) throws {
        #expect(try read(text) == ClientFile())
    }

    @Test("unknown keys are ignored, and so are entries without name or apiUrl")
    func lenient() throws {
        let file = try read(
            """
            version: 1
            future: { a: [1] }
            defaults: { context: { name: a, more: 1 }, other: x }
            environments: [ { headers: {} }, null, { apiUrl: https://a/ } ]
            contexts: [ { engine: x }, { name: ' ' }, { name: a, turnPort: 1, later: {} } ]
            """
        )
        #expect(file.defaultContext == "a")
        #expect(file.environments.map(\.apiURL) == ["https://a"])
        #expect(file.contexts.map(\.name) == ["a"])
    }

    @Test("every key of the schema reaches its value, paths starting at the file")
    func schema() throws {
        let file = try read(
            """
            environments:
              - apiUrl: https://rstream.io
                headers: { X-Company: acme }
            contexts:
              - name: prod
                apiUrl: https://rstream.io
                projectEndpoint: 1a2b3c4d
                engine: 1a2b3c4d.cluster.example:443
                region: eu-west-3
                auth:
                  token: { storage: { kind: inline, value: t } }
                  mtls:
                    certificate: C
                    key: K
                    certificateFile: a.pem
                    keyFile: /k/a.key
                    storage: { kind: pkcs11, slot: 0 }
                transport:
                  mode: auto
                  useQuic: true
                  bind: { mode: interface, interface: eth0, address: 192.0.2.1 }
                  ipFamily: ipv4
                  mptcp: no
                  dns: { override: "1.1.1.1:853", tls: true, serverName: one.one.one.one, dnssec: true }
                  tls: { caFile: ca.pem, serverName: engine.internal, insecureSkipVerify: false }
                  proxy:
                    http: https://proxy.example:3128
                    socks5: socks5://proxy.example:1080
                    username: u
                    password: p
                    headers: { X-Env: ci }
                    fromEnvironment: false
                    tls: { caFile: pca.pem, serverName: proxy.example, insecureSkipVerify: true }
                  redirects: any
            """
        )
        #expect(file.environments.first?.headers == ["X-Company": "acme"])
        let entry = try #require(file.contexts.first)
        #expect(entry.apiURL == "https://rstream.io")
        #expect(entry.projectEndpoint == "1a2b3c4d")
        #expect(entry.engine == "1a2b3c4d.cluster.example:443")
        #expect(entry.region == "eu-west-3")
        #expect(entry.auth.token?.kind == "inline")
        #expect(entry.auth.token?.value == Secret("t"))
        let mtls = try #require(entry.auth.mtls)
        #expect(mtls.certificate == "C")
        #expect(mtls.key == Secret("K"))
        #expect(mtls.certificateFile == "/d/a.pem")
        #expect(mtls.keyFile == "/k/a.key")
        #expect(mtls.storage?.kind == "pkcs11")
        #expect(mtls.storage?.keys == ["slot"])
        var transport = TransportFields()
        transport.mode = "auto"
        transport.useQUIC = true
        transport.bind.mode = "interface"
        transport.bind.interface = "eth0"
        transport.bind.address = "192.0.2.1"
        transport.ipFamily = "ipv4"
        transport.multipath = false
        transport.dns.override = "1.1.1.1:853"
        transport.dns.tls = true
        transport.dns.serverName = "one.one.one.one"
        transport.dns.dnssec = true
        transport.tls.caFile = "/d/ca.pem"
        transport.tls.serverName = "engine.internal"
        transport.tls.insecureSkipVerify = false
        transport.proxy.http = "https://proxy.example:3128"
        transport.proxy.socks5 = "socks5://proxy.example:1080"
        transport.proxy.username = "u"
        transport.proxy.password = Secret("p")
        transport.proxy.headers = ["X-Env": "ci"]
        transport.proxy.fromEnvironment = false
        transport.proxy.tls.caFile = "/d/pca.pem"
        transport.proxy.tls.serverName = "proxy.example"
        transport.proxy.tls.insecureSkipVerify = true
        transport.redirects = "any"
        #expect(entry.transport == transport)
    }

    @Test("variables are not expanded here")
    func noExpansion() throws {
        #expect(try read("contexts: [ { name: '${HOME}' } ]").contexts.first?.name == "${HOME}")
    }

    @Test(
        "what cannot be read is an error at its place",
        arguments: [
            Refused("a: [", "1:4: the \"[\" here is not closed"),
            Refused("version: 2", "1:10: unsupported version 2 (expected 1)"),
            Refused("text", "1:1: this must be a mapping of keys"),
            Refused("contexts: {}", "1:11: \"contexts\" must be a list"),
            Refused("contexts: [ a ]", "1:13: this must be a mapping of keys"),
            Refused("contexts: [ { name: [] } ]", "1:21: \"name\" must be text"),
            Refused("contexts: [ { name: a, auth: x } ]", "1:30: \"auth\" must be a mapping of keys"),
            Refused(
                "contexts: [ { name: a, transport: { mptcp: maybe } } ]",
                "1:44: \"transport.mptcp\" must be true or false"
            ),
            Refused(
                "contexts: [ { name: a, auth: { mtls: { storage: { exec: { comand: x } } } } } ]",
                "1:59: unknown key \"comand\" in auth.mtls.storage.exec"
            ),
            Refused("a: 1\na: 2", "2:1: repeated key \"a\""),
        ]
    )
    func unreadable(refused: Refused) {
        refused.check(resolve(refused.text))
    }

    @Test("everything that cannot be read is found at once")
    func severalUnreadable() {
        let outcome = resolve(
            """
            defaults: []
            environments: {}
            contexts:
              - name: [a]
              - text
              - name: b
                auth: { mtls: { storage: { exec: { comand: x, arg: y } } } }
                transport: { mptcp: maybe, proxy: { headers: { A: [], B: {} }, tls: c }, useQuic: perhaps }
            """
        )
        #expect(
            outcome.complaints == [
                "1:11: \"defaults\" must be a mapping of keys",
                "2:15: \"environments\" must be a list",
                "4:11: \"name\" must be text",
                "5:5: this must be a mapping of keys",
                "7:40: unknown key \"comand\" in auth.mtls.storage.exec",
                "7:51: unknown key \"arg\" in auth.mtls.storage.exec",
                "8:87: \"transport.useQuic\" must be true or false",
                "8:25: \"transport.mptcp\" must be true or false",
                "8:55: \"transport.proxy.headers.A\" must be text",
                "8:62: \"transport.proxy.headers.B\" must be text",
                "8:73: \"transport.proxy.tls\" must be a mapping of keys",
            ]
        )
    }

    @Test("all that is wrong with what was chosen is found at once")
    func severalWrong() {
        let outcome = resolve(
            context("engine: a b\nauth: { mtls: { certificate: C } }\ntransport: { mode: udp, dns: { tls: true } }")
        )
        #expect(
            outcome.complaints == [
                "5:13: context \"main\": mTLS inline certificate and key are both required",
                "4:5: context \"main\": engine contains \" \": it is host[:port], without scheme, path or user",
                "6:18: context \"main\": invalid tunnel transport \"udp\"",
                "6:36: context \"main\": dns.tls requires dns.override",
            ]
        )
        let project = resolve(
            context("projectEndpoint: a.b\nauth: { mtls: { certificate: C, key: K } }"),
            environment: ["RSTREAM_API_URL": "ftp://c", "RSTREAM_CONTROL_PLANE_HEADERS": #"{"Host": "a", "b c": "d"}"#]
        )
        #expect(
            project.complaints == [
                "4:5: context \"main\": projectEndpoint \"a.b\" is not a DNS label",
                "4:5: context \"main\": a managed project requires a token, and none is configured",
                "context \"main\": API URL \"ftp://c\" does not start with https://",
                "RSTREAM_CONTROL_PLANE_HEADERS: reserved control plane header \"Host\"",
                "RSTREAM_CONTROL_PLANE_HEADERS: invalid control plane header name \"b c\"",
            ]
        )
    }

    @Test("whichever of credential, engine and transport is wrong, all of it is told, in that order")
    func combinations() {
        let parts: [(right: String, wrong: String, words: String)] = [
            (stored("t"), "auth: { mtls: { certificate: C } }", "certificate and key are both required"),
            ("engine: e", "engine: a b", "engine contains"),
            ("transport: {}", "transport: { mode: udp }", "invalid tunnel transport"),
        ]
        for number in 0..<8 {
            let isWrong = { (place: Int) in number >> place & 1 == 1 }
            let keys = parts.enumerated().map { isWrong($0.offset) ? $0.element.wrong : $0.element.right }
            let words = parts.enumerated().filter { isWrong($0.offset) }.map(\.element.words)
            let outcome = resolve(context(keys.joined(separator: "\n")))
            #expect(outcome.complaints.count == words.count, "\(keys)")
            #expect(zip(outcome.complaints, words).allSatisfy { $0.contains($1) }, "\(outcome.complaints)")
            #expect((outcome.client == nil) == (number > 0))
        }
        let both = resolve(environment: ["RSTREAM_ENGINE": "a b", "RSTREAM_REGION": "a b"]) { $0.noToken = true }
        #expect(both.errors.map(\.code) == [.invalidEngine, .invalidRegion])
    }

    @Test("an error is one line that begins with its place, and holds no secret")
    func errorText() throws {
        let text = context("engine: e\nauth: { token: { storage: { kind: vault, value: hunter2 } } }")
        let error = try #require(resolve(text).error).error(in: "/home/u/.rstream/config.yaml")
        #expect(error.code == .unsupportedConfig)
        #expect(error.origin == .configuration)
        #expect(error.retry == .afterReload)
        #expect(
            error.what
                == "/home/u/.rstream/config.yaml:5:33: context \"main\": token storage kind \"vault\" is not supported"
        )
        #expect(!"\(error)".contains("hunter2"))
    }
}
