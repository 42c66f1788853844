// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The admin API", .serialized, .timeLimit(.hang))
struct AdminCallTests {
    /// A daemon with these tunnels to an echo service, all of them online.
    static func withDaemon(
        _ specs: [TunnelSpec] = [.tcp("web")],
        change: (inout DaemonConfiguration) -> Void = { _ in },
        _ body: (TestEngine, RunningDaemon) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(.echo) { server in
                var configuration = engine.configuration(specs, to: server.port)
                change(&configuration)
                try await RunningDaemon.withAdmin(configuration) { daemon in
                    try await daemon.waitForTunnels(specs.count)
                    try await body(engine, daemon)
                }
            }
        }
    }

    /// A stream that has carried a few bytes both ways.
    static func openStream(_ daemon: RunningDaemon, _ tunnel: String = "web") async throws -> TestConnection {
        let port = daemon.log.lines(RunningDaemon.tunnelOnline).last { $0.metadata["tunnel"] == tunnel }?.port
        let visitor = try await TestConnection.connect(toPort: try #require(port))
        try await visitor.send("hello")
        _ = try await visitor.receive(asLongAs: "hello")
        return visitor
    }

    @Test(
        "reports daemon, session, tunnel and stream while the stream is open, and counts it afterwards"
    )
    func status() async throws {
        try await Self.withDaemon { _, daemon in
            let visitor = try await Self.openStream(daemon)
            let status = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
            #expect(status.isAsWanted)
            #expect(status.daemon.state == .running)
            #expect(status.daemon.lastReload == nil)
            #expect(status.streams == StreamCounts(active: 1, total: 1, failed: 0))
            // A heartbeat may come in between, so what it changes is not compared.
            let sessions = try await daemon.admin.get("/v1/sessions", as: [SessionStatus].self)
            #expect(status.sessions.map(\.id) == sessions.map(\.id))
            #expect(status.sessions.map(\.context) == ["main"])
            #expect(status.sessions.first?.state == .online)
            #expect(status.sessions.first?.clientId != nil)
            #expect(status.tunnels == (try await daemon.admin.get("/v1/tunnels")))
            let tunnel = try #require(status.tunnels.first)
            #expect(tunnel == (try await daemon.admin.get("/v1/tunnels/web")))
            #expect(tunnel.state == .online)
            #expect(tunnel.bytes == ByteCounts(received: 5, sent: 5))
            #expect(tunnel.properties.port.map(Int.init) == daemon.log.lines(RunningDaemon.tunnelOnline).first?.port)
            let streams = try await daemon.admin.get("/v1/streams", as: [StreamStatus].self)
            #expect(streams == (try await daemon.admin.get("/v1/streams?tunnel=web")))
            let stream = try #require(streams.first)
            #expect(streams.count == 1)
            #expect(stream.state == .relaying)
            #expect(stream.tunnel == "web" && stream.listener == nil)
            #expect(stream.source == "127.0.0.1")
            #expect(stream.bytes == ByteCounts(received: 5, sent: 5))
            let events = try await daemon.admin.events()
            await visitor.close()
            try await events.wait(for: "stream.closed", "web")
            await events.connection.close()
            let after = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
            #expect(after.streams == StreamCounts(active: 0, total: 1, failed: 0))
            #expect(after.bytes == ByteCounts(received: 5, sent: 5))
        }
    }

    @Test("cuts exactly the stream of the call, and logs the client")
    func cut() async throws {
        try await Self.withDaemon { _, daemon in
            let visitors = [try await Self.openStream(daemon), try await Self.openStream(daemon)]
            let streams = try await daemon.admin.get("/v1/streams", as: [StreamStatus].self)
            #expect(streams.count == 2)
            let answer = try await daemon.admin.call("DELETE", "/v1/streams/\(streams[0].id)")
            #expect(answer.status == 204)
            #expect(answer.body.isEmpty)
            try await visitors[0].waitForReset()
            try await visitors[1].send("again")
            #expect(try await visitors[1].receive(asLongAs: "helloagain") == "helloagain")
            let again = try await daemon.admin.call("DELETE", "/v1/streams/\(streams[0].id)")
            #expect(again.problem?.code == .notFound)
            let line = try #require(daemon.log.lines("admin request").first)
            #expect(line.metadata["call"] == "DELETE /v1/streams/\(streams[0].id)")
            #expect(line.metadata["peer_uid"] != nil && line.metadata["peer_pid"] != nil)
            await visitors[1].close()
        }
    }

    @Test(
        "refuses invalid calls with a problem document that says why",
        arguments: [
            ("GET", "/nothing", nil, 404, Problem.Code.unknownPath), ("GET", "/v1/nothing", nil, 404, .unknownPath),
            ("GET", "/v1/tunnels/web/explode", nil, 404, .unknownPath), ("GET", "/v2/status", nil, 404, .unknownPath),
            ("GET", "/v1/tunnels/none", nil, 404, .notFound), ("GET", "/v1/streams?tunnel=none", nil, 404, .notFound),
            ("POST", "/v1/tunnels/none/drain", nil, 404, .notFound),
            ("POST", "/v1/sessions/none/reconnect", nil, 404, .notFound),
            ("DELETE", "/v1/streams/999", nil, 404, .notFound), ("DELETE", "/v1/streams/01", nil, 404, .notFound),
            ("DELETE", "/v1/streams/-1", nil, 404, .notFound),
            ("DELETE", "/v1/streams/99999999999999999999", nil, 404, .notFound),
            ("GET", "/v1/tunnels/%zz", nil, 400, .badRequest), ("GET", "/v1/tunnels/%ff", nil, 400, .badRequest),
            ("GET", "/v1/streams?tunnel=%", nil, 400, .badRequest), ("GET", "status", nil, 400, .badRequest),
            ("PUT", "/v1/log", nil, 400, .badRequest), ("PUT", "/v1/log", "{}", 400, .badRequest),
            ("PUT", "/v1/log", #"{"level":"loud"}"#, 400, .badRequest), ("PUT", "/v1/log", "debug", 400, .badRequest),
            ("PUT", "/v1/log", #"{"level":"debug","more":1}"#, 400, .badRequest),
            ("POST", "/v1/reload", "[]", 400, .badRequest), ("POST", "/v1/reload", "{", 400, .badRequest),
            ("POST", "/v1/reload", #"{"dryRun":"yes"}"#, 400, .badRequest),
            ("POST", "/v1/reload", #"{"dryrun":true}"#, 400, .badRequest),
            ("POST", "/v1/reload", #"{"dryRun":null}"#, 400, .badRequest),
        ]
    )
    func refusals(_ method: String, _ target: String, _ body: String?, _ status: Int, _ code: Problem.Code) async throws
    {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let answer = try await daemon.admin.call(method, target, body)
            #expect(answer.status == status)
            #expect(answer.headers["content-type"] == "application/problem+json")
            #expect(answer.problem?.code == code)
            #expect(answer.problem?.status == status)
            #expect(answer.problem?.detail.isEmpty == false)
            // A misspelt wish changed nothing.
            #expect(try await daemon.admin.get("/v1/status", as: DaemonStatus.self).daemon.lastReload == nil)
        }
    }

    @Test("refuses JSON that is nested too deeply, is not UTF-8 or consists of combining marks")
    func hostileBodies() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let deep = String(repeating: "[", count: 513)
            let marks = String(repeating: "\u{301}\u{323}", count: 15_000)
            for (method, target) in [("PUT", "/v1/log"), ("POST", "/v1/reload")] {
                for body in [
                    deep, #"{"level":"# + deep, #"{"dryRun":"# + deep, String(repeating: #"{"level":"#, count: 513),
                    String(repeating: "[", count: 20_000), #"{"level":""# + marks + #""}"#, #"{""# + marks + #"":1}"#,
                    #"{"level":1e400}"#, #"{"level":-9223372036854775809}"#, "{\"level\":\"\0\"}", "\u{FEFF}" + deep,
                    marks,
                ] {
                    let answer = try await daemon.admin.call(method, target, body)
                    #expect(answer.problem?.code == .badRequest, "\(body.prefix(40))")
                    #expect(answer.problem?.detail.utf8.count ?? 0 < 200)
                }
            }
            let answer = try await daemon.admin.call("PUT", "/v1/log", "\u{FEFF}" + #"{"level":"debug"}"#)
            #expect(answer.status == 200)
        }
    }

    @Test("takes no longer for a request of combining marks than for any other")
    func hostileTargets() async throws {
        try await Self.withDaemon([.tcp("web"), .tcp("gr\u{FC}n"), .tcp("\u{301}")]) { _, daemon in
            let marks = String(repeating: "%CC%81%CC%A3", count: 5_000)
            for (method, target) in [
                ("GET", "/v1/tunnels/\(marks)"), ("POST", "/v1/tunnels/\(marks)/drain"),
                ("GET", "/v1/streams?tunnel=\(marks)"),
                ("POST", "/v1/sessions/\(marks)/reconnect"), ("DELETE", "/v1/streams/\(marks)"),
            ] {
                let answer = try await daemon.admin.call(method, target)
                #expect(answer.problem?.code == .badRequest)
            }
            // The bytes count, not the letters: this is the other way to write it.
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/gru%CC%88n").status == 404)
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/gr%C3%BCn").status == 200)
        }
    }

    @Test(
        "escapes characters that a terminal would act on in its JSON",
        arguments: ["\u{9B}", "\u{202E}", "\u{2028}", "\u{E0041}"]
    )
    func escapes(character: String) async throws {
        try await Self.withDaemon([.tcp("a\(character)b")]) { _, daemon in
            for target in ["/v1/status", "/v1/tunnels", "/v1/config"] {
                let answer = try await daemon.admin.call("GET", target)
                #expect(!answer.body.unicodeScalars.contains { $0.isHidden })
            }
            #expect(
                try await daemon.admin.get("/v1/tunnels", as: [TunnelStatus].self).map(\.name) == ["a\(character)b"]
            )
        }
    }

    @Test("lists the methods of every path")
    func methods() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let paths = [
                "/v1/status": "GET", "/v1/sessions": "GET", "/v1/tunnels": "GET, POST",
                "/v1/tunnels/a": "GET, DELETE", "/v1/tunnels/a/file": "GET", "/v1/dial/a": "POST",
                "/v1/tunnels/a/requests": "GET",
                "/v1/streams": "GET", "/v1/streams/1": "DELETE", "/v1/reload": "POST", "/v1/events": "GET",
                "/v1/log": "GET, PUT", "/v1/config": "GET", "/v1/health/live": "GET", "/v1/health/ready": "GET",
                "/metrics": "GET", "/v1/openapi.json": "GET", "/v1/sessions/a/reconnect": "POST",
                "/v1/tunnels/a/drain": "POST", "/v1/tunnels/a/enable": "POST", "/v1/tunnels/a/disable": "POST",
                "/v1/drain": "POST", "/v1/enable": "POST", "/v1/disable": "POST",
            ]
            for (path, allowed) in paths {
                let answer = try await daemon.admin.call("PATCH", path)
                #expect(answer.status == 405, "\(path)")
                #expect(answer.headers["allow"] == allowed, "\(path)")
                #expect(answer.problem?.code == .methodNotAllowed)
            }
        }
    }

    @Test("finds tunnels with any name", arguments: ["two words", "grün", "a/b", "100%", "+", "\"q\\"])
    func oddNames(name: String) async throws {
        try await Self.withDaemon([.tcp(name)]) { _, daemon in
            let visitor = try await Self.openStream(daemon, name)
            let path = Route.tunnel(name).path
            #expect(try await daemon.admin.get(path, as: TunnelStatus.self).name == name)
            let streams: [StreamStatus] = try await daemon.admin.get(Route.streams(tunnel: name).path)
            #expect(streams.map(\.tunnel) == [name])
            #expect(try await daemon.admin.call("POST", path + "/drain").status == 202)
            await visitor.close()
        }
    }

    @Test("answers HEAD like GET, without a body")
    func head() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            for path in ["/v1/status", "/metrics", "/v1/openapi.json", "/v1/nothing"] {
                let text = try await daemon.admin.send(AdminSocket.request("HEAD", path))
                #expect(text.hasSuffix("\r\n\r\n"), "\(text)")
                let length = AdminSocket.Answer.all(in: text).first?.headers["content-length"]
                #expect(length.flatMap(Int.init).map { $0 > 0 } == true)
            }
            let events = try await daemon.admin.send(AdminSocket.request("HEAD", "/v1/events"))
            #expect(events.lowercased().contains("content-type: text/event-stream"))
            #expect(events.hasSuffix("\r\n\r\n") && !events.hasSuffix("\n0\r\n\r\n"), "\(events)")
        }
    }

    @Test("disables, enables and drains a tunnel until the next reload")
    func change() async throws {
        try await Self.withDaemon { engine, daemon in
            let visitor = try await Self.openStream(daemon)
            let events = try await daemon.admin.events()
            let drained = try await daemon.admin.call("POST", "/v1/tunnels/web/drain")
            #expect(drained.status == 202)
            let accepted = try drained.decode(Accepted.self)
            #expect(accepted.action == "drain" && accepted.target == "web")
            try await events.wait(for: "tunnel.draining", "web")
            try await engine.engine.wait { $0.tunnels == 0 }
            #expect(try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self).state == .draining)
            // Nobody wants it, so it does not keep the daemon from being ready.
            #expect(try await daemon.admin.call("GET", "/v1/health/ready").status == 200)
            try await visitor.send("x")
            _ = try await visitor.receive(asLongAs: "hellox")
            await visitor.close()
            // The last stream's end is what makes it disabled.
            try await events.wait(for: "tunnel.disabled", "web")
            #expect(try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self).state == .disabled)
            #expect(try await daemon.admin.call("POST", "/v1/tunnels/web/enable").status == 202)
            try await daemon.waitForTunnels(2)
            #expect(try await daemon.admin.call("POST", "/v1/tunnels/web/disable").status == 202)
            try await engine.engine.wait { $0.tunnels == 0 }
            #expect(try await daemon.admin.call("POST", "/v1/reload").status == 200)
            try await daemon.waitForTunnels(3)
            let tunnel = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
            #expect(tunnel.streams == StreamCounts(active: 0, total: 1, failed: 0))
        }
    }

    @Test("reports how many streams are draining and when they are cut, in the reply, the tunnel's status and the log")
    func announcedDrain() async throws {
        try await Self.withDaemon { _, daemon in
            let visitor = try await Self.openStream(daemon)
            let accepted: Accepted = try await daemon.admin.call("POST", "/v1/tunnels/web/drain").decode()
            #expect(accepted.streams == 1 && accepted.disposition == "drain")
            let tunnel = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
            #expect(tunnel.drain == accepted.cutAt.map { DrainStatus(streams: 1, cutAt: $0) })
            #expect(tunnel.drain != nil)
            let line = try await daemon.log.wait(for: "draining")
            #expect(line.last?.metadata["tunnel"] == "web" && line.last?.metadata["streams"] == "1")
            // A second call has the same answer.
            #expect(try await daemon.admin.call("POST", "/v1/tunnels/web/drain").decode(Accepted.self) == accepted)
            await visitor.close()
        }
    }

    @Test("cuts the remaining streams at the drain's timeout and logs it, unless the tunnel is enabled before")
    func endedDrain() async throws {
        for isEnabled in [false, true] {
            // Long enough for two calls, where those have to come in time.
            let timeout = isEnabled ? longestStall : .milliseconds(100)
            try await Self.withDaemon([.tcp("web"), .tcp("other")]) {
                $0.drain.timeout = timeout
            } _: { _, daemon in
                let visitor = try await Self.openStream(daemon)
                let bystander = try await Self.openStream(daemon, "other")
                #expect(try await daemon.admin.call("POST", "/v1/tunnels/web/drain").status == 202)
                if isEnabled {
                    let enabled: Accepted = try await daemon.admin.call("POST", "/v1/tunnels/web/enable").decode()
                    #expect(enabled.streams == 1 && enabled.disposition == "keep" && enabled.cutAt == nil)
                    try await daemon.log.wait(for: "drain cancelled")
                    #expect(try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self).drain == nil)
                    let streams: [StreamStatus] = try await daemon.admin.get(Route.streams(tunnel: "web").path)
                    #expect(streams.map(\.state) == [.relaying])
                }
                // The other tunnel's drain began later, so its end comes after that of the first.
                #expect(try await daemon.admin.call("POST", "/v1/tunnels/other/drain").status == 202)
                try await bystander.waitForReset()
                if isEnabled {
                    try await visitor.send("x")
                    #expect(try await visitor.receive(asLongAs: "hellox") == "hellox")
                } else {
                    try await visitor.waitForReset()
                }
                let cuts = daemon.log.lines("drain timed out, cutting streams")
                #expect(Set(cuts.map { $0.metadata["tunnel"] }) == (isEnabled ? ["other"] : ["web", "other"]))
                #expect(cuts.allSatisfy { $0.metadata["streams"] == "1" })
                for connection in [visitor, bystander] { await connection.close() }
            }
        }
    }

    @Test(
        "reports what happens to the streams of a tunnel that is disabled",
        arguments: StreamDisposition.allCases
    )
    func disabledFate(disposition: StreamDisposition) async throws {
        try await Self.withDaemon {
            $0.tunnels[0].disposition = disposition
        } _: { _, daemon in
            let visitor = try await Self.openStream(daemon)
            let accepted: Accepted = try await daemon.admin.call("POST", "/v1/tunnels/web/disable").decode()
            #expect(accepted.streams == 1 && accepted.disposition == disposition.rawValue)
            #expect((accepted.cutAt != nil) == (disposition == .drain))
            await visitor.close()
        }
    }

    @Test("gives streams that a disabled tunnel has kept until the drain's timeout when it is drained")
    func drainedWhenDisabled() async throws {
        try await Self.withDaemon {
            $0.tunnels[0].disposition = .keep
        } _: { _, daemon in
            let visitor = try await Self.openStream(daemon)
            #expect(try await daemon.admin.call("POST", "/v1/tunnels/web/disable").status == 202)
            let accepted: Accepted = try await daemon.admin.call("POST", "/v1/tunnels/web/drain").decode()
            #expect(accepted.streams == 1 && accepted.disposition == "drain" && accepted.cutAt != nil)
            let tunnel = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
            #expect(tunnel.drain == accepted.cutAt.map { DrainStatus(streams: 1, cutAt: $0) })
            await visitor.close()
        }
    }

    @Test("names an unknown tunnel or context, and the nearest known name")
    func unknownNames() async throws {
        try await Self.withDaemon([.tcp("website"), .tcp("api")]) { _, daemon in
            let calls = [
                ("GET", "/v1/tunnels/webiste"), ("POST", "/v1/tunnels/webiste/drain"),
                ("GET", "/v1/streams?tunnel=webiste"),
            ]
            for (method, path) in calls {
                let answer = try await daemon.admin.call(method, path)
                #expect(answer.status == 404)
                #expect(
                    answer.problem?.detail == "there is no tunnel \"webiste\", did you mean \"website\"?",
                    "\(path)"
                )
            }
            let far = try await daemon.admin.call("GET", "/v1/tunnels/zzz")
            #expect(far.problem?.detail == "there is no tunnel \"zzz\"")
            let context = try await daemon.admin.call("POST", "/v1/sessions/mian/reconnect")
            #expect(context.problem?.detail == "no session has the context \"mian\", did you mean \"main\"?")
        }
    }

    @Test("reconnects a session without touching its streams")
    func reconnect() async throws {
        try await Self.withDaemon { engine, daemon in
            let visitor = try await Self.openStream(daemon)
            let answer = try await daemon.admin.call("POST", "/v1/sessions/main/reconnect")
            #expect(answer.status == 202)
            try await daemon.waitForTunnels(2)
            #expect(try await engine.engine.statistics().controlConnectsTotal == 2)
            try await visitor.send("x")
            #expect(try await visitor.receive(asLongAs: "hellox") == "hellox")
            await visitor.close()
        }
    }

    @Test("finds a session by every context that shares it, in calls and in metrics, also after reloads")
    func sharedSession() async throws {
        try await TestEngine.with { engine in
            var configuration = engine.configuration([.tcp("web"), .tcp("api")], to: 1)
            configuration.tunnels[1].context.name = "other"
            try await RunningDaemon.withAdmin(configuration) { daemon in
                try await daemon.waitForTunnels(2)
                let sessions = try await daemon.admin.get("/v1/sessions", as: [SessionStatus].self)
                #expect(sessions.map(\.context) == ["main"])
                let before = try await daemon.admin.call("GET", "/metrics").body
                for context in ["main", "other"] {
                    let connects = #"rstreamd_session_connects_total{context="\#(context)",outcome="connected"}"#
                    #expect(before.contains(#"rstreamd_session_online{context="\#(context)"} 1"#))
                    #expect(before.contains("\(connects) 1\n"))
                }
                #expect(try await daemon.admin.call("POST", "/v1/sessions/other/reconnect").status == 202)
                try await daemon.waitForTunnels(4)
                #expect(try await engine.engine.statistics().controlConnectsTotal == 2)
                // Another name for the same is no other session.
                try await daemon.reload {
                    $0.tunnels[0].context.name = "new"
                    $0.tunnels[1].context.name = "new"
                }
                let after = try await daemon.admin.call("GET", "/metrics").body
                #expect(after.contains(#"rstreamd_session_online{context="new"} 1"#))
                #expect(after.contains(#"rstreamd_session_connects_total{context="new",outcome="connected"} 0"#))
                #expect(!after.contains(#"context="other""#) && !after.contains(#"context="main""#))
                #expect(try await daemon.admin.get("/v1/sessions", as: [SessionStatus].self).map(\.context) == ["new"])
                #expect(try await daemon.admin.call("POST", "/v1/sessions/other/reconnect").status == 404)
                #expect(try await daemon.admin.call("POST", "/v1/sessions/new/reconnect").status == 202)
            }
        }
    }

    @Test("reopens a tunnel at the address that it had before it was disabled or drained", arguments: [true, false])
    func addressKept(isAlone: Bool) async throws {
        let others: [TunnelSpec] = isAlone ? [] : [.tcp("other")]
        for spec in [TunnelSpec.tcp("web"), .http("web")] {
            try await Self.withDaemon([spec] + others) { engine, daemon in
                let address = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self).forwardingAddress
                #expect(address != nil)
                let away: [(String, Bool)] = [("disable", true), ("drain", true), ("disable", false)]
                for (index, (change, waits)) in away.enumerated() {
                    #expect(try await daemon.admin.call("POST", "/v1/tunnels/web/\(change)").status == 202)
                    if waits { try await engine.engine.wait { $0.tunnels == others.count } }
                    #expect(try await daemon.admin.call("POST", "/v1/tunnels/web/enable").status == 202)
                    try await daemon.waitForTunnels(others.count + index + 2)
                    let again = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
                    #expect(again.forwardingAddress == address, "\(change)")
                }
                // Its context may have another name by then.
                #expect(try await daemon.admin.call("POST", "/v1/tunnels/web/disable").status == 202)
                try await engine.engine.wait { $0.tunnels == others.count }
                try await daemon.reload { $0.tunnels[0].context.name = "elsewhere" }
                try await daemon.waitForTunnels(others.count + away.count + 2)
                let renamed = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
                #expect(renamed.forwardingAddress == address)
                // Another tunnel of that name, after it was configured no more, has no claim to it.
                guard case .good(let configuration) = daemon.files.value else { return }
                try await daemon.reload { $0.tunnels.removeFirst() }
                try await engine.engine.wait { $0.tunnels == others.count }
                try await daemon.reload { $0.tunnels = configuration.tunnels }
                try await daemon.waitForTunnels(others.count + away.count + 3)
                let other = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
                #expect(other.forwardingAddress != address)
            }
        }
    }

    @Test("changes the log level until the next change")
    func logLevel() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            #expect(try await daemon.admin.call("GET", "/v1/log").body == #"{"level":"info"}"#)
            for level in LogLevelDocument.levels {
                let answer = try await daemon.admin.call("PUT", "/v1/log", #"{"level":"\#(level)"}"#)
                #expect(answer.status == 200)
                #expect(try await daemon.admin.get("/v1/log", as: LogLevelDocument.self).level == level)
            }
        }
    }

    @Test("answers only once the first configuration is in the status store")
    func begins() async throws {
        let context = ContextDefinition(
            name: "main",
            engine: .address(try EngineAddress("127.0.0.1:9")),
            credential: .none
        )
        let tunnels = (0..<2_000).map { number in
            TunnelDefinition(
                name: "t\(number)",
                upstream: .tcp(host: "127.0.0.1", service: "9"),
                isEnabled: number == 0,
                spec: TunnelSpec(name: "t\(number)", publish: false),
                context: context
            )
        }
        try await RunningDaemon.withAdmin(DaemonConfiguration(tunnels: tunnels)) { daemon in
            #expect(try await daemon.admin.call("GET", "/v1/health/ready").status == 503)
            let status = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
            #expect(status.tunnels.count == 2_000)
        }
    }

    @Test("is ready when every enabled tunnel is online, and reports what is missing until then")
    func health() async throws {
        try await TestServer.withDeadPort { port in
            try await TestEngine.with { engine in
                var configuration = engine.configuration([.tcp("web")], to: port)
                configuration.tunnels[0].context = ContextDefinition(
                    name: "main",
                    engine: .address(try EngineAddress("127.0.0.1:\(port)")),
                    credential: .none,
                    transport: TransportOptions()
                )
                try await RunningDaemon.withAdmin(configuration) { daemon in
                    let answer = try await daemon.admin.call("GET", "/v1/health/ready")
                    #expect(answer.status == 503)
                    let health = try answer.decode(Health.self)
                    #expect(health.status == "unavailable")
                    #expect(health.reasons.first?.hasPrefix("tunnel web is pending") == true)
                    let live = try await daemon.admin.call("GET", "/v1/health/live")
                    #expect(live.status == 200)
                    #expect(live.body == #"{"reasons":[],"status":"ok"}"#)
                }
            }
        }
    }

    @Test(
        "is served during a drain: health is alive, and changes are refused"
    )
    func stopping() async throws {
        try await Self.withDaemon([.tcp("web"), .tcp("idle")]) { engine, daemon in
            let visitor = try await Self.openStream(daemon)
            let events = try await daemon.admin.events()
            await daemon.beginStop()
            try await engine.engine.wait { $0.tunnels == 0 }
            // One whose streams have yet to end is not gone, and none will come back.
            try await events.wait(for: "tunnel.closed", "idle")
            let states = try await daemon.admin.get("/v1/tunnels", as: [TunnelStatus].self).map(\.state)
            #expect(states == [.draining, .closed])
            #expect(try await daemon.admin.call("GET", "/v1/health/live").status == 200)
            #expect(try await daemon.admin.get("/v1/status", as: DaemonStatus.self).daemon.state == .stopping)
            let answer = try await daemon.admin.call("POST", "/v1/reload")
            #expect(answer.status == 503)
            #expect(answer.problem?.code == .stopping)
            await visitor.close()
            try await events.wait(for: "tunnel.closed", "web")
            try await daemon.waitForEnd()
            let told = events.events.filter { $0.type.hasPrefix("tunnel.") }.map { "\($0.tunnel ?? "") \($0.type)" }
            #expect(told.filter { $0.hasPrefix("web") } == ["web tunnel.draining", "web tunnel.closed"])
            #expect(told.filter { $0.hasPrefix("idle") } == ["idle tunnel.draining", "idle tunnel.closed"])
            await #expect(throws: (any Error).self) { try await daemon.admin.connect() }
        }
    }
}

@Suite("Values of the admin API")
struct AdminValueTests {
    @Test("every stream state, reload action and disposition of the daemon is one of the API")
    func rawValues() {
        for state in StreamState.allCases {
            #expect(StreamStatus.State.allCases.contains(StreamStatus.State(rawValue: state.rawValue)), "\(state)")
        }
        for action in ReloadPlan.Action.allCases {
            #expect(ReloadChange.Action.allCases.contains(ReloadChange.Action(rawValue: action.rawValue)), "\(action)")
        }
        #expect(StreamDisposition.allCases.map(\.rawValue) == ["drain", "keep", "cut"])
    }
}
