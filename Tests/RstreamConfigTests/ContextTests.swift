// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamModel
import Testing

@Suite("contexts")
struct ContextTests {
    private let environment = ["CREDENTIALS_DIRECTORY": "/run/credentials/rstreamd.service"]

    @Test(
        "each credential reaches its value, paths starting at the file",
        arguments: [
            ("token: t", ConfiguredCredential.token(Secret("t"))),
            ("tokenFile: /a/token", .tokenFile(path: "/a/token")),
            ("tokenFile: token", .tokenFile(path: "/etc/rstream/token")),
            ("tokenCredential: engine", .tokenCredential(path: "/run/credentials/rstreamd.service/engine")),
            (
                "mtls: { certificateFile: c.pem, keyFile: /k.pem }",
                .clientCertificate(certificateFile: "/etc/rstream/c.pem", keyFile: "/k.pem")
            ),
            (
                "mtls: { certificateFile: c.pem, keyUri: 'handle:0x81000001' }",
                .hardwareKey(certificateFile: "/etc/rstream/c.pem", key: try HardwareKey(uri: "handle:0x81000001"))
            ),
            (
                "mtls: { certificateFile: c.pem, keyFile: , keyUri: 'pkcs11:token=a;object=b', keyPinFile: pin }",
                .hardwareKey(
                    certificateFile: "/etc/rstream/c.pem",
                    key: try HardwareKey(uri: "pkcs11:token=a;object=b", pinFile: "/etc/rstream/pin")
                )
            ),
            ("noToken: true", .none),
            ("token: t\nnoToken: false", .token(Secret("t"))),
            ("token: t\ntokenFile:", .token(Secret("t"))),
            ("token: 8080", .token(Secret("8080"))),
        ]
    )
    func credentials(written: String, meant: ConfiguredCredential) throws {
        let outcome = load(daemon: contextFile("engine: E.example:8443\n\(written)"), environment: environment)
        #expect(outcome.errors.isEmpty)
        let context = outcome.configuration?.contexts.first
        #expect(context?.name == "main")
        #expect(context?.credential == meant)
        #expect(context?.engine == .address(try EngineAddress("e.example:8443")))
        #expect(context?.transport == TransportOptions())
        #expect(context.map { "\($0.mark)" } == "\(daemonPath):3:3")
    }

