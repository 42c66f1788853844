// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

@testable import rstreamctl

extension Program {
    /// Every exit status of the contract, by the real program.
    @Suite("The exit status") struct ExitTests {
        @Test("0: status when everything is as wanted")
        func done() async throws {
            #expect(try await run(healthy, "status").result.exit == .status(0))
        }

        @Test(
            "1: the daemon refused",
            arguments: [["tunnels", "none"], ["kill", "99"], ["drain", "none"], ["wait", "--tunnel", "none"]]
        )
        func refused(arguments: [String]) async throws {
            try await withDaemon { _, socket in
                let result = try await run(arguments + ["--socket", socket])
                #expect(result.exit == .status(1))
                #expect(result.output.isEmpty)
                #expect(result.errors == ["rstreamctl: there is no such thing"])
            }
        }

        @Test("77: the daemon lets this user read only")
        func forbidden() async throws {
            let problem = Problem(.forbidden, "user 1000 may read and change nothing; use sudo")
            let result = try await run({ _ in .reply(403, Sample.json(problem)) }, "drain", "web").result
            #expect(result.exit == .status(77))
            #expect(result.errors == ["rstreamctl: \(problem.detail)"])
        }

        @Test("1: what came back is no answer")
        func unreadable() async throws {
            for answer in ["{}", "no JSON"] {
                let result = try await run({ _ in .ok(answer) }, "status").result
                #expect(result.exit == .status(1))
                #expect(result.output.isEmpty)
            }
        }

        @Test("1: an answer that is nested without end, of whatever status")
        func nested() async throws {
            let deep = String(repeating: "[", count: 513)
            for arguments in [["status"], ["tunnels"], ["streams"], ["reload"], ["log-level", "debug"], ["reconnect"]] {
                for status in [200, 422, 500] {
                    let answers: TestAdmin.Answers = { _ in .reply(status, deep) }
                    try await withDaemon(answers) { _, socket in
                        let result = try await run(arguments + ["--socket", socket])
                        #expect(result.exit == .status(1), "\(arguments) \(status)")
                    }
                }
            }
            let events = try await run({ _ in .events("data: \(deep)\n\n") }, "events").result
            #expect(events.exit == .status(1))
        }

        @Test(
            "1: numbers that nothing can be a count of",
            arguments: [
                #""attempt":0"#: ["-1", "9223372036854775807"], #""active":3"#: ["-9223372036854775808", "1e300"],
            ]
        )
        func numbers(field: String, numbers: [String]) async throws {
            let name = field.prefix { $0 != ":" }
            for number in numbers {
                let json = Sample.json(Sample.status()).replacing(field, with: "\(name):\(number)")
                #expect(json.contains(number))
                let result = try await run({ _ in .ok(json) }, "status").result
                #expect(result.exit == .status(1))
                #expect(result.errors.joined().contains("not the JSON that is expected"), "\(result.errors)")
            }
        }

