// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamTestSupport
import Testing

extension Program {
    @Suite("Events and waiting") struct EventTests {
        @Test("events shows what the daemon still holds, from the first on, and ends")
        func backlog() async throws {
            let (result, requests) = try await run(healthy, "events")
            #expect(result.exit == .status(0))
            #expect(result.output.count == 2)
            #expect(requests.first?.headers["last-event-id"] == "0")
            let json = try await run(healthy, "events", "-o", "json").result
            #expect(json.output == [Sample.json(event(1)), Sample.json(event(2, tunnel: "api"))])
        }

        @Test("--tunnel leaves out the others, but not that events were missed")
        func tunnel() async throws {
            var missed = Event(id: 3, time: Sample.now, type: "events.missed")
            missed.missed = 5
            let text = Self.text([event(1), event(2, tunnel: "api"), missed])
            let result = try await run({ _ in .events(text) }, "events", "--tunnel", "api").result
            #expect(result.output.count == 2)
            #expect(result.output.first?.contains("api") == true)
            #expect(result.output.last?.contains("5 events were missed") == true)
        }

        @Test("--tunnel names a tunnel of the configuration, or one of which there are events")
        func unknownTunnel() async throws {
            let text = Self.text([event(1, tunnel: "api")])
            let answers: TestAdmin.Answers = { $0.line == "GET /v1/events" ? .events(text) : healthy($0) }
            #expect(try await run(answers, "events", "--tunnel", "web").result.exit == .status(0))
            #expect(try await run(answers, "events", "--tunnel", "api").result.exit == .status(0))
            for arguments in [["events"], ["events", "--follow"]] {
                try await withDaemon(answers) { _, socket in
                    let result = try await run(arguments + ["--tunnel", "none", "--socket", socket])
                    #expect(result.exit == .status(1))
                    #expect(result.output.isEmpty)
                    #expect(result.errors == ["rstreamctl: there is no such thing"])
                }
            }
        }

        @Test("--follow goes on, each event as soon as it is there, until the daemon is gone: 69")
        func follow() async throws {
            try await withDaemon { admin, socket in
                let process = try await ProcessHandle.start(try path, ["events", "--follow", "--socket", socket])
                _ = try await process.output.first { $0.contains("api") }
                admin.tell(data(event(9, "tunnel.rejected", tunnel: "later")))
                _ = try await process.output.first { $0.contains("tunnel.rejected  later") }
                await admin.stop()
                #expect(try await process.exit() == .status(69))
            }
        }

        @Test("requests --follow shows each request once, until the daemon is gone: 69")
        func followRequests() async throws {
            let answers: @Sendable (Int) -> TestAdmin.Answers = { count in
                { request in
                    guard request.line == "GET /v1/tunnels/web/requests" else { return healthy(request) }
                    let requests = (1...count).map { Sample.request($0, "GET", "/path-\($0)") }
                    return .ok(Sample.json(TunnelRequests(inspected: true, total: count, requests: requests)))
                }
            }
            try await withDaemon(answers(1)) { admin, socket in
                let arguments = ["requests", "web", "--follow", "--socket", socket]
                let process = try await ProcessHandle.start(try Program.path, arguments)
                let first = try await process.output.first { $0.contains("GET") }.line
                #expect(first.contains("/path-1 "))
                admin.answers.change { $0 = answers(2) }
                // The next line is the next request.
                let second = try await process.output.first { $0.contains("GET") && !$0.contains("/path-1 ") }.line
                #expect(second.contains("/path-2 "))
                await admin.stop()
                #expect(try await process.exit() == .status(69))
            }
        }

        private static let capture = "POST /v1/tunnels/web/capture"

        private static func captured(_ id: Int, _ body: String, missed: Int? = nil) -> String {
            var request = Sample.request(id, "POST", "/path-\(id)")
            request.requestBody = CapturedBody(bytes: Array(body.utf8))
            request.responseBody = CapturedBody(bytes: [])
            request.missed = missed.map { Count(wrappedValue: $0) }
            return "event: request\ndata: \(Sample.json(request))\n\n"
        }

        private static let captures: TestAdmin.Answers = { request in
            request.line == capture ? .events(": end of backlog\n\n") : healthy(request)
        }

        @Test(
            "requests --bodies shows what was sent both ways, until the daemon is gone: 69",
            arguments: [true, false]
        )
        func bodies(isJSON: Bool) async throws {
            try await withDaemon(Self.captures) { admin, socket in
                let arguments = ["requests", "web", "--bodies", "--socket", socket] + (isJSON ? ["-o", "json"] : [])
                let process = try await ProcessHandle.start(try Program.path, arguments)
                let said = try await process.errors.first { _ in true }.line
                #expect(said.hasPrefix("bodies of requests that begin from now on, up to 8 KiB each way;"), "\(said)")
                admin.tell(Self.captured(7, "pin=0000", missed: 3))
                let line = try await process.output.first { $0.contains("/path-7") }.line
                if isJSON {
                    let body = #""requestBody":{"base64":"cGluPTAwMDA=","cut":false}"#
                    #expect(line.contains(body), "\(line)")
                } else {
                    #expect(try await process.output.first { $0.contains("pin") }.line == "    > pin=0000")
                }
                #expect(try await process.errors.first { $0.contains("missed") }.line == "requests that were missed: 3")
                await admin.stop()
                #expect(try await process.exit() == .status(69))
            }
        }

