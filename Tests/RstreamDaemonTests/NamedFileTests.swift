// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream
@testable import RstreamDaemon

@Suite("Files that contexts name")
struct NamedFileTests {
    /// A context with a client certificate and a proxy, whose files are at lines 6 to 11.
    private static func configuration(_ folder: TemporaryFolder, isEnabled: Bool = true) throws -> DaemonConfiguration {
        let text = """
            version: 1
            contexts:
              main:
                engine: engine.test
                mtls:
                  certificateFile: c.pem
                  keyFile: k.pem
                transport:
                  tls: { caFile: ca.pem }
                  proxy: { http: "https://proxy.test:3128",
                    tls: { caFile: p.pem } }
              token:
                engine: engine.test
                tokenFile: token
            tunnels:
              - { name: web, forward: 8080, context: main, enabled: \(isEnabled), tunnel: { protocol: http } }
              - { name: more, forward: 8081, context: main, enabled: \(isEnabled), tunnel: { protocol: http } }
              - { name: other, forward: 8082, context: token, enabled: \(isEnabled), tunnel: { protocol: http } }

            """
        let path = try folder.write(text, to: "rstreamd.yaml")
        return try ConfigurationLoader(environment: [:]).load(path).configuration
    }

    private static let encrypted =
        "-----BEGIN \("ENCRYPTED PRIVATE KEY")-----\nAAAA\n-----END \("ENCRYPTED PRIVATE KEY")-----\n"