        @Test("0: the greatest numbers there are, shown")
        func greatest() async throws {
            let json = Sample.json(Sample.status(sessions: [Sample.session(.waiting)]))
                .replacing(#""attempt":4"#, with: #""attempt":9007199254740992"#)
                .replacing(#""received":0"#, with: #""received":9007199254740992"#)
            let result = try await run({ _ in .ok(json) }, "status").result
            #expect(result.exit == .status(0))
            #expect(result.output.joined().contains("attempt 9007199254740993 in"))
        }

        @Test("a configuration that is nested without end is shown at the price of its length")
        func deepConfiguration() async throws {
            let json = String(repeating: "[", count: 200_000)
            let result = try await run({ _ in .ok(json) }, "config").result
            #expect(result.exit == .status(0))
            #expect(result.output.count == 200_000)
        }

        @Test("3: status when something is not as wanted, shown all the same, with its fix")
        func notAsWanted() async throws {
            let status = Sample.status(tunnels: [Sample.tunnel("api", .pending, error: Sample.failure)])
            let result = try await run({ _ in .ok(Sample.json(status)) }, "status").result
            #expect(result.exit == .status(3))
            #expect(result.output.contains("    fix: start the service, or change forward"))
            let json = try await run({ _ in .ok(Sample.json(status)) }, "status", "-o", "json").result
            #expect(json.exit == .status(3))
            #expect(json.output == [Sample.json(status)])
        }

        @Test(
            "64: a wrong command line, which sends no request",
            arguments: [
                [], ["no-such-command"], ["status", "surplus"], ["status", "--no-such-option"],
                ["status", "-o", "yaml"],
                ["-o", "yaml", "status"], ["kill"], ["enable"], ["drain", "web", "--all"], ["log-level", "loud"],
                ["wait", "--timeout", "30"],
                ["wait", "--timeout"], ["completions"], ["completions", "csh"], ["top"], ["top", "-o", "json"],
                ["events", "--tunnel"], ["--socket"], ["--socket", "", "status"], ["check", ""],
                ["doctor", "--bundle", ""], ["save", "web", "--to", ""], ["help", "nope"], ["help", "wait", "surplus"],
                ["reload", "--pid", "0"], ["reload", "--pid", "-1"], ["reload", "--pid", "1", "--dry-run"],
            ] as [[String]]
        )
        func usage(arguments: [String]) async throws {
            try await withDaemon { admin, socket in
                let result = try await run(arguments, environment: ["RSTREAMCTL_SOCKET": socket])
                #expect(result.exit == .status(64))
                #expect(result.output.isEmpty)
                #expect(!result.errors.isEmpty)
                #expect(admin.requests.value.isEmpty)
            }
        }

        @Test("64: a misspelt command is answered with the nearest one, also in front of options and behind help")
        func misspelt() async throws {
            for arguments in [["statsu"], ["--socket", "/s", "statsu", "-o", "json"], ["help", "statsu"]] {
                let result = try await run(arguments)
                #expect(result.exit == .status(64))
                #expect(result.errors.joined().contains(#"unknown command "statsu", did you mean "status"?"#))
            }
        }

        @Test("64: top into a pipe names what can be piped")
        func top() async throws {
            let result = try await run(healthy, "top").result
            #expect(result.errors.joined().contains("streams --watch"))
        }

        @Test(
            "69: no daemon listens",
            arguments: [["status"], ["reload"], ["events"], ["events", "--follow"], ["metrics"], ["reconnect"]]
        )
        func notReachable(arguments: [String]) async throws {
            try await TemporaryFolder.with { folder in
                let result = try await run(arguments + ["--socket", folder.path(of: "admin.sock")])
                #expect(result.exit == .status(69))
                #expect(result.output.isEmpty)
                #expect(result.errors.count == 2, "what happened, and what to do: \(result.errors)")
            }
        }

        @Test("69: no socket can have that path, which is said")
        func longPath() async throws {
            let result = try await run(["status", "--socket", "/" + String(repeating: "s", count: 107)])
            #expect(result.exit == .status(69))
            #expect(result.errors.first?.hasSuffix("a socket's path has 107 bytes at most") == true, "\(result.errors)")
        }

        @Test("69: the daemon vanishes in the middle")
        func vanished() async throws {
            #expect(try await run({ _ in .none }, "status").result.exit == .status(69))
        }

        @Test("77: the socket may not be opened")
        func notPermitted() async throws {
            try await OtherUser.with { folder, run in
                let socket = "\(folder.path)/admin.sock"
                try await TestAdmin.with(at: socket, healthy) { _ in
                    chmod(socket, 0o600)
                    let result = try await run(["status", "--socket", socket])
                    #expect(result.exit == .status(77))
                    #expect(result.errors.joined().contains("group"))
                    let wait = try await run(["wait", "--socket", socket])
                    #expect(wait.exit == .status(77), "waiting cannot help")
                }
            }
        }

        @Test("77: check may not read a file")
        func unreadableFile() async throws {
            try await OtherUser.with { folder, run in
                let file = try folder.write("version: 1\n", to: "rstreamd.yaml", mode: 0)
                #expect(try await run(["check", file]).exit == .status(77))
            }
        }

        @Test("78: check finds every error; 0 when there is none; no daemon is asked")
        func check() async throws {
            try await TemporaryFolder.with { folder in
                let context =
                    "version: 1\ncontext: main\ncontexts: { main: { engine: \"localhost:1\", noToken: true } }\n"
                let tunnel = "tunnels: [{ name: web, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }]\n"
                let good = try folder.write(context + tunnel, to: "good.yaml")
                let fine = try await run(["check", good])
                #expect(fine.exit == .status(0), "\(fine.errors)")
                #expect(fine.output == ["\(good): no mistakes"])

                let mistakes = "tunnels: [{ name: web, forwrd: 127.0.0.1:9, tunnel: { protcol: tcp } }]\n"
                let bad = try folder.write(context + mistakes, to: "bad.yaml")
                let result = try await run(["check", bad])
                #expect(result.exit == .status(78))
                #expect(result.output.isEmpty)
                let text = result.errors.joined(separator: "\n")
                #expect(text.contains("\(bad):4:24: error: unknown key \"forwrd\""), "\(text)")
                #expect(text.contains("did you mean \"protocol\"?"))

                let json = try await run(["check", "-o", "json", bad])
                #expect(json.exit == .status(78))
                let report = try AdminJSON.decode(CheckReport.self, from: Array(json.output.joined().utf8))
                #expect(report.file == bad)
                #expect(report.diagnostics.count { $0.severity == "error" } >= 2)
                #expect(report.diagnostics.first?.line == 4)
                #expect(try await run(["check", folder.path(of: "missing.yaml")]).exit == .status(78))
            }
        }
    }

    /// Somebody who is neither root nor the owner of what a test makes.
    enum OtherUser {
        typealias Run = ([String]) async throws -> Result

        /// Runs a body with a folder that everybody may enter, and a way to run `rstreamctl` as another user.
        static func with(_ body: (ProcessFolder, Run) async throws -> Void) async throws {
            let folder = try ProcessFolder()
            defer { folder.remove() }
            // That user may not reach the build folder; `check` runs the daemon's program beside this one.
            let program = folder.path + "/rstreamctl"
            for name in ["rstreamctl", "rstreamd"] {
                let copy = "\(folder.path)/\(name)"
                let copied = try await ProcessHandle.run("/bin/cp", [try Binaries.path(of: name), copy])
                try #require(copied.exit == .status(0))
                chmod(copy, 0o755)
            }
            // Root may do everything, so it is somebody else who tries; anybody else is kept out by the mode.
            try await body(folder) {
                try await ProcessHandle.run(program, $0, user: getuid() == 0 ? 65_534 : nil)
            }
        }
    }
}
