// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The configuration as the admin API shows it")
struct ConfigurationDocumentTests {
    private static func text(_ context: ContextDefinition) throws -> String {
        let document = ConfigurationDocument(DaemonConfiguration(contexts: [context]))
        return String(decoding: try AdminJSON.encode(document), as: UTF8.self)
    }

    private static func context(
        _ credential: ConfiguredCredential,
        engine: EngineLocation? = nil,
        proxy: Proxy? = nil
    ) throws -> ContextDefinition {
        ContextDefinition(
            name: "main",
            engine: try engine ?? .address(EngineAddress("engine.example:443")),
            credential: credential,
            transport: TransportOptions(proxy: proxy)
        )
    }

    @Test("shows no secret, whatever a context holds")
    func secrets() throws {
        let proxy = Proxy(
            route: .https(try EngineAddress("proxy.example:3128")),
            credentials: Proxy.Credentials(username: "agent", password: Secret("secret-1")),
            headers: ["X-Key": "secret-2"]
        )
        let project = ManagedProject(
            apiURL: "https://user:secret-3@api.example",
            endpoint: "1a2b",
            headers: ["X-Key": "secret-4"]
        )
        let contexts = [
            try Self.context(.token(Secret("secret-5")), engine: .project(project), proxy: proxy),
            try Self.context(.clientCertificatePEM(certificate: "secret-6", key: Secret("secret-7"))),
        ]
        for context in contexts {
            let text = try Self.text(context)
            #expect(!text.contains("secret"), "\(text)")
            #expect(text.contains("***"))
        }
    }

    @Test("uses the keys of the files")
    func keys() throws {
        var context = try Self.context(
            .tokenFile(path: "/etc/rstream/token"),
            proxy: Proxy(route: .socks5(try EngineAddress("proxy.example:1080")))
        )
        context.transport.bind = .interface("eth0")
        context.transport.dns = .init(server: try EngineAddress("192.0.2.53:853"), tlsServerName: "dns.example")
        let text = try Self.text(context)
        for part in [
            #""tokenFile":"/etc/rstream/token""#, #""bind":{"interface":"eth0","mode":"interface"}"#,
            #""dns":{"override":"192.0.2.53:853","serverName":"dns.example","tls":true}"#,
            #""fromEnvironment":false,"socks5":"socks5://proxy.example:1080""#,
        ] {
            #expect(text.contains(part), "\(part) in \(text)")
        }
    }

