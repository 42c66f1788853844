// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import RstreamAdmin
import RstreamTestSupport
import Testing

@testable import rstreamctl

extension Program {
    /// `check`, `doctor` and `import`, which run the daemon's program.
    @Suite("The daemon's program") struct DaemonProgramTests {
        @Test("is looked for beside this one, where packages put daemons, and in the path")
        func candidates() {
            let found = DaemonProgram.candidates(executable: "/usr/bin/rstreamctl", searchPath: "/a::.:b:/c")
            #expect(
                found == [
                    "/usr/bin/rstreamd", "/usr/bin/../sbin/rstreamd", "/usr/bin/../bin/rstreamd", "/a/rstreamd",
                    "/c/rstreamd",
                ]
            )
            #expect(DaemonProgram.candidates(executable: nil, searchPath: nil).isEmpty)
        }

        /// Runs a body with a copy of `rstreamctl` and, beside it, a `rstreamd` that is this script.
        private static func withScript(
            _ script: String?,
            _ body: (ProcessFolder, _ program: String) async throws -> Void
        ) async throws {
            let folder = try ProcessFolder()
            defer { folder.remove() }
            let text = try folder.write("#!/bin/sh\n\(script ?? "")\n", to: "script")
            // Copied by another process: a program that this one has open for writing cannot be run.
            var files = [("bin/rstreamctl", try path)]
            if script != nil { files.append(("sbin/rstreamd", text)) }
            for (name, source) in files {
                let arguments = ["-D", "-m", "755", source, "\(folder.path)/\(name)"]
                let copied = try await ProcessHandle.run("/usr/bin/install", arguments)
                try #require(copied.exit == .status(0))
            }
            try await body(folder, folder.path + "/bin/rstreamctl")
        }

        @Test(
            "that is missing is named, with what to do",
            arguments: [["check"], ["doctor"], ["check", "-o", "json"], ["import", "x"]]
        )
        func missing(arguments: [String]) async throws {
            try await Self.withScript(nil) { _, program in
                let result = try await ProcessHandle.run(program, arguments, environment: ["PATH": "/nonexistent"])
                #expect(result.exit == .status(1))
                #expect(result.output.isEmpty)
                #expect(result.errors.count == 2 && result.errors[1].hasPrefix("fix: install rstreamd"))
            }
        }

        @Test("gets the words of the command line, and its lines, messages and exit status are passed on")
        func passedOn() async throws {
            let script = #"echo "$@"; echo "rstreamd: error: no" >&2; echo plain >&2; exit 77"#
            try await Self.withScript(script) { folder, program in
                let check = try await ProcessHandle.run(program, ["check", "/a b.yaml"])
                #expect(check.exit == .status(77))
                #expect(check.output == ["--check --config=/a b.yaml"])
                #expect(check.errors.prefix(2) == ["rstreamctl: error: no", "plain"])
                let json = try await ProcessHandle.run(program, ["check", "-o", "json", "x"])
                #expect(json.output == ["--check --config=x --output=json"])
            }
        }

        private static func findings(_ verdicts: [Finding.Verdict]) throws -> [Finding] {
            verdicts.map { Finding("dns", $0, of: "main", "some words", fix: $0 == .fail ? "do this" : nil) }
        }

        @Test("finds what doctor shows: for people as it comes, and as one JSON document")
        func doctor() async throws {
            let findings = try Self.findings([.ok, .fail])
            let lines = try findings.map { String(decoding: try AdminJSON.encode($0), as: UTF8.self) }
            let script = lines.map { "echo '\($0)'" }.joined(separator: "; ") + #"; echo "$@" >&2; exit 1"#
            try await Self.withScript(script) { folder, program in
                let words = ["doctor", "--config", "/c", "--socket", "/s", "--bundle", "\(folder.path)/b"]
                let shown = try await ProcessHandle.run(program, words)
                #expect(shown.exit == .status(1))
                #expect(
                    shown.output
                        == findings.flatMap { DoctorView($0).lines.map(\.plain) } + ["1 failed, 0 to look at"]
                )
                #expect(shown.errors == ["doctor --config=/c --socket=/s --bundle=\(folder.path)/b"])
                let json = try await ProcessHandle.run(program, ["doctor", "-o", "json"])
                let read = try AdminJSON.decode([Finding].self, from: Array(json.output.joined().utf8))
                #expect(read == findings && json.exit == .status(1))
                let deep = try await ProcessHandle.run(
                    program,
                    ["doctor", "--config", "/c", "--socket", "/s", "--deep", "--tunnel", "a b"]
                )
                #expect(deep.errors == ["doctor --config=/c --socket=/s --deep --tunnel=a b"])
                #expect(try await ProcessHandle.run(program, ["doctor", "--tunnel", "a"]).exit == .status(64))
            }
        }

        @Test("converts a file for import, and its output is passed on as it is")
        func imports() async throws {
            let long = String(repeating: "x", count: 5_000)
            let script = #"echo "$@"; echo \#(long); echo "  - name: a"; echo "1 left out" >&2; exit 1"#
            try await Self.withScript(script) { _, program in
                let named = try await ProcessHandle.run(program, ["import", "/a b.toml", "--from", "frp"])
                #expect(named.exit == .status(1))
                #expect(named.output == ["import --from=frp -- /a b.toml", long, "  - name: a"])
                #expect(named.errors == ["1 left out"])
                // The output is a file whatever is asked for.
                let json = try await ProcessHandle.run(program, ["import", "-o", "json", "x"])
                #expect(json.output.first == "import -- x")
                let wrong = try await ProcessHandle.run(program, ["import", "x", "--from", "other"])
                #expect(wrong.exit == .status(64))
                #expect(try await ProcessHandle.run(program, ["import"]).exit == .status(64))
            }
        }

        @Test("that is of another version or is killed is a failure, not a good result")
        func broken() async throws {
            for (script, exit) in [
                ("echo nonsense", ProcessHandle.Exit.status(1)), ("true", .status(1)), ("kill -KILL $$", .status(1)),
                ("exit 64", .status(64)),
            ] {
                try await Self.withScript(script) { _, program in
                    let result = try await ProcessHandle.run(program, ["doctor"])
                    #expect(result.exit == exit, "\(script)")
                    #expect(!result.output.contains("all well"), "\(script)")
                }
            }
        }

        @Test("does not outlive this one", arguments: [SIGTERM, SIGINT, SIGHUP])
        func interrupted(signal: Int32) async throws {
            try await Self.withScript(#"echo $$ >"$0.pid"; exec sleep 600"#) { folder, program in
                let process = try await ProcessHandle.start(program, ["doctor"])
                do {
                    let child = try await within("the start of the program") {
                        while true {
                            let text = try? folder.read("sbin/rstreamd.pid")
                            if let child = text.flatMap({ Int32($0.filter(\.isNumber)) }) { return child }
                            try await Task.sleep(for: .milliseconds(10))
                        }
                    }
                    process.send(signal: signal)
                    #expect(try await process.exit() == .signal(signal))
                    try await within("the end of the program") {
                        while kill(child, 0) == 0 { try await Task.sleep(for: .milliseconds(10)) }
                    }
                } catch {
                    await process.kill()
                    throw error
                }
            }
        }
    }
}
