import RstreamConfig
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
        #expect(loaded.configuration == expected)
        #expect(loaded.warnings.isEmpty)
    }

    @Test("the installed file is still right when its comments are taken at their word")
    func uncommented() throws {
        let path = "\(root)/etc/rstream/rstreamd.yaml"
        let text = String(decoding: try FileSystem().read(path, limit: 1 << 20).bytes, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> Substring in
            if line == "contexts: {}" { return "contexts:" }
            if line == "# context: main" { return "context: main" }
            let isKept = line.hasPrefix("#   ") && !line.hasPrefix("#     # ") && !line.hasPrefix("#       # ")
            return isKept ? line.dropFirst() : line
        }
        let files = ImaginaryFiles(files: [daemonPath: lines.joined(separator: "\n")])
        let loaded = try ConfigurationLoader(files: files, environment: [:]).load(daemonPath)
        #expect(loaded.configuration.contexts.map(\.credential) == [.tokenFile(path: "/etc/rstream/token")])
    }

    @Test("the example of a tunnel file is right")
    func example() throws {
        let path = "\(root)/etc/rstream/tunnels.d/web.yaml.example"
        let text = String(decoding: try FileSystem().read(path, limit: 1 << 20).bytes, as: UTF8.self)
        let files = ImaginaryFiles(files: [daemonPath: usualDaemonFile, tunnelPath: text])
        let loaded = try ConfigurationLoader(files: files, environment: [:]).load(daemonPath)
        #expect(loaded.configuration.tunnels.map(\.spec.protocol) == [.http])
        #expect(loaded.warnings.isEmpty)
    }

    @Test("the demo has one tunnel, with paths next to its build")
    func demo() throws {
        let loaded = try load("demo/rstreamd.yaml", environment: ["RSTREAMD_DEMO_UPSTREAM": "127.0.0.1:8080"])
        let tunnel = try #require(loaded.configuration.tunnels.first)
        #expect(tunnel.upstream == .tcp(host: "127.0.0.1", service: "8080"))
        #expect(tunnel.context.engine == .address(try EngineAddress("127.0.0.1:8443")))
        #expect(tunnel.context.credential == .tokenFile(path: "\(root)/etc/demo/../../.build/demo/token"))
        #expect(loaded.warnings.isEmpty)
    }

    @Test("the demo without its environment says what is missing")
    func demoWithoutEnvironment() {
        #expect(throws: ConfigurationError.self) { try load("demo/rstreamd.yaml") }
    }
}