    /// Every key that a file may hold and that does not exclude another one.
    private static func rich(_ folder: TemporaryFolder) -> String {
        """
        version: 1
        context: main
        include: []
        contexts:
          main:
            engine: engine.test:8443
            tokenFile: \(folder.path)/token
            transport:
              bind: { mode: interface, interface: lo }
              ipFamily: ipv6
              mptcp: true
              dns: { override: 192.0.2.1, tls: true, serverName: dns.test }
              tls: { caFile: \(folder.path)/ca.pem, serverName: other.test }
              redirects: engine
              prewarm: { mode: fixed, maximum: 3, maxAge: 1500ms }
          proxied:
            engine: engine.test
            mtls: { certificateFile: /c.pem, keyFile: /k.pem }
            transport:
              proxy: { http: "https://proxy.test:8443", tls: { serverName: p.test } }
          device:
            engine: engine.test
            mtls: { certificateFile: /c.pem, keyUri: "pkcs11:token=a;object=b?module-path=/m.so", keyPinFile: /pin }
          project: { projectEndpoint: 1a2b3c4d, region: eu-west-3, apiUrl: "https://api.test", tokenFile: /t }
        tunnels:
          - name: web
            forward: "[::1]:8080"
            upstream:
              connectTimeout: 1500ms
              holdTimeout: 1.5s
              idleTimeout: 90m
              proxyProtocol: v2
              balance: source
              health: { interval: 90s, timeout: 1500ms, rise: 1, fall: 9, http: { path: /up, host: a, status: 200 } }
              tls: { serverName: a.test, caFile: /ca.pem, certificateFile: /c.pem, keyFile: /k.pem }
            limits: { streams: 7 }
            reload: { changed: keep }
            tunnel:
              protocol: http
              host: web.engine.test
              labels: { color: blue, empty: "" }
              trustedIPs: [192.0.2.0/24]
              geoip: [FR, DE]
              upstreamTLS: true
              http: { auth: { token: true, rstream: false }, gate: { challenge: true } }
          - name: many
            upstreams: [{ forward: 81, weight: 3 }, { forward: "unix:/run/app.sock", backup: true }]
            upstream: { balance: leastStreams, health: { tcp: true, onUnhealthy: close },
              tls: { certificateFile: /c.pem, keyUri: "pkcs11:token=a;object=b?module-path=/m.so", keyPinFile: /pin } }
            tunnel: {}
          - { name: plain, forward: "8080", tunnel: { protocol: http, http: { version: http/1.1 } } }
          - { name: tls, forward: "unix:@abstract", enabled: false, tunnel: { protocol: tls, tls: { mode: terminated,
              minVersion: tls1.3, alpns: [h2], mtls: false } } }
          - { name: ssh, forward: 22, context: project, tunnel: { protocol: tcp, port: 2222 } }
          - name: inline
            forward: "127.0.0.1:80"
            context: { engine: "other.test", noToken: true }
            tunnel: { publish: false }
        listeners:
          - { name: db, listen: 127.0.0.1:5432, dial: postgres, context: proxied }
          - { name: both, listen: "localhost:5433", dial: postgres, dialTimeout: 1500ms, limits: { streams: 7 } }
          - { name: file, listen: "unix:/run/db", dial: postgres, mode: "007", group: db }
          - { name: usual, listen: "unix:/run/usual", dial: postgres }
        watch: true
        admin: { socket: \(folder.path)/admin.sock, group: wheel, mode: "0600", readGroup: users }
        metrics: { listen: "[::1]:9464" }
        page: { listen: "127.0.0.1:4041", hosts: [box.example] }
        log: { level: debug, format: json }
        drain: { timeout: 0s }
        reload: { changed: cut }
        reconnect: { minimum: 250ms, maximum: 2m, rejected: 1h }
        canary: { interval: 90s }
        limits: { streams: 9, pendingStreams: 8, openingStreams: 7, unixUpstreams: [/run/apps] }
        debug: { coreDumps: true }
        """
    }

    @Test("is a configuration that reads as itself")
    func roundTrip() async throws {
        try await TemporaryFolder.with { folder in
            let loader = ConfigurationLoader(environment: [:])
            let first = try loader.load(try folder.write(Self.rich(folder), to: "rstreamd.yaml")).configuration
            let text = String(decoding: try AdminJSON.encode(ConfigurationDocument(first)), as: UTF8.self)
            var second = try loader.load(try folder.write(text, to: "shown.yaml")).configuration
            #expect(second.contexts.map(\.content) == first.contexts.map(\.content))
            for (shown, tunnel) in zip(second.tunnels, first.tunnels) { #expect(shown.content == tunnel.content) }
            #expect(second.tunnels.count == first.tunnels.count)
            #expect(second.listeners.map(\.content) == first.listeners.map(\.content))
            second.files = first.files
            #expect(second.content == first.content)
            let again = String(decoding: try AdminJSON.encode(ConfigurationDocument(second)), as: UTF8.self)
            #expect(again == text)
        }
    }

    @Test("has the fields that the OpenAPI document describes")
    func schema() async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write(Self.rich(folder), to: "rstreamd.yaml")
            let configuration = try ConfigurationLoader(environment: [:]).load(path).configuration
            let text = try AdminJSON.encode(ConfigurationDocument(configuration))
            let shown = try AdminJSON.decode(JSONValue.self, from: text)
            let schemas = try Self.schemas()
            Self.compare(shown, try #require(schemas["Configuration"]), schemas, at: "Configuration")
        }
    }

    private static func schemas() throws -> [String: JSONValue] {
        let document = try AdminJSON.decode(JSONValue.self, from: OpenAPIDocument.text(version: "1").utf8)
        return document.members["components"]?.members["schemas"]?.members ?? [:]
    }

