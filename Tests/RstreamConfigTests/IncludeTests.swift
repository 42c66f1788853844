// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamConfig
import RstreamTestSupport
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

    @Test("a pattern without a match is reported, except the default one")
    func nothingFits() {
        #expect(load(daemon: "version: 1\ninclude: [tunnels.d/*.yaml]\n").diagnostics.isEmpty)
        let outcome = load(daemon: "version: 1\ninclude: [conf.d/*.yaml]\n")
        #expect(outcome.warnings == ["2:11: no file matches \"conf.d/*.yaml\""])
    }

    @Test("files beside those that patterns take are told, but for those that were put aside")
    func others() {
        var files = ImaginaryFiles(files: [
            daemonPath: usualDaemonFile + "include: [tunnels.d/w*.yaml, tunnels.d/b.txt]\n"
        ])
        let ignored = [".hidden", "README", "a.yaml.example", "a.yaml~", "a.yaml.dpkg-old", "a.YAML.BAK"]
        for name in ["web.yaml", "b.txt", "api.yaml", "web.yml", "web"] + ignored {
            files.files["/etc/rstream/tunnels.d/\(name)"] = "version: 1\ntunnels: []\n"
        }
        let outcome = load(files)
        #expect(outcome.errors.isEmpty)
        let folder = "/etc/rstream/tunnels.d"
        #expect(
            outcome.diagnostics.map(\.description).sorted() == [
                "\(folder)/api.yaml: warning: no pattern of \"include\" matches, so it is skipped (add it to \"include\", or remove it)",
                "\(folder)/web.yml: warning: no pattern of \"include\" matches, so it is skipped (rename it to web.yaml)",
                "\(folder)/web: warning: no pattern of \"include\" matches, so it is skipped (rename it, so that it ends with .yaml, or remove it)",
            ]
        )
    }

    @Test("other files in the folder of the daemon's file are ignored")
    func beside() {
        var files = ImaginaryFiles(files: [daemonPath: usualDaemonFile + "include: ['*.yaml']\n"])
        files.files["/etc/rstream/token"] = "secret"
        files.files["/etc/rstream/web.yaml"] = "version: 1\ntunnels: []\n"
        #expect(load(files).diagnostics.isEmpty)
    }

    @Test("of many files that nothing takes a few are told")
    func many() {
        var files = ImaginaryFiles(files: [daemonPath: usualDaemonFile])
        for index in 0..<100 { files.files["/etc/rstream/tunnels.d/\(index).yml"] = "" }
        #expect(load(files).warnings.count == 8)
    }

    @Test(
        "a file without anything but comments is skipped with a warning",
        arguments: ["", "# nothing\n", "---\n", "\n\n"]
    )
    func nothing(text: String) {
        let outcome = load(tunnels: text)
        #expect(outcome.errors.isEmpty)
        #expect(outcome.diagnostics.map(\.message) == ["contains only comments, and is skipped"])
        #expect(outcome.diagnostics.map(\.file) == [tunnelPath])
    }

    @Test("a name that is not UTF-8 is skipped with a warning, and blocks no other file")
    func notUTF8Name() async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write("version: 1\n", to: "main.yaml")
            try folder.makeFolder("tunnels.d")
            try folder.write("version: 1\ntunnels: []\n", to: "tunnels.d/web.yaml")
            // A name that is meant to have this character is a name.
            try folder.write("version: 1\ntunnels: []\n", to: "tunnels.d/\u{FFFD}.yaml")
            let name = Array("\(folder.path)/tunnels.d/".utf8) + [0xE9] + Array("2.yaml\0".utf8)
            let descriptor = open(name.map { CChar(bitPattern: $0) }, O_CREAT | O_WRONLY, 0o644)
            #expect(descriptor >= 0)
            close(descriptor)
            let loaded = try ConfigurationLoader(environment: [:]).load(path)
            #expect(loaded.configuration.files.count == 3)
            #expect(loaded.warnings.map(\.message) == ["has a name that is not UTF-8, and is skipped"])
            #expect(!loaded.configuration.stamps.areOutdated(patterns: loaded.configuration.includes))
        }
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