        @Test("requests --bodies says why it ends: 1")
        func bodiesEnd() async throws {
            let notInspected = TestAdmin.Answer.ok(Sample.json(TunnelRequests(inspected: false)))
            let looks = Observed(0)
            let result = try await run(
                { request in
                    switch request.line {
                    case Self.capture: return .reply(200, "")
                    case "GET /v1/tunnels/web/requests":
                        looks.change { $0 += 1 }
                        return looks.value == 1 ? healthy(request) : notInspected
                    default: return healthy(request)
                    }
                },
                "requests",
                "web",
                "--bodies"
            ).result
            #expect(result.exit == .status(1) && result.output.isEmpty)
            #expect(result.errors == ["rstreamctl: tunnel web is not inspected any more"])
            let forbidden = TestAdmin.Answer.reply(403, Sample.json(Problem(.forbidden, "may read and change nothing")))
            let reader = try await run(
                { $0.line == Self.capture ? forbidden : healthy($0) },
                "requests",
                "web",
                "--bodies"
            ).result
            #expect(reader.exit == .status(77) && reader.errors.joined().contains("may read and change nothing"))
        }

        @Test("requests of a tunnel that is not inspected is an error that says what to do")
        func notInspected() async throws {
            let result = try await run(healthy, "requests", "api").result
            #expect(result.exit == .status(1) && result.output.isEmpty)
            #expect(result.errors.count == 2 && result.errors[1].contains("inspect: true"))
        }

        @Test("wait ends with 0 once it is as wanted, woken by an event and not by polling")
        func wait() async throws {
            for (tunnel, call) in [(nil, "GET /v1/status"), ("web", "GET /v1/tunnels/web")] as [(String?, String)] {
                try await withDaemon(Self.answers(.pending)) { admin, socket in
                    let arguments = Self.wait + ["--socket", socket] + (tunnel.map { ["--tunnel", $0] } ?? [])
                    let process = try await ProcessHandle.start(try path, arguments)
                    try await admin.requests.wait(for: "the first look") { $0.contains { $0.line == call } }
                    admin.tell(data(event(1, "tunnel.opening")))
                    try await admin.requests.wait(for: "the second look") { $0.count { $0.line == call } == 2 }
                    admin.answers.change { $0 = Self.answers(.online) }
                    admin.tell(data(event(2)))
                    #expect(try await process.end() == .status(0))
                    #expect(admin.requests.value.count { $0.line == call } == 3)
                    #expect(process.output.count == 1)
                }
            }
        }

        @Test("wait ends with 3 at its timeout, and says what is missing and what to do")
        func timeout() async throws {
            try await withDaemon(Self.answers(.rejected)) { _, socket in
                let result = try await Self.wait(for: 3) {
                    try await run(["wait", "--timeout", $0, "--socket", socket])
                }
                #expect(result.exit == .status(3))
                #expect(result.output.isEmpty)
                let text = result.errors.joined(separator: "\n")
                #expect(text.contains("tunnel web is rejected"))
                #expect(text.contains("fix: start the service"))
            }
        }

        @Test(
            "a disabled tunnel, and one on standby, is as wanted, but not for a wait by its name",
            arguments: [TunnelStatus.State.disabled, .standby]
        )
        func disabled(state: TunnelStatus.State) async throws {
            try await withDaemon(Self.answers(state)) { _, socket in
                #expect(try await run(Self.wait + ["--socket", socket]).exit == .status(0))
                let named = try await Self.wait(for: 3) {
                    try await run(["wait", "--tunnel", "web", "--timeout", $0, "--socket", socket])
                }
                #expect(named.exit == .status(3))
            }
        }

        @Test("wait waits for a listener, about which there are no events")
        func listener() async throws {
            @Sendable func answers(_ state: ListenerStatus.State) -> TestAdmin.Answers {
                { request in
                    request.line == "GET /v1/events"
                        ? .events(": end of backlog\n\n")
                        : .ok(Sample.json(Sample.status(listeners: [Sample.listener("db", state)])))
                }
            }
            try await withDaemon(answers(.waiting)) { admin, socket in
                let process = try await ProcessHandle.start(try path, Self.wait + ["--socket", socket])
                try await admin.requests.wait(for: "the first look") { $0.contains { $0.line == "GET /v1/status" } }
                admin.answers.change { $0 = answers(.listening) }
                #expect(try await process.exit() == .status(0))
            }
        }

        @Test("wait waits for a daemon that is not there yet, and one that goes in between")
        func laterDaemon() async throws {
            try await TemporaryFolder.with { folder in
                let socket = folder.path(of: "admin.sock")
                let process = try await ProcessHandle.start(try path, Self.wait + ["--socket", socket])
                _ = try await TestAdmin.with(at: socket, Self.answers(.pending)) { admin in
                    try await admin.requests.wait(for: "a look") { $0.contains { $0.line == "GET /v1/status" } }
                }
                try await TestAdmin.with(at: socket, Self.answers(.online)) { _ in
                    let exit = try await process.exit()
                    #expect(exit == .status(0))
                }
            }
        }

