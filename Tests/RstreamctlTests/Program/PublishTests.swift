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

        /// Publishes until the tunnel is online, ends the events, and returns how the command ends when the daemon
        /// answers so from then on.
        private static func takenOver(
            _ arguments: [String] = [],
            _ answers: @escaping TestAdmin.Answers
        ) async throws -> (result: Program.Result, requests: [TestAdmin.Request]) {
            try await withDaemon(publishing([online()])) { admin, socket in
                let words = ["publish", "8080", "--socket", socket] + arguments
                let process = try await ProcessHandle.start(try path, words)
                _ = try await process.output.first { $0.contains("https://p.t.example.com") }
                admin.answers.change { $0 = answers }
                admin.endStreams()
                let exit = try await process.end()
                return ((exit, process.output.all, process.errors.all), admin.requests.value)
            }
        }

        private static let claim = "POST /v1/tunnels/publish-8080/claim"

        /// The process that has taken over: the tunnel is at the same address, and has a visitor.
        private static let successor: TestAdmin.Answers = { request in
            var missed = event(99, "events.missed")
            missed.tunnel = nil
            var online = online()
            online.id = 101
            switch request.line {
            case claim: return .ok(opened)
            case "GET /v1/events":
                let pending = event(100, "tunnel.pending", tunnel: "publish-8080")
                let events = [missed, pending, online, visitor(), closed]
                return .events(events.map(data).joined() + ": end of backlog\n\n")
            default: return healthy(request)
            }
        }

        @Test("goes on when another process takes over: claims the tunnel, and shows what is new, after one line")
        func goesOn() async throws {
            let (result, requests) = try await Self.takenOver([], Self.successor)
            #expect(result.exit == .status(0), "\(result.errors)")
            #expect(result.output.count == 2, "the address is the same: \(result.output)")
            #expect(result.output.last?.contains("192.0.2.7") == true)
            #expect(
                result.errors.contains("another process is the daemon now, publish-8080 goes on"),
                "\(result.errors)"
            )
            #expect(requests.map(\.line) == ["POST /v1/tunnels", "GET /v1/events", Self.claim, "GET /v1/events"])
            #expect(requests.last?.headers["last-event-id"] == "5", "the last one that it has seen")
            #expect(requests[2].headers["connection"] == nil, "the tunnel lasts as long as the connection")
        }

        @Test("as JSON it prints the events of the tunnel over a take-over, and nothing else")
        func goesOnJSON() async throws {
            let result = try await Self.takenOver(["-o", "json"], Self.successor).result
            #expect(result.exit == .status(0), "\(result.errors)")
            let types = try result.output.map { try AdminJSON.decode(Event.self, from: Array($0.utf8)).type }
            #expect(types == ["tunnel.online", "tunnel.pending", "tunnel.online", "stream.opened", "tunnel.closed"])
        }

        @Test("tries again while the process that takes over is busy")
        func busy() async throws {
            let left = Observed(3)
            let (result, requests) = try await Self.takenOver { request in
                guard request.line == Self.claim, left.value > 0 else { return Self.successor(request) }
                left.change { $0 -= 1 }
                switch left.value {
                case 2: return .reply(503, Sample.json(Problem(.busy, "an upgrade is under way")))
                case 1: return .reply(503, Sample.json(Problem(.stopping, "the daemon is stopping")))
                default: return .none
                }
            }
            #expect(result.exit == .status(0), "\(result.errors)")
            #expect(requests.filter { $0.line == Self.claim }.count == 4)
        }

        @Test("ends when the tunnel is unknown, or the daemon does not know the call")
        func unknown() async throws {
            for code in [Problem.Code.notFound, .unknownPath] {
                let (result, requests) = try await Self.takenOver { request in
                    guard request.line == Self.claim else { return healthy(request) }
                    return .reply(404, Sample.json(Problem(code, "there is no such thing")))
                }
                #expect(result.exit == .status(69))
                #expect(result.errors.last?.hasSuffix("has ended the tunnel") == true, "\(result.errors)")
                #expect(requests.filter { $0.line == Self.claim }.count == 1)
            }
        }

        @Test("ends with the daemon's words when it may not claim the tunnel")
        func refusedClaim() async throws {
            let answer = Sample.json(Problem(.conflict, "the tunnel belongs to a connection that is open"))
            let result = try await Self.takenOver { request in
                request.line == Self.claim ? .reply(409, answer) : healthy(request)
            }.result
            #expect(result.exit == .status(1))
            #expect(result.errors.last == "rstreamctl: the tunnel belongs to a connection that is open")
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
