// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import RstreamAdmin
import RstreamTestSupport
import Testing

extension Program {
    @Suite("The commands") struct CommandTests {
        @Test(
            "each command makes its calls, prints a result and ends with 0",
            arguments: [
                (["status"], ["GET /v1/status"]),
                (["tunnels"], ["GET /v1/tunnels"]),
                (["tunnels", "web"], ["GET /v1/tunnels/web"]),
                (["streams"], ["GET /v1/streams"]),
                (["streams", "--tunnel", "web"], ["GET /v1/streams?tunnel=web"]),
                (["requests", "web"], ["GET /v1/tunnels/web/requests"]),
                (["requests", "web", "--headers"], ["GET /v1/tunnels/web/requests"]),
                (["kill", "17"], ["DELETE /v1/streams/17"]),
                (["events"], ["GET /v1/events"]),
                (["reload"], ["GET /v1/health/live", "POST /v1/reload"]),
                (["reload", "--dry-run"], ["GET /v1/health/live", "POST /v1/reload"]),
                (["enable", "web"], ["POST /v1/tunnels/web/enable"]),
                (["disable", "web"], ["POST /v1/tunnels/web/disable"]),
                (["drain", "web"], ["POST /v1/tunnels/web/drain"]),
                (["drain", "--until-enabled", "web"], ["POST /v1/tunnels/web/drain"]),
                (["drain", "--all"], ["POST /v1/drain"]),
                (["disable", "--all", "--until-enabled"], ["POST /v1/disable"]),
                (["enable", "--all"], ["POST /v1/enable"]),
                (["unpublish", "web"], ["DELETE /v1/tunnels/web"]),
                (["save", "web"], ["GET /v1/tunnels/web/file"]),
                (["reconnect", "other"], ["POST /v1/sessions/other/reconnect"]),
                (
                    ["reconnect"],
                    ["GET /v1/sessions", "POST /v1/sessions/main/reconnect", "POST /v1/sessions/other/reconnect"]
                ),
                (["wait"], ["GET /v1/events", "GET /v1/status"]),
                (["wait", "--tunnel", "web"], ["GET /v1/events", "GET /v1/tunnels/web"]),
                (["log-level"], ["GET /v1/log"]),
                (["log-level", "debug"], ["PUT /v1/log"]),
                (["config"], ["GET /v1/config"]),
                (["metrics"], ["GET /metrics"]),
            ] as [([String], [String])]
        )
        func calls(arguments: [String], calls: [String]) async throws {
            try await withDaemon { admin, socket in
                for format in ["table", "json"] {
                    let before = admin.requests.value.count
                    let result = try await run(arguments + ["-o", format, "--socket", socket])
                    #expect(result.exit == .status(0), "\(result.errors)")
                    #expect(result.errors.isEmpty, "\(result.errors)")
                    // A killed stream has no JSON, nor has a closed tunnel: the daemon answers with nothing.
                    let isSilent = ["kill", "unpublish"].contains(arguments[0])
                    #expect(result.output.isEmpty == (isSilent && format == "json"))
                    #expect(!result.output.joined().contains("\u{1B}"), "no colours into a pipe")
                    #expect(admin.requests.value.dropFirst(before).map(\.line) == calls)
                    if format == "json", !["metrics", "save"].contains(arguments[0]) {
                        for line in result.output { #expect(line.hasPrefix("{") || line.hasPrefix("["), "\(line)") }
                    }
                }
            }
        }

        @Test("a tunnel is closed until it is enabled only where that is asked for")
        func untilEnabled() async throws {
            try await withDaemon { admin, socket in
                for arguments in [["disable", "web"], ["disable", "web", "--until-enabled"]] {
                    let result = try await run(arguments + ["--socket", socket])
                    #expect(result.exit == .status(0))
                }
                #expect(admin.requests.value.map(\.body) == ["", #"{"untilEnabled":true}"#])
            }
        }

        @Test("options stand in front of the command or behind it, and JSON is the daemon's own")
        func options() async throws {
            try await withDaemon { _, socket in
                for arguments in [
                    ["--socket", socket, "-o", "json", "status"], ["status", "--socket", socket, "-o", "json"],
                    ["-o", "json", "status", "--socket", socket], ["--socket=\(socket)", "status", "--output=json"],
                    ["--output", "json", "--socket", socket, "status"],
                ] {
                    let result = try await run(arguments)
                    #expect(result.exit == .status(0), "\(arguments) \(result.errors)")
                    #expect(result.output == [Sample.json(Sample.status())])
                }
            }
        }

        @Test("what a newer daemon says of states, fields and actions is shown as it came, and passed on byte by byte")
        func newerDaemon() async throws {
            let status = Sample.json(Sample.status())
                .replacing(#""state":"online""#, with: #""state":"hibernating","warmth":{"unit":"K"}"#)
                .replacing(#""state":"running""#, with: #""state":"dreaming""#)
            let reload =
                #"{"outcome":"postponed","dryRun":false,"changes":[{"tunnel":"web","action":"move","streams":1}],"#
                + #""diagnostics":[],"until":"later"}"#
            let answers: TestAdmin.Answers = { request in
                switch request.line {
                case "GET /v1/status": .ok(status)
                case "POST /v1/reload": .ok(reload)
                default: healthy(request)
                }
            }
            let table = try await run(answers, "status").result
            #expect(table.exit == .status(3), "nobody can say whether that is as wanted")
            #expect(table.output.joined().contains("hibernating") && table.output.joined().contains("dreaming"))
            let json = try await run(answers, "status", "-o", "json").result
            #expect(json.exit == .status(3))
            #expect(json.output == [status])
            let reloaded = try await run(answers, "reload").result
            #expect(reloaded.exit == .status(0))
            #expect(reloaded.output.joined().contains("postponed") && reloaded.output.joined().contains("move"))
            #expect(try await run(answers, "reload", "-o", "json").result.output == [reload])
        }

        @Test("an answer that this program cannot read is passed on as JSON all the same, with a complaint")
        func unreadable() async throws {
            let answer = #"{"daemon":{"version":"9.0.0"}}"#
            let result = try await run({ _ in .ok(answer) }, "status", "-o", "json").result
            #expect(result.output == [answer])
            #expect(result.exit == .status(1))
            #expect(result.errors.joined().contains("cannot be read"))
        }

        @Test("the environment names the socket, and the option wins over it")
        func environment() async throws {
            try await withDaemon { admin, socket in
                let here = try await run(["status"], environment: ["RSTREAMCTL_SOCKET": socket])
                #expect(here.exit == .status(0))
                let elsewhere = ["--socket", socket + ".not"]
                #expect(
                    try await run(["status"] + elsewhere, environment: ["RSTREAMCTL_SOCKET": socket]).exit
                        == .status(69)
                )
                let empty = try await run(["status"], environment: ["RSTREAMCTL_SOCKET": ""])
                #expect(empty.errors.first?.contains("/run/rstreamd/admin.sock") == true)
            }
        }

        @Test("a format may stand together with its option")
        func shortFormat() async throws {
            try await withDaemon { _, socket in
                for arguments in [["-ojson", "status"], ["status", "-o=json"]] {
                    let result = try await run(arguments + ["--socket", socket])
                    #expect(result.output == [Sample.json(Sample.status())])
                }
            }
        }

        @Test(
            "a shell completes what the daemon and this program know",
            arguments: [
                (["drain", "tunnel"], ["web", "api"]), (["enable", "tunnel"], ["web", "api"]),
                (["kill", "stream"], ["17"]), (["reconnect", "context"], ["main", "other"]),
                (["help", "command"], ["status", "log-level"]),
            ] as [([String], [String])]
        )
        func completions(asked: [String], known: [String]) async throws {
            try await withDaemon { _, socket in
                let line = ["---completion", asked[0], "--", "positional@0", "2", "0", "rstreamctl", asked[0], ""]
                var words: Set<String> = []
                // Where the daemon does not answer at once there are no words.
                for _ in 0..<20 where !words.isSuperset(of: known) {
                    let result = try await run(line, environment: ["RSTREAMCTL_SOCKET": socket])
                    words = Set(result.output.flatMap { $0.split(separator: "\n").map(String.init) })
                }
                #expect(words.isSuperset(of: known), "\(words)")
            }
        }

        @Test("names are sent whole, whatever is in them")
        func names() async throws {
            try await withDaemon { admin, socket in
                for name in ["a/b", "grün", "100%", "two words"] {
                    _ = try await run(["tunnels", name, "--socket", socket])
                    let request = try #require(admin.requests.value.last)
                    #expect(try Route(method: request.method, target: request.target) == .tunnel(name))
                }
            }
        }

        @Test("reload sends what it is asked for, and shows what is wrong with a file")
        func reload() async throws {
            #expect(try await run(healthy, "reload", "--dry-run").requests.last?.body == #"{"dryRun":true}"#)
            #expect(try await run(healthy, "reload").requests.last?.body == #"{"dryRun":false}"#)
            let text = "/etc/rstream/a.yaml:7:7: error: unknown key\n  7 | x\n    | ^ did you mean"
            let diagnostic = DiagnosticReport(
                severity: "error",
                file: "/etc/rstream/a.yaml",
                line: 7,
                column: 7,
                message: "unknown key",
                hint: nil,
                text: text
            )
            let refusal = Sample.json(
                ReloadReply(outcome: .refused, dryRun: false, diagnostics: [diagnostic, diagnostic])
            )
            let refused = try await run({ _ in .reply(422, refusal) }, "reload").result
            #expect(refused.exit == .status(1))
            #expect(refused.output.isEmpty)
            #expect(refused.errors.joined(separator: "\n").hasPrefix(text + "\n" + text + "\n"))
            let json = try await run({ _ in .reply(422, refusal) }, "reload", "-o", "json").result
            #expect(json.exit == .status(1))
            #expect(json.output == [refusal])
        }

        @Test("reload --pid asks the daemon if it answers, and sends SIGHUP if it does not listen")
        func reloadBySignal() async throws {
            let process = try await ProcessHandle.start("/usr/bin/sleep", ["600"])
            let arguments = ["reload", "--pid", "\(process.pid)"]
            try await withDaemon { admin, socket in
                #expect(try await run(arguments + ["--socket", socket]).exit == .status(0))
                #expect(admin.requests.value.last?.line == "POST /v1/reload")
                #expect(process.isRunning)
                admin.answers.change { $0 = { _ in .none } }
                #expect(try await run(arguments + ["--socket", socket]).exit == .status(69))
                #expect(process.isRunning, "a daemon that hangs up is there")

                let absent = ["--socket", socket + ".not"]
                let result = try await run(arguments + absent)
                #expect(result.exit == .status(0))
                #expect(result.output.isEmpty)
                #expect(result.errors.count == 1 && result.errors.joined().contains("SIGHUP"))
                #expect(try await process.exit() == .signal(SIGHUP))
                let gone = try await run(["reload", "--pid", "\(Int32.max)"] + absent)
                #expect(gone.exit == .status(69))
                #expect(gone.errors.joined().contains("No such process"))
            }
        }

        @Test("log-level sends the level")
        func logLevel() async throws {
            let request = try await run(healthy, "log-level", "warning").requests.first
            #expect(request?.body == #"{"level":"warning"}"#)
            #expect(request?.headers["content-type"] == "application/json")
        }

        @Test("streams --watch into a pipe prints one list after another, without control sequences")
        func watch() async throws {
            try await withDaemon { admin, socket in
                for format in ["table", "json"] {
                    let process = try await ProcessHandle.start(
                        try path,
                        ["streams", "--watch", "-o", format, "--socket", socket]
                    )
                    let first = try await process.output.first { $0.contains("192.0.2.7") }
                    _ = try await process.output.first(from: first.index + 1) { $0.contains("192.0.2.7") }
                    process.send(signal: 15)
                    #expect(try await process.end() == .signal(15))
                    #expect(!process.output.all.joined().contains("\u{1B}"))
                }
            }
        }

        @Test("a reader that has seen enough ends it, and a full disk is a failure")
        func output() async throws {
            try await withDaemon { admin, socket in
                let program = try path
                let command = "'\(program)' events --follow --socket '\(socket)' | head -n 1"
                let early = try await ProcessHandle.start("/bin/sh", ["-c", command])
                _ = try await early.output.first { $0.contains("tunnel.online") }
                // The shell ends when both have: the reader at once, the writer at the next line that nobody reads.
                try await within("the end of the writer") {
                    while early.isRunning {
                        admin.tell(data(event(9)))
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
                #expect(try await early.end() == .status(0))
                #expect(early.output.all.count == 1)
                #expect(early.errors.all.isEmpty, "\(early.errors.all)")
                let full = "'\(program)' status --socket '\(socket)' >/dev/full"
                let result = try await ProcessHandle.run("/bin/sh", ["-c", full])
                #expect(result.exit == .status(1))
                #expect(result.errors.first?.contains("standard output") == true)
            }
        }

        @Test("--version says one version, and help has no colours")
        func help() async throws {
            let version = try await run(["--version"])
            #expect(version.exit == .status(0))
            #expect(version.output.count == 1)
            for arguments in [["--help"], ["status", "--help"], ["help"], ["help", "wait"], ["top", "-h"]] {
                let help = try await run(arguments, environment: ["TERM": "xterm"])
                #expect(help.exit == .status(0))
                #expect(help.output.count > 3 && !help.output.joined().contains("\u{1B}"))
            }
        }

        @Test("completions are valid in their shell", arguments: ["bash", "zsh", "fish"])
        func completions(shell: String) async throws {
            let result = try await run(["completions", shell])
            #expect(result.exit == .status(0))
            #expect(result.output.joined().contains("log-level"))
            // bash is everywhere; the others are checked where they are.
            guard let interpreter = ["/bin/\(shell)", "/usr/bin/\(shell)"].first(where: FileManager.default.fileExists)
            else {
                #expect(shell != "bash")
                return
            }
            try await TemporaryFolder.with { folder in
                let script = try folder.write(result.output.joined(separator: "\n") + "\n", to: "script")
                let check = try await ProcessHandle.run(interpreter, ["-n", script])
                #expect(check.exit == .status(0), "\(check.errors)")
            }
        }
    }
}
