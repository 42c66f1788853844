// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Tunnels by hand over the admin API", .serialized, .timeLimit(.hang))
struct ByHandTests {
    /// A daemon with a tunnel `web` of the files, and a port to which tunnels by hand may lead.
    private static func withDaemon(
        _ body: (TestEngine, RunningDaemon, _ port: Int) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(.echo) { server in
                var configuration = engine.configuration([.tcp("web")], to: server.port)
                configuration.contexts = [engine.context()]
                configuration.fallback = engine.context()
                try await RunningDaemon.withAdmin(configuration) { daemon in
                    try await daemon.waitForTunnels()
                    try await body(engine, daemon, server.port)
                }
            }
        }
    }

    private static func body(_ name: String, to port: Int, _ more: String = "") -> String {
        #"{"name":"\#(name)","forward":"127.0.0.1:\#(port)","tunnel":{"protocol":"tcp"}\#(more)}"#
    }

    /// Opens a tunnel by a connection of its own, which is returned.
    private static func open(
        _ name: String,
        to port: Int,
        and more: String = "",
        _ daemon: RunningDaemon
    ) async throws -> (connection: TestConnection, tunnel: TunnelStatus) {
        let connection = try await daemon.admin.connect()
        try await connection.send(
            AdminSocket.request("POST", "/v1/tunnels", body(name, to: port, more), close: false)
        )
        let state = try await connection.state.wait(for: "the answer") { state in
            AdminSocket.Answer.all(in: String(buffer: state.received)).first.map { !$0.body.isEmpty } ?? state.isOver
        }
        let answer = try #require(AdminSocket.Answer.all(in: String(buffer: state.received)).first)
        #expect(answer.status == 201, "\(answer)")
        #expect(answer.headers["location"] == "/v1/tunnels/\(name)")
        return (connection, try answer.decode())
    }

    private static func count(_ list: String, in document: JSONValue) -> Int? {
        guard case .object(let fields) = document, case .array(let items)? = fields[list] else { return nil }
        return items.count
    }

    private static func port(of name: String, _ daemon: RunningDaemon) async throws -> Int? {
        let lines = try await daemon.log.lines.wait(for: "the tunnel \(name)") { lines in
            lines.contains { $0.message == RunningDaemon.tunnelOnline && $0.metadata["tunnel"] == name }
        }
        return lines.last { $0.message == RunningDaemon.tunnelOnline && $0.metadata["tunnel"] == name }?.port
    }

    @Test("one serves visitors, is shown as such, and ends with the connection that has opened it")
    func connection() async throws {
        try await Self.withDaemon { _, daemon, port in
            let events = try await daemon.admin.events()
            let (connection, tunnel) = try await Self.open("mine", to: port, daemon)
            #expect(tunnel.name == "mine" && tunnel.context == "main")
            #expect(tunnel.byHand?.detached == false && tunnel.byHand?.endsAt == nil)
            try await expectEcho(atPort: try await Self.port(of: "mine", daemon))
            let online = try await events.wait(for: "tunnel.online", "mine")
            #expect(online.last?.byHand == true)
            let status = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
            #expect(status.tunnels.map(\.name) == ["web", "mine"])
            #expect(status.tunnels.map { $0.byHand != nil } == [false, true])
            let metrics = try await daemon.admin.call("GET", "/metrics").body
            #expect(metrics.contains("rstreamd_tunnels_by_hand 1\n"))
            let document = try await daemon.admin.get("/v1/config", as: JSONValue.self)
            #expect(Self.count("tunnels", in: document) == 1)
            #expect(Self.count("tunnelsByHand", in: document) == 1)
            await connection.close()
            try await events.wait(for: "tunnel.closed", "mine")
            try await daemon.log.wait(for: "tunnel by hand ended")
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/mine").status == 404)
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/web").status == 200)
            await events.connection.close()
        }
    }

    @Test("warnings about one are in the answer, and nowhere else")
    func warnings() async throws {
        try await Self.withDaemon { _, daemon, port in
            let (plain, quiet) = try await Self.open("quiet", to: port, daemon)
            #expect(quiet.diagnostics == nil)
            let more = #","upstream":{"tls":{"insecureSkipVerify":true}}"#
            let (connection, tunnel) = try await Self.open("mine", to: port, and: more, daemon)
            let warning = try #require(tunnel.diagnostics?.first)
            #expect(tunnel.diagnostics?.count == 1 && warning.severity == "warning")
            #expect(warning.message.contains("certificate is not checked"), "\(warning)")
            #expect(warning.file == "by hand" && warning.text.contains("insecureSkipVerify: true"))
            let later = try await daemon.admin.get("/v1/tunnels/mine", as: TunnelStatus.self)
            #expect(later.diagnostics == nil)
            for connection in [plain, connection] { await connection.close() }
        }
    }

    @Test("a connection that owns one serves further calls, and its events")
    func sameConnection() async throws {
        try await Self.withDaemon { _, daemon, port in
            let (connection, _) = try await Self.open("mine", to: port, daemon)
            try await connection.send(
                AdminSocket.request("GET", "/v1/events", headers: ["Last-Event-ID": "0"], close: false)
            )
            try await EventReader(connection: connection).wait(for: "tunnel.online", "mine")
            await connection.close()
            try await daemon.log.wait(for: "tunnel by hand ended")
        }
    }

    @Test("a detached one outlives its connection and is closed by its name; one of the files is not")
    func detached() async throws {
        try await Self.withDaemon { _, daemon, port in
            let answer = try await daemon.admin.call(
                "POST",
                "/v1/tunnels",
                Self.body("mine", to: port, #","detach":true"#)
            )
            #expect(answer.status == 201, "\(answer)")
            try await expectEcho(atPort: try await Self.port(of: "mine", daemon))
            let file = try await daemon.admin.call("GET", "/v1/tunnels/mine/file")
            #expect(file.headers["content-type"] == "application/yaml")
            #expect(file.body.hasPrefix("version: 1\ntunnels:\n  - name: mine\n"))
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/web/file").problem?.code == .conflict)
            #expect(try await daemon.admin.call("DELETE", "/v1/tunnels/web").problem?.code == .conflict)
            #expect(try await daemon.admin.call("DELETE", "/v1/tunnels/none").problem?.code == .notFound)
            #expect(try await daemon.admin.call("DELETE", "/v1/tunnels/mine").status == 204)
            #expect(try await daemon.admin.call("DELETE", "/v1/tunnels/mine").status == 404)
            let line = try #require(daemon.log.lines("tunnel by hand ended").first)
            #expect(line.metadata["tunnel"] == "mine")
        }
    }

    @Test("one with a time ends when it is over")
    func time() async throws {
        try await Self.withDaemon { _, daemon, port in
            let answer = try await daemon.admin.call("POST", "/v1/tunnels", Self.body("mine", to: port, #","for":0.2"#))
            let tunnel: TunnelStatus = try answer.decode()
            #expect(tunnel.byHand?.detached == true && tunnel.byHand?.endsAt != nil)
            try await daemon.log.wait(for: "tunnel by hand ended")
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/web").status == 200)
        }
    }

    @Test("a reload leaves it and its streams alone, unless the files take its name")
    func reload() async throws {
        try await Self.withDaemon { _, daemon, port in
            let (connection, _) = try await Self.open("mine", to: port, daemon)
            let visitor = try await TestConnection.connect(
                toPort: try #require(try await Self.port(of: "mine", daemon))
            )
            try await visitor.send("hello")
            #expect(try await visitor.receive(asLongAs: "hello") == "hello")
            let unchanged = try await daemon.reload()
            #expect(unchanged.message == "configuration unchanged")
            let changed = try await daemon.reload { $0.tunnels[0].streamLimit = 7 }
            #expect(changed.message == "configuration reloaded")
            try await visitor.send("again")
            #expect(try await visitor.receive(asLongAs: "helloagain") == "helloagain")
            // The file's tunnel takes its place, and the open stream may end by itself.
            try await daemon.reload { configuration in
                var tunnel = configuration.tunnels[0]
                tunnel.name = "mine"
                tunnel.spec = .tcp("mine")
                tunnel.streamLimit = 0
                configuration.tunnels.append(tunnel)
            }
            let line = try #require(daemon.log.lines("tunnel by hand ended").first)
            #expect(line.metadata["reason"] == TunnelsByHand.Ending.nameTaken.rawValue)
            await connection.close()
            try await visitor.send("more")
            #expect(try await visitor.receive(asLongAs: "helloagainmore") == "helloagainmore")
            let tunnel = try await daemon.admin.get("/v1/tunnels/mine", as: TunnelStatus.self)
            #expect(tunnel.byHand == nil)
            await visitor.close()
        }
    }

    @Test("it ends with its context, and a dry run says so beforehand")
    func contextGone() async throws {
        try await Self.withDaemon { engine, daemon, port in
            let other = ContextDefinition(
                name: "other",
                engine: .address(engine.address),
                credential: engine.context().credential,
                transport: engine.context().transport
            )
            try await daemon.reload { $0.contexts.append(other) }
            let (connection, _) = try await Self.open("mine", to: port, and: #","context":"other""#, daemon)
            daemon.files.change { files in
                guard case .good(var configuration) = files else { return }
                configuration.contexts.removeLast()
                files = .good(configuration)
            }
            let plan: ReloadReply = try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":true}"#).decode()
            #expect(plan.changes.map(\.tunnel) == ["mine"] && plan.changes.map(\.action) == [.remove])
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/mine").status == 200)
            try await daemon.reloadOnce()
            let line = try #require(daemon.log.lines("tunnel by hand ended").first)
            #expect(line.metadata["reason"] == TunnelsByHand.Ending.contextGone.rawValue)
            await connection.close()
        }
    }

    @Test("it is refused like a tunnel of the files, and nothing changes")
    func refusals() async throws {
        try await Self.withDaemon { _, daemon, port in
            let cases: [(String, Int, Problem.Code)] = [
                (#"{"name":"a","forward":"1","tunnel":{"protcol":"tcp"},"detach":true}"#, 422, .invalid),
                // A word in place of a port is looked up.
                (#"{"name":"a","forward":"nowhere","tunnel":{"protocol":"tcp"},"detach":true}"#, 422, .invalid),
                (Self.body("web", to: port, #","detach":true"#), 422, .invalid),
                (Self.body("a", to: port, #","detach":true,"context":"none""#), 422, .invalid),
                (Self.body("a", to: port, #","detach":true,"context":{"engine":"e","noToken":true}"#), 422, .invalid),
                ("{}", 400, .badRequest), ("[]", 400, .badRequest), ("{", 400, .badRequest), ("", 400, .badRequest),
                (Self.body("a", to: port, #","detach":"yes""#), 400, .badRequest),
                (Self.body("a", to: port, #","for":-1"#), 400, .badRequest),
                (Self.body("a", to: port, #","for":"soon""#), 400, .badRequest),
                (Self.body("a", to: port, #","for":1e300"#), 400, .badRequest),
                // The connection ends with the answer.
                (Self.body("a", to: port), 400, .badRequest),
            ]
            for (body, status, code) in cases {
                let answer = try await daemon.admin.call("POST", "/v1/tunnels", body)
                #expect(answer.status == status && answer.problem?.code == code, "\(body): \(answer)")
                #expect((answer.problem?.diagnostics?.isEmpty == false) == (code == .invalid), "\(body)")
            }
            let tunnels = try await daemon.admin.get("/v1/tunnels", as: [TunnelStatus].self)
            #expect(tunnels.map(\.name) == ["web"])
        }
    }

    @Test("a claim is for one that has lost its connection by a take-over; others are refused with the reason")
    func claims() async throws {
        try await Self.withDaemon { _, daemon, port in
            let (connection, _) = try await Self.open("mine", to: port, daemon)
            let detached = Self.body("detached", to: port, #","detach":true"#)
            #expect(try await daemon.admin.call("POST", "/v1/tunnels", detached).status == 201)
            let claimer = try await daemon.admin.connect()
            let cases: [(String, Int, String)] = [
                ("mine", 409, "the tunnel belongs to a connection that is open"),
                ("detached", 409, "the tunnel is detached, it belongs to no connection"),
                ("web", 409, "the tunnel is defined at"), ("none", 404, #"there is no tunnel "none""#),
            ]
            for (name, _, _) in cases {
                try await claimer.send(AdminSocket.request("POST", "/v1/tunnels/\(name)/claim", "", close: false))
            }
            let state = try await claimer.state.wait(for: "the answers") { state in
                let answers = AdminSocket.Answer.all(in: String(buffer: state.received))
                return answers.count == cases.count && answers.last?.body.isEmpty == false || state.isOver
            }
            let answers = AdminSocket.Answer.all(in: String(buffer: state.received))
            for (answer, (name, status, detail)) in zip(answers, cases) {
                #expect(answer.status == status, "\(name): \(answer)")
                #expect(answer.problem?.detail.hasPrefix(detail) == true, "\(name): \(answer)")
            }
            #expect(answers.count == cases.count)
            // Its connection would end with the answer.
            let brief = try await daemon.admin.call("POST", "/v1/tunnels/mine/claim")
            #expect(brief.problem?.code == .badRequest)
            await claimer.close()
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/mine").status == 200)
            await connection.close()
        }
    }

    @Test("an operator may disable it until the next reload, as any other")
    func disable() async throws {
        try await Self.withDaemon { _, daemon, port in
            let (connection, _) = try await Self.open("mine", to: port, daemon)
            _ = try await Self.port(of: "mine", daemon)
            let events = try await daemon.admin.events()
            #expect(try await daemon.admin.call("POST", "/v1/tunnels/mine/disable").status == 202)
            try await events.wait(for: "tunnel.disabled", "mine")
            await events.connection.close()
            let disabled = try await daemon.admin.get("/v1/tunnels/mine", as: TunnelStatus.self)
            #expect([.disabled, .draining].contains(disabled.state) && disabled.byHand != nil)
            try await daemon.reload()
            try await daemon.log.lines.wait(for: "the tunnel again") { lines in
                lines.count { $0.message == RunningDaemon.tunnelOnline && $0.metadata["tunnel"] == "mine" } == 2
            }
            await connection.close()
        }
    }

    @Test("one that is opened under the name of a disabled one that has ended stays open with a reload")
    func nameOfDisabled() async throws {
        try await Self.withDaemon { engine, daemon, port in
            let (first, _) = try await Self.open("mine", to: port, daemon)
            let order = #"{"untilEnabled":true}"#
            #expect(try await daemon.admin.call("POST", "/v1/tunnels/mine/disable", order).status == 202)
            await first.close()
            try await daemon.log.wait(for: "tunnel by hand ended")
            let (second, _) = try await Self.open("mine", to: port, daemon)
            try await engine.engine.wait { $0.tunnels == 2 }
            try await daemon.reload()
            let tunnel = try await daemon.admin.get("/v1/tunnels/mine", as: TunnelStatus.self)
            #expect(tunnel.state != .disabled && tunnel.disabledUntil == nil)
            await second.close()
        }
    }

    @Test("there is a limit, and room again after one has ended")
    func limit() async throws {
        try await Self.withDaemon { _, daemon, port in
            func open(_ name: String) async throws -> AdminSocket.Answer {
                let body = Self.body(name, to: port, #","detach":true,"enabled":false"#)
                return try await daemon.admin.call("POST", "/v1/tunnels", body)
            }
            for index in 0..<TunnelsByHand.most {
                let answer = try await open("t\(index)")
                #expect(answer.status == 201)
            }
            #expect(try await open("more").problem?.code == .busy)
            #expect(try await daemon.admin.call("DELETE", "/v1/tunnels/t0").status == 204)
            #expect(try await open("more").status == 201)
        }
    }
}
