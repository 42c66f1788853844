// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamAdmin
import RstreamTestSupport
import Testing

extension Program {
    /// `top` and `streams --watch` on a real terminal.
    @Suite("On a terminal") struct TerminalTests {
        private static let busy: TestAdmin.Answers = { request in
            switch request.target {
            case "/v1/status":
                let tunnels = (0..<40).map { Sample.tunnel("tunnel-\($0)-with-a-name-that-is-long", active: $0) }
                return .ok(Sample.json(Sample.status(tunnels: tunnels)))
            default:
                return .ok(Sample.json((0..<300).map { Sample.stream("stream-\($0)", source: "名前\u{1B}[2J-\($0)") }))
            }
        }

        /// Runs a body with a terminal in which `rstreamctl` was started so, after a line that has to come back; the third
        /// argument ends it by a signal.
        private static func withProgram(
            _ arguments: String,
            columns: Int = 80,
            rows: Int = 24,
            _ answers: @escaping TestAdmin.Answers = busy,
            _ body: (TestTerminal, TestAdmin, (CInt) throws -> Void) async throws -> Void
        ) async throws {
            try await TemporaryFolder.with { folder in
                let socket = folder.path(of: "admin.sock")
                try await TestAdmin.with(at: socket, answers) { admin in
                    try await TestTerminal.with(columns: columns, rows: rows, in: folder) { terminal in
                        // Ctrl-C and Ctrl-\ go to the script too, which has to outlive them.
                        let script = try folder.write(
                            """
                            trap : INT QUIT
                            echo BEFORE
                            before=$(stty -g)
                            sh -c 'echo $$ >"$1"; shift; exec "$@"' sh '\(folder.path(of: "pid"))' \
                                '\(try path)' \(arguments) --socket '\(socket)'
                            echo "ENDED $?"
                            [ "$before" = "$(stty -g)" ] && echo SAME || echo OTHER

                            """,
                            to: "script"
                        )
                        try await terminal.type("clear; sh '\(script)'")
                        try await body(terminal, admin) { signal in
                            let pid = try folder.read("pid").split(separator: "\n").first.flatMap { pid_t($0) }
                            kill(try #require(pid), signal)
                        }
                    }
                }
            }
        }

        private static func waitForTop(_ terminal: TestTerminal) async throws -> [String] {
            try await terminal.wait(for: "top") { $0.first?.hasPrefix("rstreamd 1.2.3 running") == true }
        }

        /// Waits for the end, after which everything is as it was before.
        private static func expectEnd(_ terminal: TestTerminal, _ status: Int) async throws {
            let lines = try await terminal.wait(for: "the end") { $0.contains("SAME") || $0.contains("OTHER") }
            #expect(lines.contains("ENDED \(status)"), "\(lines)")
            #expect(lines.contains("SAME"), "the terminal's mode is the one before")
            #expect(lines.contains("BEFORE"), "what was there before is there again")
            #expect(try await terminal.modes == "0 1 1")
        }

        @Test("top fills a terminal of any size, and neither wraps nor scrolls", arguments: [(40, 10), (200, 60)])
        func sizes(columns: Int, rows: Int) async throws {
            try await Self.withProgram("top", columns: columns, rows: rows) { terminal, _, _ in
                let lines = try await Self.waitForTop(terminal)
                #expect(try await terminal.modes == "1 0 0")
                #expect(lines.count == rows)
                #expect(lines[4].hasPrefix("TUNNEL ("))
                #expect(lines[5].hasPrefix("tunnel-0"))
                #expect(lines.contains { $0.hasPrefix("stream-") })
                #expect(lines.last?.hasPrefix("stream-") == true)
                try await terminal.key("q")
                try await Self.expectEnd(terminal, 0)
            }
        }

        @Test("top draws anew when the terminal gets another size")
        func resize() async throws {
            try await Self.withProgram("top", columns: 80, rows: 24) { terminal, _, _ in
                _ = try await Self.waitForTop(terminal)
                try await terminal.resize(columns: 40, rows: 10)
                try await terminal.wait(for: "the small screen") { lines in
                    lines.count == 10 && lines[4].hasPrefix("TUNNEL (2 of 40)") && lines[9].hasPrefix("stream-")
                }
                try await terminal.resize(columns: 120, rows: 40)
                try await terminal.wait(for: "the large screen") { lines in
                    lines.count == 40 && lines[4].hasPrefix("TUNNEL (17 of 40)") && lines[39].hasPrefix("stream-")
                }
                try await terminal.key("q")
                try await Self.expectEnd(terminal, 0)
            }
        }

        @Test("top shows what changes")
        func update() async throws {
            try await Self.withProgram("top", Program.healthy) { terminal, admin, _ in
                try await terminal.wait(for: "the tunnel") { $0.contains { $0.hasPrefix("web  ") } }
                admin.answers.change { answers in
                    answers = { request in
                        request.target == "/v1/status"
                            ? .ok(Sample.json(Sample.status(tunnels: [Sample.tunnel("other", .rejected)]))) : .ok("[]")
                    }
                }
                let lines = try await terminal.wait(for: "the other") {
                    $0.contains { $0.hasPrefix("other") && $0.contains("rejected") }
                }
                #expect(!lines.contains { $0.hasPrefix("web  ") || $0.hasPrefix("STREAM") })
                try await terminal.key("q")
                try await Self.expectEnd(terminal, 0)
            }
        }

        @Test("publish --table draws the address, the tunnel with its streams, and the latest visitors")
        func publish() async throws {
            var online = Program.event(5, tunnel: "publish-8080")
            online.forwardingAddress = "https://p.t.example.com"
            var visitor = Program.event(6, "stream.opened", tunnel: "publish-8080")
            visitor.source = "203.0.113.9"
            let events = [online, visitor].map(Program.data).joined() + ": end of backlog\n\n"
            let answers: TestAdmin.Answers = { request in
                switch request.target {
                case "/v1/tunnels": .reply(201, Sample.json(Sample.tunnel("publish-8080", .pending)))
                case "/v1/events": .events(events)
                case "/v1/status":
                    .ok(Sample.json(Sample.status(tunnels: [Sample.tunnel("web"), Sample.tunnel("publish-8080")])))
                default: .ok(Sample.json([Sample.stream("17", tunnel: "publish-8080")]))
                }
            }
            try await Self.withProgram("publish 8080 --table", answers) { terminal, _, _ in
                let lines = try await terminal.wait(for: "the table") { lines in
                    lines.first == "https://p.t.example.com" && lines.contains { $0.contains("203.0.113.9") }
                }
                #expect(try await terminal.modes == "1 0 0")
                #expect(lines.contains { $0.hasPrefix("publish-8080") } && !lines.contains { $0.hasPrefix("web") })
                #expect(lines.contains { $0.hasPrefix("17 ") })
                try await terminal.key("q")
                try await Self.expectEnd(terminal, 0)
            }
        }

        @Test("Ctrl-C ends it as q does", arguments: ["top", "streams --watch"])
        func interrupt(command: String) async throws {
            try await Self.withProgram(command, Program.healthy) { terminal, _, _ in
                try await terminal.wait(for: "streams") { $0.contains { $0.contains("192.0.2.7") } }
                #expect(try await terminal.modes == "1 0 0")
                try await terminal.key("C-c")
                try await Self.expectEnd(terminal, 0)
            }
        }

        @Test("SIGTERM restores the terminal, and ends it by the signal")
        func terminate() async throws {
            try await Self.withProgram("top") { terminal, _, end in
                _ = try await Self.waitForTop(terminal)
                try end(SIGTERM)
                try await Self.expectEnd(terminal, 128 + Int(SIGTERM))
            }
        }

        @Test("Ctrl-\\ restores the terminal, and ends it by the signal", arguments: ["top", "streams --watch"])
        func quit(command: String) async throws {
            try await Self.withProgram(command, Program.healthy) { terminal, _, _ in
                try await terminal.wait(for: "streams") { $0.contains { $0.contains("192.0.2.7") } }
                #expect(try await terminal.modes == "1 0 0")
                try await terminal.key("C-\\")
                try await Self.expectEnd(terminal, 128 + Int(SIGQUIT))
            }
        }

        @Test("a daemon that goes restores the terminal: 69, and why")
        func gone() async throws {
            try await Self.withProgram("top") { terminal, admin, _ in
                _ = try await Self.waitForTop(terminal)
                await admin.stop()
                try await Self.expectEnd(terminal, 69)
                #expect(try await terminal.lines.contains { $0.hasPrefix("rstreamctl: no daemon answers") })
            }
        }

        @Test("Ctrl-Z gives the terminal back, and fg goes on")
        func suspend() async throws {
            try await TemporaryFolder.with { folder in
                let socket = folder.path(of: "admin.sock")
                try await TestAdmin.with(at: socket, Program.healthy) { _ in
                    try await TestTerminal.with(columns: 80, rows: 24, in: folder) { terminal in
                        try await terminal.type("'\(try path)' top --socket '\(socket)'")
                        _ = try await Self.waitForTop(terminal)
                        try await terminal.key("C-z")
                        try await terminal.wait(for: "the shell") { $0.last { !$0.isEmpty } == "READY:" }
                        #expect(try await terminal.modes == "0 1 1")
                        try await terminal.type("fg")
                        _ = try await Self.waitForTop(terminal)
                        #expect(try await terminal.modes == "1 0 0")
                        try await terminal.key("q")
                        try await terminal.wait(for: "the shell") { $0.last { !$0.isEmpty } == "READY:" }
                        #expect(try await terminal.modes == "0 1 1")
                    }
                }
            }
        }

        @Test("streams --watch draws in place, cut to the terminal, with q to quit")
        func watch() async throws {
            try await Self.withProgram("streams --watch", columns: 40, rows: 10) { terminal, _, _ in
                let lines = try await terminal.wait(for: "streams") { $0.contains { $0.hasPrefix("stream-0") } }
                #expect(lines.count == 10)
                #expect(lines[0] == "streams: 300  q quits")
                #expect(lines[9].hasPrefix("stream-6 "))
                try await terminal.key("q")
                try await Self.expectEnd(terminal, 0)
            }
        }

        @Test("colours are on a terminal, and not with NO_COLOR")
        func colours() async throws {
            try await TemporaryFolder.with { folder in
                let socket = folder.path(of: "admin.sock")
                try await TestAdmin.with(at: socket, Program.healthy) { _ in
                    try await TestTerminal.with(columns: 100, rows: 24, in: folder) { terminal in
                        for (prefix, isColoured) in [
                            ("", true), ("NO_COLOR= ", true), ("NO_COLOR=1 ", false), ("TERM=dumb ", false),
                        ] {
                            try await terminal.type(
                                "clear; \(prefix)'\(try path)' status --socket '\(socket)'; echo DONE \(prefix)."
                            )
                            let lines = try await terminal.wait(for: "the end") { $0.contains("DONE \(prefix).") }
                            #expect(lines.contains { $0.hasPrefix("rstreamd 1.2.3 running") })
                            let painted = try await terminal.paintedLines.joined()
                            #expect(painted.contains("\u{1B}[32mrunning") == isColoured, "\(prefix)")
                        }
                    }
                }
            }
        }
    }
}