    private static func withFiles(_ body: (TemporaryFolder) throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            try folder.write(ClientCertificate.certificate, to: "c.pem")
            try folder.write(ClientCertificate.key, to: "k.pem")
            for name in ["ca.pem", "p.pem"] {
                try folder.write(ClientCertificate.certificate, to: name, mode: 0o644)
            }
            try folder.write("text\n", to: "token")
            try body(folder)
        }
    }

    @Test("are not all that a check reads: it warns of a configuration without tunnels and listeners")
    func idle() async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write("version: 1\n", to: "rstreamd.yaml")
            let loaded = try ConfigurationLoader(environment: [:]).load(path)
            #expect(loaded.warnings.isEmpty)
            let said = try loaded.checked().warnings
            #expect(said.map(\.message) == ["there are no tunnels and no listeners, here or in included files"])
            #expect(said.map(\.severity) == [.warning])
            #expect(said.map(\.file) == [path])
        }
        try await Self.withFiles { folder in
            let configuration = try Self.configuration(folder, isEnabled: false)
            let passed = try LoadedConfiguration(configuration: configuration, warnings: []).checked()
            #expect(passed.warnings.isEmpty)
        }
    }

    @Test(
        "are among the warnings of a check, whose last line counts them",
        arguments: [(0, "no mistakes"), (1, "no errors, 1 warning"), (2, "no errors, 2 warnings")]
    )
    func verdict(count: Int, verdict: String) {
        let warning = Diagnostic(severity: .warning, file: "a.yaml", message: "something")
        let passed = PassedCheck(warnings: Array(repeating: warning, count: count))
        #expect(passed.verdict(on: "/etc/a.yaml") == "/etc/a.yaml: \(verdict)")
        #expect(passed.verdict(on: "a\u{1B}.yaml") == "a\\u{1B}.yaml: \(verdict)")
    }

    @Test("of systemd are missing before the unit is started, which is a warning")
    func credential() throws {
        let context = ContextDefinition(
            name: "main",
            engine: .address(try EngineAddress("engine.test")),
            credential: .tokenCredential(path: "/nowhere/token")
        )
        let configuration = DaemonConfiguration(
            contexts: [context],
            listeners: [
                ListenerDefinition(name: "l", listen: .tcp(host: "127.0.0.1", port: 1), target: "t", context: context)
            ]
        )
        let said = NamedFiles.findings(about: configuration)
        #expect(said.map(\.severity) == [.warning])
        let hint = "systemd puts it there when the unit starts, if the unit has LoadCredential=token:FILE"
        #expect(said.map(\.hint) == [hint])
    }

    @Test("are fine when a connect can use them")
    func good() async throws {
        try await Self.withFiles { folder in
            let configuration = try Self.configuration(folder)
            #expect(NamedFiles.errors(about: configuration).isEmpty)
            #expect(NamedFiles.findings(about: configuration).isEmpty)
        }
    }

    /// A file, what is in it (nothing, where it is missing) and its mode, where its key stands, what is said of it, and
    /// whether it passes by itself.
    private static let cases: [(name: String, text: String?, mode: Int, place: String, what: String, passes: Bool)] = [
        ("ca.pem", "garbage", 0o600, "9:14", "engine CA file \"F\" does not contain a valid PEM certificate", false),
        ("ca.pem", nil, 0o600, "9:14", "file \"F\" cannot be read: there is no such file", true),
        ("p.pem", "garbage", 0o600, "11:16", "proxy CA file \"F\" does not contain a valid PEM certificate", false),
        ("c.pem", "", 0o600, "6:7", "certificate file \"F\" does not contain a valid PEM certificate", false),
        (
            "c.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0o600, "6:7",
            "certificate file \"F\" has a block at line 1 that is not a certificate", false
        ),
        ("k.pem", "garbage", 0o600, "7:7", "key file \"F\" does not contain a valid PEM private key", false),
        (
            "k.pem", encrypted, 0o600, "7:7", "key file \"F\" is encrypted, and rstream cannot ask for the passphrase",
            false
        ),
        (
            "k.pem", ClientCertificate.endedKey, 0o600, "7:7", "key file \"F\" does not belong to certificate file",
            false
        ),
        ("k.pem", ClientCertificate.key, 0o644, "7:7", "key file \"F\" can be read by other users", true),
        ("token", nil, 0o600, "14:5", "token file \"F\" cannot be read: there is no such file", true),
        ("token", " \n", 0o600, "14:5", "token file \"F\" is empty", true),
    ]

    @Test("that a connect cannot use are errors at their keys, with the text of the connect", arguments: cases.indices)
    func bad(index: Int) async throws {
        let (name, text, mode, place, what, passes) = Self.cases[index]
        try await Self.withFiles { folder in
            if let text { try folder.write(text, to: name, mode: mode) } else { try folder.remove(name) }
            let configuration = try Self.configuration(folder)
            let errors = NamedFiles.errors(about: configuration)
            try #require(errors.count == 1, "\(errors)")
            #expect("\(errors[0].line):\(errors[0].column)" == place)
            #expect(errors[0].file == folder.path(of: "rstreamd.yaml"))
            let path = folder.path(of: name)
            let isToken = name == "token"
            let said = "context \"\(isToken ? "token" : "main")\": \(what.replacing("F", with: path))"
            #expect(errors[0].message.hasPrefix(said), "\(errors[0].message)")
            #expect(errors[0].hint != nil)

            let found = NamedFiles.findings(about: configuration)
            #expect(found.map(\.message) == errors.map(\.message) && found.map(\.hint) == errors.map(\.hint))
            #expect(found.map(\.severity) == [passes ? .warning : .error])

            // Nobody connects with it, so a reload has nothing to lose.
            let idle = try Self.configuration(folder, isEnabled: false)
            #expect(NamedFiles.errors(about: idle).isEmpty)
            #expect(NamedFiles.findings(about: idle).map(\.severity) == [.warning])

            let context = try #require(configuration.contexts.first { $0.name == (isToken ? "token" : "main") })
            let client = RstreamClient(RstreamClientOptions(context))
            let error = try #require(throws: RstreamError.self) {
                if case .tokenFile(let path) = context.credential { _ = try SecretFile.token(path, isTrusted: false) }
                _ = try client.makeConnector(to: EngineAddress("engine.test:443"))
            }
            #expect(errors[0].message.hasSuffix(error.what) && errors[0].hint == error.fix)
        }
    }

    @Test("are all reported at once, and each once")
    func all() async throws {
        try await Self.withFiles { folder in
            for name in ["ca.pem", "p.pem", "c.pem", "k.pem"] { try folder.write("garbage", to: name) }
            try folder.remove("token")
            let errors = NamedFiles.errors(about: try Self.configuration(folder))
            #expect(errors.map(\.line).sorted() == [6, 7, 9, 11, 14])
        }
    }

    @Test("are looked at for an upstream too, a device's as far as that does not have to be asked")
    func upstream() async throws {
        try await Self.withFiles { folder in
            var configuration = try Self.configuration(folder)
            let (certificate, pin) = (folder.path(of: "no.pem"), folder.path(of: "no-pin"))
            configuration.tunnels[0].options.tls = UpstreamTLSOptions(
                credential: .hardwareKey(
                    certificateFile: certificate,
                    key: try HardwareKey(uri: "handle:0x81000001", pinFile: pin)
                )
            )
            // OpenSSL and its provider are also looked for, which this host may have or not.
            let said = NamedFiles.errors(about: configuration).map(\.message)
            for path in [certificate, pin] {
                let isSaid = said.contains {
                    $0.hasPrefix("tunnel \"web\": ") && $0.contains("\"\(path)\" cannot be read")
                }
                #expect(isSaid, "\(said)")
            }
        }
    }
}