    /// Compares the names of fields, those of the parts included. Of a schema with alternatives the last one is an object.
    private static func compare(
        _ value: JSONValue,
        _ schema: JSONValue,
        _ schemas: [String: JSONValue],
        at place: String
    ) {
        if case .text(let reference) = schema.members["$ref"], let name = reference.split(separator: "/").last {
            return compare(value, schemas[String(name)] ?? .null, schemas, at: place)
        }
        if case .array(let items) = value {
            for item in items { compare(item, schema.members["items"] ?? .null, schemas, at: "\(place)[]") }
        }
        guard case .object(let fields) = value else { return }
        if case .array(let alternatives) = schema.members["oneOf"], let object = alternatives.last {
            return compare(value, object, schemas, at: place)
        }
        let (properties, others) = (schema.members["properties"], schema.members["additionalProperties"])
        if let properties { #expect(Set(fields.keys).isSubset(of: properties.members.keys), "\(place)") }
        if case .array(let required) = schema.members["required"] {
            #expect(Set(required).isSubset(of: fields.keys.map { .text($0) }), "\(place)")
        }
        for (name, field) in fields {
            compare(field, properties?.members[name] ?? others ?? .null, schemas, at: "\(place).\(name)")
        }
    }

    @Test(
        "has the values that the OpenAPI document lists",
        arguments: [
            (["Configuration", "log", "format"], LogSettings.Format.allCases.map(\.rawValue)),
            (["ConfiguredDisposition", "changed"], StreamDisposition.allCases.map(\.rawValue)),
            (["ConfiguredTransport", "redirects"], TransportOptions.Redirects.allCases.map(\.rawValue)),
            (["ConfiguredTransport", "prewarm", "mode"], TransportOptions.Prewarm.Mode.allCases.map(\.rawValue)),
            (
                ["ConfiguredTunnel", "upstream", "proxyProtocol"],
                ["none"] + ProxyProtocolVersion.allCases.map(\.rawValue)
            ),
            (["ConfiguredTunnel", "upstream", "balance"], UpstreamBalance.allCases.map(\.rawValue)),
            (
                ["ConfiguredTunnel", "upstream", "health", "onUnhealthy"],
                UpstreamHealthOptions.UnhealthyAction.allCases.map(\.rawValue)
            ),
        ]
    )
    func words(path: [String], words: [String]) throws {
        var schema = JSONValue.object(try Self.schemas())
        for (place, name) in path.enumerated() {
            schema = (place == 0 ? schema : schema.members["properties"] ?? .null).members[name] ?? .null
        }
        guard case .array(let listed) = schema.members["enum"] else {
            Issue.record("no list at \(path)")
            return
        }
        #expect(Set(listed) == Set(words.map { .text($0) }))
    }

    @Test("passes a check also where it hides a secret")
    func secretsAreAccepted() async throws {
        try await TemporaryFolder.with { folder in
            let contexts = [
                try Self.context(.token(Secret("secret-1"))),
                ContextDefinition(
                    name: "pem",
                    engine: .address(try EngineAddress("engine.example:443")),
                    credential: .clientCertificatePEM(certificate: "secret-2", key: Secret("secret-3"))
                ),
            ]
            let document = ConfigurationDocument(DaemonConfiguration(contexts: contexts))
            let text = String(decoding: try AdminJSON.encode(document), as: UTF8.self)
            let path = try folder.write(text, to: "shown.yaml")
            #expect(try ConfigurationLoader(environment: [:]).load(path).configuration.contexts.count == 2)
        }
    }

    @Test(
        "writes durations as files have them",
        arguments: ["0s", "1ms", "250ms", "1500ms", "90s", "90m", "36h", "1.5ms", "8784h", "1000000.001s"]
    )
    func durations(text: String) throws {
        let duration = try #require(Duration(configured: text))
        #expect(Duration(configured: duration.configured) == duration, "\(duration.configured)")
    }
}

extension JSONValue {
    /// The members of an object.
    fileprivate var members: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
}