        @Test("wait ends with 69 when there was no daemon until its timeout, or a silent one")
        func noDaemon() async throws {
            try await TemporaryFolder.with { folder in
                let socket = folder.path(of: "admin.sock")
                let result = try await run(["wait", "--timeout", "2s", "--socket", socket])
                #expect(result.exit == .status(69))
                #expect(!result.errors.isEmpty)
            }
            #expect(try await run({ _ in .silence }, "wait", "--timeout", "300ms").result.exit == .status(69))
        }

        @Test("wait without a timeout checks once and ends with the result")
        func noTime() async throws {
            for (state, status) in [(.online, 0), (.rejected, 3)] as [(TunnelStatus.State, Int32)] {
                try await withDaemon(Self.answers(state)) { _, socket in
                    let result = try await Self.wait(for: status, Array(repeating: "0s", count: 20)) {
                        try await run(["wait", "--timeout", $0, "--socket", socket])
                    }
                    #expect(result.exit == .status(status), "\(result.errors)")
                }
            }
        }

        @Test("wait reports its last result when its time ends during another check")
        func deadlineWithinLook() async throws {
            let result = try await Self.wait(for: 3) { timeout in
                try await Self.look(for: timeout) { .silence }
            }
            #expect(result.exit == .status(3))
            #expect(result.errors.contains { $0.contains("tunnel web is rejected") })
        }

        @Test("wait tries again while the daemon has as many clients as may be, and says so when its time is over")
        func busy() async throws {
            let busy = TestAdmin.Answer.reply(503, Sample.json(Problem(.busy, "as many clients as may be")))
            let answers: TestAdmin.Answers = { _ in busy }
            try await withDaemon(answers) { admin, socket in
                let process = try await ProcessHandle.start(try path, Self.wait + ["--socket", socket])
                try await admin.requests.wait(for: "another try") { $0.count >= 2 }
                admin.answers.change { $0 = Self.answers(.online) }
                #expect(try await process.exit() == .status(0))
            }
            let result = try await Self.wait(for: 1) { try await run(answers, "wait", "--timeout", $0).result }
            #expect(result.exit == .status(1))
            #expect(result.errors.joined().contains("as many clients as may be"))
        }

        @Test(
            "wait takes a daemon that is only busy as it found it before: 3; one that is gone: 69",
            arguments: [3, 69]
        )
        func laterLook(status: Int32) async throws {
            let busy = TestAdmin.Answer.reply(503, Sample.json(Problem(.busy, "as many clients as may be")))
            let result = try await Self.wait(for: status) { timeout in
                try await Self.look(for: timeout) { status == 3 ? busy : .none }
            }
            #expect(result.exit == .status(status))
            let isShown = result.errors.contains { $0.contains("tunnel web is rejected") }
            #expect(isShown == (status == 3), "\(result.errors)")
        }

        /// Waits for longer than anything takes here.
        private static let wait = ["wait", "--timeout", "10m"]

        /// What `body` ends with, which is given more and more time until that is `status`, as it is where all looks of the
        /// program have had the time that they take.
        private static func wait(
            for status: Int32,
            _ timeouts: [String] = ["2s", "5s", "10s", "30s"],
            _ body: (_ timeout: String) async throws -> Program.Result
        ) async throws -> Program.Result {
            var result = try await body(timeouts[0])
            for timeout in timeouts.dropFirst() where result.exit != .status(status) {
                result = try await body(timeout)
            }
            return result
        }

        /// What `wait` ends with that finds a tunnel that is rejected at the first look, and then gets `answer`.
        private static func look(
            for timeout: String,
            _ answer: @escaping @Sendable () -> TestAdmin.Answer
        ) async throws -> Program.Result {
            try await withDaemon(answers(.rejected)) { admin, socket in
                let process = try await ProcessHandle.start(
                    try path,
                    ["wait", "--timeout", timeout, "--socket", socket]
                )
                try await admin.requests.wait(for: "the first look") { $0.contains { $0.line == "GET /v1/status" } }
                admin.answers.change { $0 = { _ in answer() } }
                admin.tell(data(event(1, "tunnel.opening")))
                return (try await process.end(), process.output.all, process.errors.all)
            }
        }

        private static func text(_ events: [Event]) -> String {
            events.map(data).joined() + ": end of backlog\n\n"
        }

        /// Answers with the tunnel `web` in that state, and with no events.
        private static func answers(_ state: TunnelStatus.State) -> TestAdmin.Answers {
            { request in
                let tunnel = Sample.tunnel("web", state, error: state == .rejected ? Sample.failure : nil)
                switch request.line {
                case "GET /v1/events": return .events(": end of backlog\n\n")
                case "GET /v1/tunnels/web": return .ok(Sample.json(tunnel))
                default: return .ok(Sample.json(Sample.status(tunnels: [tunnel])))
                }
            }
        }
    }
}
