// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// What operators see of requests that curl and a browser's upgrade send through an inspected tunnel.
    @Suite(.timeLimit(.hang)) struct RequestsTests {
        private static func control(
            _ pair: Pair,
            _ arguments: String...
        ) async throws -> (
            exit: ProcessHandle.Exit, output: [String], errors: [String]
        ) {
            let socket = ["--socket", "\(pair.folder.path)/run/admin.sock"]
            return try await ProcessHandle.run(try Binaries.path(of: "rstreamctl"), socket + arguments)
        }

        private static func line(port: Int, isInspected: Bool = true) -> String {
            let tunnel = "{ publish: true, protocol: http, host: web.t.localhost }"
            return "  - { name: web, forward: \"127.0.0.1:\(port)\", inspect: \(isInspected), tunnel: \(tunnel) }"
        }

        /// Runs a body with a tunnel to `web_service.py` and the port of that.
        private static func withTunnel(_ body: (Pair, Int) async throws -> Void) async throws {
            try await Judge.server("web_service.py") { port in
                try await VisitorSite.with(tunnels: [("web", line(port: port))]) { try await body($0, port) }
            }
        }

        /// Each request ends with its response, which the daemon passes on before the list has it.
        private static func requests(_ pair: Pair, _ count: Int, _ arguments: String...) async throws -> [String] {
            try await within("\(count) requests") {
                while true {
                    let shown = try await control(pair, "requests", "web").output
                    if shown.count(where: { !$0.hasPrefix(" ") }) >= count {
                        let socket = ["--socket", "\(pair.folder.path)/run/admin.sock", "requests", "web"]
                        return try await ProcessHandle.run(
                            try Binaries.path(of: "rstreamctl"),
                            socket + arguments
                        ).output
                    }
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
        }

        @Test("requests of every kind are shown as they were answered, and their secrets are not")
        func shown() async throws {
            try await Self.withTunnel { pair, _ in
                let curl = Curl(engine: pair.engine)
                let kinds: [(options: [String], path: String, status: String, sent: String)] = [
                    ([], "/hello?token=hunter2&a=b", "200 GET ", "5 B"),
                    (["--head"], "/numbers", "200 HEAD", "0 B"),
                    ([], "/empty", "204 GET ", "0 B"),
                    ([], "/unchanged", "304 GET ", "0 B"),
                    ([], "/gone", "404 GET ", "13 B"),
                    ([], "/chunks", "200 GET ", "640 KiB"),
                    ([], "/boundless", "200 GET ", "256 KiB"),
                    (["--data-binary", "12345"], "/echo", "200 POST", "5 B"),
                    ([], "/hints", "200 GET ", "5 B"),
                ]
                for (index, kind) in kinds.enumerated() {
                    let request =
                        ["-o", "/dev/null", "--http1.1", "-H", "Authorization: Bearer hunter2"] + kind.options
                        + ["https://web.t.localhost\(kind.path)"]
                    let answer = try await curl.visit([request])
                    #expect(answer.exit == .status(0), "\(kind.path): \(answer.errors)")
                    let lines = try await Self.requests(pair, index + 1)
                    let line = try #require(lines.last { !$0.hasPrefix(" ") })
                    let path = kind.path.replacing("hunter2", with: "***")
                    #expect(line.contains(" \(kind.status)") && line.contains(" \(path) in "), "\(line)")
                    #expect(line.contains(", sent \(kind.sent),"), "\(line)")
                }
                let whole = try await Self.requests(pair, kinds.count, "--headers").joined(separator: "\n")
                #expect(whole.contains(": ***") && !whole.contains("hunter2"), "\(whole)")
                let json = try await Self.requests(pair, kinds.count, "-o", "json").joined()
                #expect(json.contains("\"inspected\":true") && !json.contains("hunter2"))
                #expect(pair.daemon.process.errors.all.allSatisfy { !$0.contains("hunter2") })
            }
        }

        @Test("what was sent both ways is shown to a command that asks for it, and to nobody else")
        func bodies() async throws {
            try await Self.withTunnel { pair, _ in
                let socket = ["--socket", "\(pair.folder.path)/run/admin.sock"]
                let arguments = socket + ["requests", "web", "--bodies", "--headers"]
                let process = try await ProcessHandle.start(try Binaries.path(of: "rstreamctl"), arguments)
                _ = try await process.errors.first { $0.hasPrefix("bodies of requests") }
                let curl = Curl(engine: pair.engine)
                let request = [
                    "-o", "/dev/null", "--http1.1", "--data-binary", "pin=4711", "-H", "Authorization: Bearer hunter2",
                    "https://web.t.localhost/echo",
                ]
                #expect(try await curl.visit([request]).exit == .status(0))
                let asked = try await process.output.first { $0.contains("    > pin=") }.line
                let answered = try await process.output.first { $0.contains("    < pin=") }.line
                #expect(asked == "    > pin=4711" && answered == "    < pin=4711")
                let shown = process.output.all.map { $0.lowercased() }
                #expect(shown.contains("    > authorization: ***") && !shown.joined().contains("hunter2"))
                process.send(signal: SIGINT)
                _ = try await process.end()
                let json = try await Self.requests(pair, 1, "-o", "json").joined()
                #expect(!json.contains("4711") && !json.contains("Body"), "\(json)")
            }
        }

        @Test("a download is the same bytes, whether the tunnel is inspected or not")
        func bytes() async throws {
            try await Self.withTunnel { pair, port in
                var bodies: Set<String> = []
                for isInspected in [true, false] {
                    try pair.write(tunnels: Self.line(port: port, isInspected: isInspected))
                    let reload = try await pair.daemon.reload()
                    #expect(reload.outcome != ProcessDaemon.Reload.refused, "\(reload)")
                    for path in ["/numbers", "/chunks", "/boundless"] {
                        let body = try await Curl(engine: pair.engine).run("web.t.localhost", path: path)
                        bodies.insert("\(path) \(body)")
                    }
                }
                #expect(bodies.count == 3)
            }
        }

        @Test("a reload turns it off and on, and says so")
        func reload() async throws {
            try await Self.withTunnel { pair, port in
                let curl = Curl(engine: pair.engine)
                try await curl.run("web.t.localhost", path: "/hello")
                _ = try await Self.requests(pair, 1)
                try pair.write(tunnels: Self.line(port: port, isInspected: false))
                let off = try await pair.daemon.reload()
                #expect(off.actions == ["web": "update"])
                #expect(off.changes.first?.facts["keys"] == "tunnels.inspect", "\(off)")
                let refused = try await Self.control(pair, "requests", "web")
                #expect(refused.exit == .status(1) && refused.output.isEmpty, "\(refused)")
                #expect(refused.errors.joined().contains("inspect: true"), "\(refused)")
                try pair.write(tunnels: Self.line(port: port))
                try await pair.daemon.reload()
                #expect(try await Self.control(pair, "requests", "web").output == [])
                try await curl.run("web.t.localhost", path: "/count")
                let lines = try await Self.requests(pair, 1)
                #expect(lines.count == 1 && lines[0].contains(" /count in "), "\(lines)")
            }
        }
    }
}
