// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamTestSupport
import Testing

extension Program {
    @Suite("publish, save and dial") struct PublishTests {
        private static let opened = Sample.json(Sample.tunnel("publish-8080", .pending))

        private static func online() -> Event {
            var event = event(5, tunnel: "publish-8080")
            event.forwardingAddress = "https://p.t.example.com"
            return event
        }

        /// A daemon that opens a tunnel and tells these events.
        private static func publishing(_ events: [Event]) -> TestAdmin.Answers {
            { request in
                switch request.line {
                case "POST /v1/tunnels": .reply(201, opened)
                case "GET /v1/events": .events(events.map(data).joined() + ": end of backlog\n\n")
                default: healthy(request)
                }
            }
        }

        private static func visitor() -> Event {
            var event = event(6, "stream.opened", tunnel: "publish-8080")
            event.source = "192.0.2.7"
            return event
        }

        private static let closed = event(7, "tunnel.closed", tunnel: "publish-8080")

        @Test("prints the address and a line per visitor, on one connection, until the tunnel is closed")
        func publish() async throws {
            let others = event(1, tunnel: "web")
            var earlier = event(2, "tunnel.closed", tunnel: "publish-8080")
            earlier.time = Sample.ago(.seconds(3_600))
            let answers = Self.publishing([others, earlier, Self.online(), Self.visitor(), Self.closed])
            let (result, requests) = try await run(answers, "publish", "8080")
            #expect(result.exit == .status(0), "\(result.errors)")
            #expect(result.output.first == "https://p.t.example.com")
            #expect(result.output.count == 2 && result.output[1].contains("192.0.2.7"), "\(result.output)")
            #expect(requests.map(\.line) == ["POST /v1/tunnels", "GET /v1/events"])
            #expect(requests[1].headers["last-event-id"] == "0")
            #expect(requests[0].headers["connection"] == nil, "the tunnel lasts as long as the connection")
            #expect(requests[0].body.contains(#""forward":"8080""#))
        }

        @Test("prints an event on each line as JSON")
        func json() async throws {
            let events = [Self.online(), Self.visitor(), Self.closed]
            let result = try await run(Self.publishing(events), "publish", "8080", "-o", "json").result
            #expect(result.exit == .status(0), "\(result.errors)")
            #expect(result.output == events.map { Sample.json($0) })
        }

        @Test("ends when the daemon goes")
        func daemonGoes() async throws {
            try await withDaemon(Self.publishing([Self.online()])) { admin, socket in
                let process = try await ProcessHandle.start(try path, ["publish", "8080", "--socket", socket])
                _ = try await process.output.first { $0 == "https://p.t.example.com" }
                await admin.stop()
                let end = try await process.end()
                #expect(end == .status(69))
            }
        }

        @Test("shows what is wrong with the tunnel as the daemon says it")
        func refused() async throws {
            var problem = Problem(.invalid, "unknown key")
            problem.diagnostics = [
                DiagnosticReport(
                    severity: "error",
                    file: "by hand",
                    line: 5,
                    column: 7,
                    message: "unknown key",
                    hint: nil,
                    text: "by hand:5:7: error: unknown key\n  5 |       protcol: http"
                )
            ]
            let answer = Sample.json(problem)
            let result = try await run({ _ in .reply(422, answer) }, "publish", "8080").result
            #expect(result.exit == .status(1))
            #expect(result.output.isEmpty)
            #expect(result.errors.first == "rstreamctl: the daemon has refused the tunnel")
            #expect(result.errors.dropFirst().first == "by hand:5:7: error: unknown key")
        }

        @Test("prints the warnings that the daemon has about the tunnel", arguments: [false, true])
        func warned(isDetached: Bool) async throws {
            var tunnel = Sample.tunnel("publish-8080", .pending)
            tunnel.diagnostics = [
                DiagnosticReport(
                    severity: "warning",
                    file: "by hand",
                    line: 4,
                    column: 14,
                    message: "it is so",
                    hint: nil,
                    text: "by hand:4:14: warning: it is so\n  4 |     forward: 8080"
                )
            ]
            let opened = Sample.json(tunnel)
            let others = Self.publishing([Self.online(), Self.closed])
            let answers: TestAdmin.Answers = { request in
                switch request.line {
                case "POST /v1/tunnels": .reply(201, opened)
                case "GET /v1/tunnels/publish-8080": .ok(Sample.json(Sample.tunnel("publish-8080")))
                default: isDetached ? healthy(request) : others(request)
                }
            }
            let arguments = ["publish", "8080"] + (isDetached ? ["--detach"] : [])
            let result = try await withDaemon(answers) { _, socket in
                try await run(["--socket", socket] + arguments)
            }
            #expect(result.exit == .status(0), "\(result.errors)")
            #expect(Array(result.errors.prefix(2)) == ["by hand:4:14: warning: it is so", "  4 |     forward: 8080"])
            #expect(result.output.count == 1)
        }

        @Test("a detached tunnel is waited for, and its address is printed")
        func detached() async throws {
            let answers: TestAdmin.Answers = { request in
                switch request.line {
                case "POST /v1/tunnels": .reply(201, Self.opened)
                case "GET /v1/tunnels/publish-8080": .ok(Sample.json(Sample.tunnel("publish-8080")))
                default: healthy(request)
                }
            }
            let (result, requests) = try await run(answers, "publish", "8080", "--detach", "--for", "2h")
            #expect(result.exit == .status(0), "\(result.errors)")
            #expect(result.output == ["https://publish-8080.t.example.com"])
            let body = try #require(requests.first { $0.line == "POST /v1/tunnels" }?.body)
            #expect(body.contains(#""detach":true"#) && body.contains(#""for":7200"#))
        }

        @Test(
            "a wrong command line is one",
            arguments: [
                ["publish"], ["publish", "8080", "--for", "soon"], ["publish", "8080", "--private", "--qr"],
                ["publish", "8080", "--protocol", "gopher"], ["publish", "8080", "--private", "--hostname", "h"],
                // No terminal.
                ["publish", "8080", "--table"], ["publish", "8080", "--table", "--detach"],
            ]
        )
        func usage(arguments: [String]) async throws {
            #expect(try await run(arguments).exit == .status(64))
        }

        @Test("saves to a new file, and never over one that is there")
        func save() async throws {
            try await TemporaryFolder.with { folder in
                let file = folder.path(of: "saved.yaml")
                let (saved, _) = try await run(healthy, "save", "web", "--to", file)
                #expect(saved.exit == .status(0), "\(saved.errors)")
                #expect(saved.output.isEmpty)
                let again = try await run(healthy, "save", "web", "--to", file).result
                #expect(again.exit == .status(1))
                #expect(again.errors.first?.contains("File exists") == true)
            }
        }

        @Test("a dial that fails says why, in the daemon's words")
        func dialFails() async throws {
            let answer = Sample.json(Problem(.notReachable, "there is no tunnel db"))
            let result = try await run({ _ in .reply(502, answer) }, "dial", "db").result
            #expect(result.exit == .status(1))
            #expect(result.errors == ["rstreamctl: there is no tunnel db"])
            let absent = try await run(["dial", "db", "--socket", "/nonexistent/admin.sock"])
            #expect(absent.exit == .status(69))
        }
    }
}
