import RstreamAdmin
import RstreamConfig
import RstreamModel
import Testing

@testable import RstreamDaemon

@Suite("The configuration as the admin API shows it")
struct ConfigurationDocumentTests {
    private static func text(_ context: ContextDefinition) throws -> String {
        let document = ConfigurationDocument(DaemonConfiguration(contexts: [context]))
        return String(decoding: try AdminJSON.encode(document), as: UTF8.self)
    }

    private static func context(
        _ credential: Credential,
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

    @Test("names what it shows as the files do")
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
}