    @Test("a systemd credential is no mistake to a check outside of the unit, which has no directory of them")
    func credentialOfTheUnit() {
        let text = contextFile("engine: e\ntokenCredential: token")
        let files = ImaginaryFiles(files: [daemonPath: text])
        let rule = FileRule(owners: [0], isForCheck: true)
        let checked = RstreamConfigTests.load(files, rule: rule)
        #expect(checked.diagnostics.isEmpty)
        #expect(
            checked.configuration?.contexts.map(\.credential)
                == [.tokenCredential(path: "/run/credentials/rstreamd.service/token")]
        )
        let elsewhere = RstreamConfigTests.load(files, environment: ["CREDENTIALS_DIRECTORY": "/c"], rule: rule)
        #expect(elsewhere.configuration?.contexts.map(\.credential) == [.tokenCredential(path: "/c/token")])
        #expect(RstreamConfigTests.load(files, rule: FileRule(owners: [0])).errors.count == 1)
        let path = ImaginaryFiles(files: [
            daemonPath: contextFile("engine: e\ntokenFile: ${CREDENTIALS_DIRECTORY}/token")
        ])
        #expect(RstreamConfigTests.load(path, rule: rule).errors.isEmpty)
    }

    @Test("transport says how the engine's certificate is judged")
    func transport() {
        let text =
            "engine: e\nnoToken: true\ntransport: { mode: TLS, tls: { caFile: ca.pem, serverName: n.example, insecureSkipVerify: yes } }"
        let context = load(daemon: contextFile(text)).configuration?.contexts.first
        let expected = TransportOptions.TLS(
            caFile: "/etc/rstream/ca.pem",
            serverName: "n.example",
            insecureSkipVerify: true
        )
        #expect(context?.transport == TransportOptions(tls: expected))
    }

    @Test(
        "transport that asks for nothing special is accepted",
        arguments: [
            "", "mode: auto", "mode: ''", "useQuic: false", "mode: tls, useQuic: true", "mptcp: false", "ipFamily: ''",
            "bind: {}", "dns: {}", "proxy: {}", "prewarm: {}",
            "prewarm: { mode: auto, maximum: 16, maxAge: 5s }", "tls: {}", "tls: { caFile: '', serverName: ' ' }",
        ]
    )
    func plainTransport(written: String) {
        let outcome = load(daemon: contextFile("engine: e\nnoToken: true\ntransport: { \(written) }"))
        #expect(outcome.diagnostics.isEmpty)
        #expect(outcome.configuration?.contexts.first?.transport == TransportOptions())
    }

    @Test(
        "each mistake is one error at its place",
        arguments: [
            Wrong(
                "noToken: true",
                "3:3: context \"main\": engine is required",
                "expected engine: host or host:port, or projectEndpoint of a managed project"
            ),
            Wrong("engine:\nnoToken: true", "4:5: context \"main\": engine is required"),
            Wrong("engine: ''\nnoToken: true", "4:13: context \"main\": engine is empty"),
            Wrong(
                "engine: https://e\nnoToken: true",
                "4:13: context \"main\": engine contains \"/\": it is host[:port], without scheme, path or user"
            ),
            Wrong(
                "engine: e:0\nnoToken: true",
                "4:13: context \"main\": engine has an invalid port \"0\": it is a number from 1 to 65535"
            ),
            Wrong("engine: [e]\nnoToken: true", "4:13: \"engine\" must be text"),
            Wrong(
                "engine: e",
                "3:3: context \"main\": a credential is required",
                "expected exactly one of: token, tokenFile, tokenCredential, mtls, noToken"
            ),
            Wrong("engine: e\ntoken:", "5:5: context \"main\": token is required"),
            Wrong("engine: e\ntoken: ''", "5:12: context \"main\": token is empty"),
            Wrong("engine: e\ntoken: [t]", "5:12: \"token\" must be text"),
            Wrong("engine: e\nnoToken: false", "3:3: context \"main\": a credential is required"),
            Wrong("engine: e\nnoToken: maybe", "5:14: \"noToken\" must be true or false"),
            Wrong("engine: e\ntokenFile: ' '", "5:16: \"tokenFile\" is empty"),
            Wrong(
                "engine: e\ntoken: t\nmtls: { certificateFile: c, keyFile: k }",
                "6:5: context \"main\": token and mTLS authentication cannot be used together"
            ),
            Wrong(
                "engine: e\nmtls: { certificateFile: c, keyFile: k }\ntokenFile: t",
                "5:5: context \"main\": token and mTLS authentication cannot be used together"
            ),
            Wrong(
                "engine: e\ntoken: t\ntokenFile: f",
                "6:5: context \"main\": \"token\" and \"tokenFile\" cannot be used together",
                "keep one of them"
            ),
            Wrong(
                "engine: e\nmtls: { certificateFile: c }",
                "5:5: mTLS certificate and key files are both required"
            ),
            Wrong(
                "engine: e\nmtls: { keyUri: 'handle:0x81000001' }",
                "5:5: mTLS certificate and key files are both required"
            ),
            Wrong(
                "engine: e\nmtls: { certificateFile: c, keyFile: k, keyUri: 'handle:0x81000001' }",
                "5:45: \"keyFile\" and \"keyUri\" cannot be used together",
                "keep one of them"
            ),
            Wrong(
                "engine: e\nmtls: { certificateFile: c, keyFile: k, keyPinFile: p }",
                "5:45: \"keyPinFile\" is for a key in a device",
                "remove it, or give keyUri instead of keyFile"
            ),
            Wrong(
                "engine: e\nmtls: { certificateFile: c, keyUri: 'pkcs11:object=b' }",
                "5:41: \"keyUri\" does not say which token the key is in",
                "add token= or serial=: the PIN must not go to another token"
            ),
            Wrong(
                "engine: e\nmtls: { certificateFile: c, keyUri: 'pkcs11:token=a;object=b?pin-value=4711' }",
                "5:41: \"keyUri\" must not hold the PIN, nor say where it is",
                "remove pin-value and pin-source, write the PIN to a file, and name that in keyPinFile"
            ),
            Wrong(
                "engine: e\nkeyUri: 'handle:0x81000001'\nnoToken: true",
                "5:5: unknown key \"keyUri\"",
                "\"keyUri\" belongs in \"mtls\""
            ),
            Wrong("engine: e\nmtls: { certificateFile: c, keyFile: '' }", "5:42: \"keyFile\" is empty"),
            Wrong("engine: e\nmtls: c.pem", "5:11: \"mtls\" must be a mapping of keys"),
            Wrong("engine: e\ntokenCredential: a/b", "5:22: \"tokenCredential\" is a name, not a path"),
            Wrong(
                "engine: e\ntokenCredential: engine",
                "5:22: \"tokenCredential\" needs systemd, which sets $CREDENTIALS_DIRECTORY",
                "add LoadCredential=engine:FILE to the unit, or use tokenFile"
            ),
            Wrong(
                "external: true\nname: prod",
                "5:11: context \"main\": context \"prod\" not found",
                "there is no client configuration /etc/rstream/config.yaml"
            ),
            Wrong("engine: e\nnoToken: true\nengin: e", "6:5: unknown key \"engin\"", "did you mean \"engine\"?"),
            Wrong(
                "engine: e\nnoToken: true\ncaFile: c",
                "6:5: unknown key \"caFile\"",
                "\"caFile\" belongs in \"transport.tls\""
            ),
            Wrong(
                "engine: e\nnoToken: true\ntransport: { mode: quic }",
                "6:24: transport QUIC is not supported (ERR_RSTREAM_UNSUPPORTED_TRANSPORT)"
            ),
            Wrong(
                "engine: e\nnoToken: true\ntransport: { useQuic: true }",
                "6:18: transport QUIC is not supported (ERR_RSTREAM_UNSUPPORTED_TRANSPORT)"
            ),
            Wrong(
                "engine: e\nnoToken: true\ntransport: { mode: tsl }",
                "6:24: invalid tunnel transport \"tsl\"",
                "did you mean \"tls\"?"
            ),
            Wrong(
                "engine: e\nnoToken: true\ntransport: { tls: { serverName: a b } }",
                "6:37: tls.serverName is not a host name"
            ),
            Wrong(
                "engine: e\nnoToken: true\ntransport: { serverName: a }",
                "6:18: unknown key \"serverName\"",
                "\"serverName\" belongs in \"tls\""
            ),
        ]
    )
    func mistakes(wrong: Wrong) {
        wrong.check(load(daemon: contextFile(wrong.text)))
    }

    @Test("a name that is not resolved is a warning")
    func uselessName() {
        let outcome = load(daemon: contextFile("engine: e\nnoToken: true\nexternal: false\nname: prod"))
        #expect(outcome.errors.isEmpty)
        #expect(outcome.warnings == ["7:5: \"name\" has no effect without \"external: true\""])
    }

    @Test("a token in a file that every user can read is a warning, one from the environment is not")
    func readableToken() {
        func warnings(_ token: String, mode: UInt32) -> [String] {
            let text = contextFile("engine: e\ntoken: \(token)")
            let files = ImaginaryFiles(files: [daemonPath: text], modes: [daemonPath: mode])
            return load(files, environment: ["TOKEN": "t"]).warnings
        }
        #expect(warnings("t", mode: 0o644) == ["5:5: all users of this host can read the token in this file"])
        #expect(warnings("t", mode: 0o640).isEmpty)
        #expect(warnings("t", mode: 0o600).isEmpty)
        #expect(warnings("${TOKEN}", mode: 0o644).isEmpty)
    }

    @Test("contexts of one engine, credential and transport are one session, whatever their names")
    func identity() throws {
        let text = """
            version: 1
            contexts:
              b: { engine: E.example, token: t }
              a: { engine: "e.example:443", token: t }
              c: { engine: e.example, token: u }
            """
        let contexts = try #require(load(daemon: text).configuration?.contexts)
        #expect(contexts.map(\.name) == ["a", "b", "c"])
        #expect(contexts[0].identity == contexts[1].identity)
        #expect(contexts[0].identity != contexts[2].identity)
    }

    @Test("a name may be given once over all files, and the error names both places")
    func duplicates() {
        let daemon = "version: 1\ncontexts: { main: { engine: e, noToken: true } }\n"
        let outcome = load(
            daemon: daemon,
            tunnels: "version: 1\ncontexts:\n  main: { engine: e, token: t }\ntunnels: []\n"
        )
        #expect(outcome.errors == ["3:3: duplicate context name \"main\""])
        #expect(outcome.diagnostics.map(\.file) == [tunnelPath])
        #expect(outcome.diagnostics.map(\.hint) == ["first defined at \(daemonPath):2:13"])
    }
}
