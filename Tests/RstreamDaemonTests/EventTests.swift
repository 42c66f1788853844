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

@Suite("The events", .serialized, .timeLimit(.hang))
struct EventTests {
    private func types(_ events: [Event], _ prefixes: String...) -> [String] {
        events.map(\.type).filter { type in prefixes.contains { type.hasPrefix($0) } }
    }

    @Test("of a session carry its id, as the admin API and the lines of the log do")
    func sessionID() async throws {
        try await AdminCallTests.withDaemon { _, daemon in
            let reader = try await daemon.admin.events(after: 0)
            let event = try #require(try await reader.wait(for: "session.online").last)
            let session = try #require(try await daemon.admin.get("/v1/sessions", as: [SessionStatus].self).first)
            #expect(event.session == session.id)
            let lines = daemon.log.lines("engine connected") + daemon.log.lines(RunningDaemon.tunnelOnline)
            #expect(lines.count == 2)
            for line in lines {
                #expect(line.metadata["session_id"] == session.id)
                #expect(line.metadata["context"] == session.context)
            }
        }
    }

    @Test("report the states of a tunnel in order, numbered without a gap, and end with the daemon")
    func life() async throws {
        try await AdminCallTests.withDaemon { _, daemon in
            let reader = try await daemon.admin.events(after: 0)
            let online = try await reader.wait(for: "tunnel.online", "web")
            #expect(
                types(online, "session.", "tunnel.") == [
                    "tunnel.pending", "session.online", "tunnel.opening", "tunnel.online",
                ]
            )
            #expect(online.last?.forwardingAddress?.hasSuffix("(tcp)") == true)
            let visitor = try await AdminCallTests.openStream(daemon)
            let opened = try await reader.wait(for: "stream.opened", "web")
            await visitor.close()
            let closed = try #require(try await reader.wait(for: "stream.closed", "web").last)
            #expect(closed.stream != nil && closed.stream == opened.last?.stream)
            #expect(closed.source == "127.0.0.1")
            #expect(closed.bytes == ByteCounts(received: 5, sent: 5))
            #expect(closed.durationSeconds.map { $0 > 0 } == true)
            #expect(closed.error == nil)
            try await daemon.reload { $0.tunnels = [] }
            try await reader.wait(for: "tunnel.closed", "web")
            let applied = try #require(try await reader.wait(for: "reload.applied").last)
            #expect(applied.changes?.map(\.tunnel) == ["web"])
            #expect(applied.changes?.map(\.action) == [.remove])
            try await daemon.stop()
            let text = try await reader.connection.receiveText()
            #expect(text.hasSuffix("\r\n0\r\n\r\n"))
            let ids = reader.events.map(\.id)
            #expect(ids.first.map { Array($0..<$0 + ids.count) } == ids)
            #expect(types(reader.events, "tunnel.").suffix(2) == ["tunnel.draining", "tunnel.closed"])
            #expect(types(reader.events, "session.").last == "session.closed")
        }
    }

    @Test(
        "go on after the last one that a reader has got, and tell one of another process that it may have missed some"
    )
    func resume() async throws {
        try await AdminCallTests.withDaemon { _, daemon in
            let all = try await daemon.admin.events(after: 0)
            let events = try await all.wait(for: "tunnel.online", "web")
            let middle = events[1].id
            let rest = try await daemon.admin.events(after: middle)
            #expect(rest.events == events.filter { $0.id > middle })
            let now = try await daemon.admin.events(after: all.events.last?.id)
            #expect(now.events.isEmpty)
            let stranger = try await daemon.admin.events(after: 12)
            #expect(stranger.events.first?.type == "events.missed")
            #expect(stranger.events.first?.message != nil)
            #expect(Array(stranger.events.dropFirst()) == all.events)
            // Who comes back with the number of the gap goes on behind it.
            let back = try await daemon.admin.events(after: stranger.events.first?.id)
            #expect(back.events == all.events)
            for text in ["x", "-1", "1.5", "99999999999999999999"] {
                let answer = try await daemon.admin.call("GET", "/v1/events", headers: ["Last-Event-ID": text])
                #expect(answer.status == 400)
            }
            for reader in [all, rest, now, stranger, back] { await reader.connection.close() }
        }
    }

    @Test("report once that an upstream is unreachable, and that it is reachable again")
    func reachability() async throws {
        try await TestEngine.with { engine in
            try await TemporaryFolder.with { folder in
                let path = folder.path(of: "app.sock")
                var configuration = engine.configuration([.tcp("web")], to: 1)
                configuration.tunnels[0].upstream = .unix(path: path)
                try await RunningDaemon.withAdmin(configuration) { daemon in
                    let port = try #require(try await daemon.waitForTunnels().first?.port)
                    let reader = try await daemon.admin.events()
                    for _ in 0..<3 {
                        let visitor = try await TestConnection.connect(toPort: port)
                        try await visitor.state.wait(for: "the refusal") { $0.isOver }
                        await visitor.close()
                    }
                    let failed = try await reader.wait(for: "stream.failed", "web")
                    #expect(failed.last?.error?.origin == "upstream")
                    let error = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self).lastError
                    #expect(error?.code == "ERR_RSTREAM_UPSTREAM_UNREACHABLE")
                    try await TestServer.with(.echo, at: .unix(path: path)) { _ in
                        try await expectEcho(atPort: port)
                        try await reader.wait(for: "tunnel.reachable", "web")
                    }
                    #expect(types(reader.events, "tunnel.") == ["tunnel.unreachable", "tunnel.reachable"])
                    let tunnel = try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
                    #expect(tunnel.lastError == nil)
                    #expect(tunnel.streams.failed == 3)
                    await reader.connection.close()
                }
            }
        }
    }

    @Test("streams of removed tunnels stay in the totals, and are counted once")
    func totals() async throws {
        try await AdminCallTests.withDaemon([.tcp("web"), .tcp("other")]) { _, daemon in
            let reader = try await daemon.admin.events()
            for _ in 0..<3 { await (try await AdminCallTests.openStream(daemon)).close() }
            let last = try await AdminCallTests.openStream(daemon)
            var total: Int {
                get async throws { try await daemon.admin.get("/v1/status", as: DaemonStatus.self).streams.total }
            }
            #expect(try await total == 4)
            var gone: [TunnelDefinition] = []
            try await daemon.reload {
                gone = $0.tunnels
                $0.tunnels.removeFirst()
            }
            #expect(try await total == 4)
            await last.close()
            try await reader.wait(for: "tunnel.closed", "web")
            #expect(try await total == 4)
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/web").status == 404)
            let back = gone
            try await daemon.reload { $0.tunnels = back }
            #expect(try await total == 4)
            // Without a stream when it goes.
            try await daemon.waitForTunnels(3)
            for _ in 0..<3 {
                try await daemon.reload { $0.tunnels.removeFirst() }
                #expect(try await total == 4)
                try await daemon.reload { $0.tunnels = back }
                #expect(try await total == 4)
            }
            await reader.connection.close()
        }
    }

    @Test("a tunnel that is disabled in the files appears and disappears by a reload without other changes")
    func disabledTunnels() async throws {
        try await AdminCallTests.withDaemon { _, daemon in
            try await daemon.reload { configuration in
                var other = configuration.tunnels[0]
                (other.name, other.isEnabled) = ("other", false)
                other.spec.name = "other"
                configuration.tunnels.append(other)
            }
            let tunnel = try await daemon.admin.get("/v1/tunnels/other", as: TunnelStatus.self)
            #expect(tunnel.state == .disabled)
            let document = try await daemon.admin.call("GET", "/v1/config")
            #expect(document.body.contains(#""name":"other""#))
            #expect(try await daemon.admin.call("POST", "/v1/tunnels/other/enable").status == 202)
            try await daemon.waitForTunnels(2)
            try await daemon.reload { $0.tunnels.removeLast() }
            #expect(try await daemon.admin.call("GET", "/v1/tunnels/none").status == 404)
        }
    }
}
