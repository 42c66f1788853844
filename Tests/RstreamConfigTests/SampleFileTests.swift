// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import Testing

@Suite("the files in etc")
struct SampleFileTests {
    private var root: String {
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    }

    private func load(_ path: String, environment: [String: String] = [:]) throws -> LoadedConfiguration {
        try ConfigurationLoader(environment: environment).load("\(root)/etc/\(path)")
    }

    @Test("what is installed is harmless, complete and equal to the defaults")
    func installed() throws {
        let loaded = try load("rstream/rstreamd.yaml")
        let expected = DaemonConfiguration(
            files: ["\(root)/etc/rstream/rstreamd.yaml"],
            includes: ["\(root)/etc/rstream/tunnels.d/*.yaml"]
        )
        #expect(loaded.configuration.content == expected)
        #expect(loaded.warnings.isEmpty)
    }

    @Test("the installed file is still right when its comments are taken at their word")
    func uncommented() throws {
        let text = try text(of: "rstream/rstreamd.yaml")
            .replacing("contexts: {}", with: "contexts:").replacing("listeners: []", with: "listeners:")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("#   ") ? $0.dropFirst() : $0 }
            .map { Self.uncommented($0, except: ["mtls", "noToken", "tokenCredential"]) }
        let files = ImaginaryFiles(files: [daemonPath: lines.joined(separator: "\n")])
        let outcome = RstreamConfigTests.load(files, environment: ["PROXY_PASSWORD": "p"])
        #expect(outcome.diagnostics.isEmpty, "\(outcome.diagnostics.map(\.description))")
        let configuration = try #require(outcome.configuration)
        #expect(configuration.contexts.map(\.name) == ["main", "managed"])
        #expect(
            configuration.contexts.map(\.credential)
                == Array(repeating: .tokenFile(path: "/etc/rstream/token"), count: 2)
        )
        #expect(configuration.contexts.first?.transport.proxy?.credentials?.username == "agent")
        #expect(configuration.contexts.first?.transport.bind == .address(.v4(0xC000_0201)))
        #expect(configuration.listeners.map(\.context.name) == ["main"])
        #expect(configuration.metrics == .tcp(host: "127.0.0.1", port: 9_464))
        #expect(configuration.page == PageSettings(listen: .tcp(host: "127.0.0.1", port: 4_041)))
        #expect(configuration.admin == AdminSettings(readGroup: "rstream-read"))
        #expect(configuration.canary == CanarySettings(interval: .seconds(30)))
    }

    @Test(
        "what is installed names its schema to editors",
        arguments: [("rstreamd.yaml", ConfigurationSchema.daemon), ("tunnels.d/web.yaml.example", .tunnels)]
    )
    func schema(file: String, schema: ConfigurationSchema) throws {
        let path = "/usr/share/rstreamd/schema/\(schema.rawValue).json"
        #expect(try text(of: "rstream/\(file)").hasPrefix("# yaml-language-server: $schema=\(path)\n"))
    }

    @Test("the example of a tunnel file is right, and says what is the default anyway")
    func example() throws {
        let outcome = RstreamConfigTests.load(tunnels: try text(of: "rstream/tunnels.d/web.yaml.example"))
        #expect(outcome.diagnostics.isEmpty)
        #expect(outcome.tunnel?.spec.protocol == .http)
        #expect(outcome.tunnel?.options == UpstreamOptions())
    }

    @Test("the example is still right when its comments are taken at their word")
    func uncommentedExample() throws {
        let lines = try text(of: "rstream/tunnels.d/web.yaml.example")
            .split(separator: "\n", omittingEmptySubsequences: false)
            // There can be only one of the two.
            .map { Self.uncommented($0, except: ["port", "upstreams"]) }
        let outcome = RstreamConfigTests.load(tunnels: lines.joined(separator: "\n"))
        #expect(outcome.diagnostics.isEmpty, "\(outcome.diagnostics.map(\.description))")
        #expect(outcome.tunnel?.spec.tls.alpns == ["h2"])
        #expect(outcome.tunnel?.spec.hostname == "web-1a2b3c4d.t.cluster.example")
    }

    /// A line whose comment sign is gone if a key stands behind it.
    private static func uncommented(_ line: Substring, except: Set<Substring>) -> Substring {
        let indent = line.prefix { $0 == " " }
        let rest = line.dropFirst(indent.count)
        let word = rest.dropFirst(2).drop { $0 == " " }.prefix { $0.isASCII && $0.isLetter }
        guard rest.hasPrefix("# "), let end = rest.firstRange(of: "\(word):"), !word.isEmpty,
            rest[end.upperBound...].first.map({ $0 == " " }) != false,
            // Values and prose that look like keys.
            !except.contains(word), !["true", "false", "Default", "default"].contains(word)
        else { return line }
        return indent + rest.dropFirst(2)
    }

    private func text(of path: String) throws -> String {
        String(decoding: try FileSystem().read("\(root)/etc/\(path)", limit: 1 << 20).bytes, as: UTF8.self)
    }

    @Test("the demo has one tunnel, and is told where everything is")
    func demo() throws {
        let loaded = try load(
            "demo/rstreamd.yaml",
            environment: [
                "RSTREAMD_DEMO_UPSTREAM": "127.0.0.1:8080", "RSTREAMD_DEMO_TOKEN_FILE": "/demo/token",
                "RSTREAMD_DEMO_CA_FILE": "/demo/ca.pem",
            ]
        )
        let tunnel = try #require(loaded.configuration.tunnels.first)
        #expect(tunnel.upstream == .tcp(host: "127.0.0.1", service: "8080"))
        #expect(tunnel.context.engine == .address(try EngineAddress("127.0.0.1:8443")))
        #expect(tunnel.context.credential == .tokenFile(path: "/demo/token"))
        #expect(loaded.warnings.isEmpty)
    }

    @Test("the demo without its environment says what is missing")
    func demoWithoutEnvironment() {
        #expect(throws: ConfigurationError.self) { try load("demo/rstreamd.yaml") }
    }
}
