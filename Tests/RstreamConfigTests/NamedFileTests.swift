import RstreamConfig
import Testing

@Suite("Files that contexts name")
struct NamedFileTests {
    private static let daemonFile = """
        version: 1
        context: main
        contexts:
          main:
            engine: engine.example
            CREDENTIAL
        tunnels:
          - { name: web, forward: 8080, tunnel: { protocol: http } }
          - { name: more, forward: 8081, tunnel: { protocol: http } }

        """

    private func warnings(
        _ credential: String,
        _ change: (inout ImaginaryFiles) -> Void = { _ in }
    ) throws -> [Diagnostic] {
        var files = ImaginaryFiles()
        files.files[daemonPath] = Self.daemonFile.replacing("CREDENTIAL", with: credential)
        files.files["/s/good"] = "text\n"
        files.modes["/s/good"] = 0o600
        change(&files)
        let loaded = try ConfigurationLoader(files: files, environment: [:]).load(daemonPath)
        return NamedFiles(files).warnings(about: loaded.configuration)
    }

    @Test("are fine when they can be read, by nobody else where they are secret")
    func good() throws {
        #expect(try warnings("tokenFile: /s/good").isEmpty)
        #expect(try warnings("mtls: { certificateFile: /s/good, keyFile: /s/good }").isEmpty)
        let shared = try warnings("mtls: { certificateFile: /s/shared, keyFile: /s/good }") { files in
            files.files["/s/shared"] = "text"
        }
        #expect(shared.isEmpty)
        #expect(try warnings("noToken: true").isEmpty)
    }

    @Test("are complained of once, where their context stands, with what mends it")
    func shared() throws {
        let found = try warnings("tokenFile: /s/token") { files in
            files.files["/s/token"] = "text"
            files.modes["/s/token"] = 0o644
        }
        try #require(found.count == 1)
        #expect(found[0].severity == .warning)
        #expect((found[0].file, found[0].line) == (daemonPath, 4))
        #expect(
            found[0].message
                == "context \"main\": token file \"/s/token\" can be read by other users, and will be refused"
        )
        #expect(found[0].hint == "chmod 600 /s/token")
    }

    @Test("are missing, empty, or not for this user")
    func bad() throws {
        #expect(
            try warnings("tokenFile: /s/none").map(\.message) == [
                "context \"main\": token file \"/s/none\" does not exist"
            ]
        )
        let empty = try warnings("tokenFile: /s/good") { $0.files["/s/good"] = " \n" }
        #expect(empty.map(\.message) == ["context \"main\": token file \"/s/good\" is empty"])
        let forbidden = try warnings("tokenFile: /s/good") { $0.forbidden = ["/s/good"] }
        #expect(forbidden.map(\.message) == ["context \"main\": token file \"/s/good\" may not be read by this user"])
        let pair = try warnings(
            "mtls: { certificateFile: /s/a, keyFile: /s/b }\n    transport: { tls: { caFile: /s/c } }"
        )
        #expect(pair.count == 3)
    }
}
