import RstreamConfig
import Testing

@Suite("included files")
struct IncludeTests {
    @Test("tunnel files are read in the order of their names")
    func order() {
        var files = ImaginaryFiles(files: [daemonPath: usualDaemonFile])
        for name in ["b", "a", "10", "9"] {
            files.files["/etc/rstream/tunnels.d/\(name).yaml"] =
                "version: 1\ntunnels: [{ name: '\(name)', forward: 1, tunnel: {} }]\n"
        }
        files.files["/etc/rstream/tunnels.d/.hidden.yaml"] = "broken: ["
        files.files["/etc/rstream/tunnels.d/web.yaml.example"] = "broken: ["
        let configuration = load(files).configuration
        #expect(configuration?.tunnels.map(\.name) == ["10", "9", "a", "b"])
        #expect(configuration?.files.first == daemonPath)
        #expect(configuration?.files.count == 5)
    }

    @Test("a list may hold patterns and files; each file is read once, and the daemon's file not again")
    func list() {
        var files = ImaginaryFiles(files: [
            daemonPath: usualDaemonFile + "include: [x?.yaml, xa.yaml, '*.yaml', /o/t.yaml]\n"
        ])
        for path in ["/etc/rstream/xa.yaml", "/etc/rstream/xb.yaml", "/o/t.yaml"] {
            files.files[path] = "version: 1\ntunnels: []\n"
        }
        #expect(
            load(files).configuration?.files == [
                daemonPath, "/etc/rstream/xa.yaml", "/etc/rstream/xb.yaml", "/o/t.yaml",
            ]
        )
    }

    @Test("no directory is no tunnels; a file that is named must be there")
    func missing() {
        #expect(load(daemon: "version: 1\n").errors.isEmpty)
        let outcome = load(daemon: "version: 1\ninclude: [absent.yaml]\n")
        #expect(outcome.errors == ["2:11: there is no file /etc/rstream/absent.yaml"])
        #expect(outcome.diagnostics.map(\.file) == [daemonPath])
        #expect(outcome.kind == .invalid)
    }

    @Test("an empty list includes nothing")
    func emptyList() {
        #expect(load(daemon: "version: 1\ninclude: []\n", tunnels: "broken: [").configuration?.files == [daemonPath])
    }

    @Test("a file that may not be read is told apart from a wrong one")
    func notPermitted() throws {
        for path in [daemonPath, tunnelPath, "/etc/rstream/tunnels.d"] {
            let files = ImaginaryFiles(
                files: [daemonPath: usualDaemonFile, tunnelPath: "version: 1\ntunnels: []\n"],
                forbidden: [path]
            )
            let outcome = load(files)
            #expect(outcome.kind == .notPermitted)
            #expect(outcome.diagnostics.map(\.file) == [path])
        }
        #expect(ConfigurationError(kind: .notPermitted, diagnostics: []).exitStatus == 77)
        #expect(ConfigurationError(kind: .invalid, diagnostics: []).exitStatus == 78)
    }

    @Test("a daemon's file that is not there is invalid")
    func noDaemonFile() {
        let outcome = load(ImaginaryFiles())
        #expect(outcome.kind == .invalid)
        #expect(outcome.diagnostics.map(\.message) == ["there is no such file"])
    }

    @Test(
        "a tunnel file holds nothing but version, contexts, tunnels and listeners",
        arguments: [
            Wrong(
                "version: 1\ntunnels: []\nlog: {}\n",
                "3:1: unknown key \"log\"",
                "\"log\" belongs in \"rstreamd.yaml\""
            ),
            Wrong("version: 1\ntunnels: []\ntunels: []\n", "3:1: unknown key \"tunels\"", "did you mean \"tunnels\"?"),
            Wrong("version: 1\n", "1:1: tunnels is required", "it may be []"),
            Wrong("version: 1\ntunnels:\n", "2:1: tunnels is required"),
            Wrong("version: 3\n", "1:10: unsupported version 3 (expected 1)"),
            Wrong("tunnels: []\n", "1:1: version is required"),
            Wrong("version: 1\ntunnels: {}\n", "2:10: \"tunnels\" must be a list"),
            Wrong("version: 1\ntunnels: [web]\n", "2:11: tunnels[0] must be a mapping of keys"),
            Wrong("version: 1\ntunnels: []\nlisteners: {}\n", "3:12: \"listeners\" must be a list"),
            Wrong("version: 1\ntunnels: []\n---\n", "3:1: a second document"),
        ]
    )
    func shape(wrong: Wrong) {
        wrong.check(load(tunnels: wrong.text))
    }

    @Test("bytes that are not UTF-8 have a place, and no line is shown")
    func notUTF8() {
        struct Bytes: FileAccess {
            func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
                FileContents(bytes: Array("version: 1\nlog: ".utf8) + [0xFF], mode: 0o640)
            }
            func names(in directory: String) throws(FileAccessError) -> [String] { throw .missing }
        }
        #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader(files: Bytes(), environment: [:]).load(daemonPath)
        }
        do throws(ConfigurationError) {
            _ = try ConfigurationLoader(files: Bytes(), environment: [:]).load(daemonPath)
        } catch {
            #expect(error.description == "\(daemonPath):2:6: error: not UTF-8 text (save the file as UTF-8)")
        }
    }
}
