// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Logging
import RstreamAdmin
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("The page of metrics")
struct MetricsPageTests {
    private let store = StatusStore(notifier: ServiceNotifier())

    /// The samples whose names begin with `name`.
    private func samples(_ name: String, sink: LogSink? = nil) async -> [String] {
        let page = await MetricsPage(statusStore: store, sink: sink).text(.text)
        return page.split(separator: "\n").filter { $0.hasPrefix(name) }.map(String.init)
    }

    @Test("says whether the last reload was refused, as the status line does")
    func reloads() async {
        let metric = "rstreamd_config_last_reload_successful"
        #expect(await samples(metric) == ["\(metric) 1"])
        for (outcome, value) in [
            (ReloadReply.Outcome.refused, 0), (.applied, 1), (.refused, 0), (.refused, 0), (.unchanged, 1),
        ] {
            store.reloaded(ReloadReply(outcome: outcome, dryRun: false), "1 error")
            #expect(await samples(metric) == ["\(metric) \(value)"])
            #expect(store.read { $0.statusLine.contains("reload refused") } == (value == 0))
        }
    }

    @Test("says of each upstream whether it is reachable and gets streams, as the status does")
    func upstreams() async {
        let (reachable, usable) = ("rstreamd_upstream_reachable", "rstreamd_upstream_usable")
        let pool = UpstreamPool()
        let health = UpstreamHealthOptions(rise: 1, fall: 1)
        let upstreams = ["1", "2"].map { port in
            Upstream(address: .tcp(host: "a", service: port), options: UpstreamOptions(health: health))
        }
        pool.adopt(upstreams)
        store.configure(.sample("web", upstreams: pool), .sample("ssh"))
        func values(_ first: Int, _ second: Int, of metric: String) -> [String] {
            [
                #"\#(metric){tunnel="web",upstream="a:1"} \#(first)"#,
                #"\#(metric){tunnel="web",upstream="a:2"} \#(second)"#,
            ]
        }
        #expect(await samples(reachable) == values(1, 1, of: reachable))
        #expect(await samples(usable) == values(1, 1, of: usable))
        let error = RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .afterBackoff, what: "refused")
        pool.checked(upstreams[1].address, error, after: .milliseconds(5))
        #expect(await samples(reachable) == values(1, 0, of: reachable))
        #expect(await samples(usable) == values(1, 0, of: usable))
        let status = store.tunnelStatuses[0].upstreams
        #expect(status.map(\.forward) == ["a:1", "a:2"])
        #expect(status.map(\.state) == [.healthy, .unhealthy] && status.map(\.share) == [1, 0])
        #expect(status[1].lastCheck?.passed == false && status[1].lastCheck?.durationSeconds == 0.005)
        #expect(status[1].lastError?.message == "refused" && status[0].lastError == nil)
        pool.checked(upstreams[1].address, nil, after: .milliseconds(5))
        #expect(await samples(reachable) == values(1, 1, of: reachable))
        #expect(await samples(usable) == values(1, 1, of: usable))
        for metric in ["streams_active", "streams_total", "streams_failed_total"] {
            let name = "rstreamd_upstream_\(metric)"
            #expect(await samples("\(name){") == values(0, 0, of: name))
        }
    }

    @Test("has no series of a suspended tunnel that says it were open, and the status tells why it is not")
    func suspension() async {
        var tunnel = ConfiguredTunnel.sample("web")
        tunnel.suspension = RstreamError(
            code: .upstreamUnreachable,
            origin: .upstream,
            retry: .afterBackoff,
            what: "closed until an upstream is healthy: refused"
        )
        store.configure(tunnel)
        #expect(await samples("rstreamd_tunnel_online") == [#"rstreamd_tunnel_online{tunnel="web"} 0"#])
        #expect(await samples("rstreamd_tunnel_enabled") == [#"rstreamd_tunnel_enabled{tunnel="web"} 1"#])
        #expect(store.tunnelStatuses[0].state == .pending)
        #expect(store.tunnelStatuses[0].lastError?.message == tunnel.suspension?.what)
        #expect(store.notReadyReasons() == ["tunnel web is pending: closed until an upstream is healthy: refused"])
        tunnel.suspension = nil
        store.configure(tunnel)
        #expect(store.tunnelStatuses[0].lastError == nil)
    }

    @Test("joins a tunnel, its context and the address in the status, and says which tunnels are wanted")
    func tunnels() async throws {
        store.configure(.sample("web"), .sample("off", isEnabled: false))
        let (info, enabled) = ("rstreamd_tunnel_info", "rstreamd_tunnel_enabled")
        let off = #"\#(info){tunnel="off",context="main",address=""} 1"#
        #expect(await samples(info) == [#"\#(info){tunnel="web",context="main",address=""} 1"#, off])
        #expect(await samples(enabled) == [#"\#(enabled){tunnel="web"} 1"#, #"\#(enabled){tunnel="off"} 0"#])
        let session = store.makeSession(contexts: ["main"], engine: "e")
        var granted = TunnelProperties()
        (granted.protocol, granted.host) = ("http", "web.example")
        store.update(session, tunnel: "web", TunnelSnapshot(state: .online, granted: granted))
        let address = try #require(store.tunnelStatuses.first?.forwardingAddress)
        #expect(address == "https://web.example")
        #expect(await samples(info) == [#"\#(info){tunnel="web",context="main",address="\#(address)"} 1"#, off])
        // It leaves the configuration, and is still open at the engine.
        store.configure(.sample("off", isEnabled: false))
        #expect(await samples(enabled) == [#"\#(enabled){tunnel="off"} 0"#, #"\#(enabled){tunnel="web"} 0"#])
        #expect(await samples("rstreamd_upstream_reachable{tunnel=\"web\"").isEmpty)
    }

    @Test("has no label that an engine makes longer than an address can be")
    func bounds() async {
        store.configure(.sample("web"))
        let session = store.makeSession(contexts: ["main"], engine: "e")
        var granted = TunnelProperties()
        granted.host = String(repeating: "x", count: 60_000)
        store.update(session, tunnel: "web", TunnelSnapshot(state: .online, granted: granted))
        let info = await samples("rstreamd_tunnel_info")
        #expect(info.count == 1 && info.allSatisfy { $0.utf8.count < 512 })
    }

    @Test("has the log lines that were dropped, also those that a line has reported")
    func log() async {
        let gate = DispatchSemaphore(value: 0)
        let sink = LogSink(capacity: .init(lines: 2)) { _ in gate.wait() }
        let metric = "rstreamd_log_dropped_lines_total"
        #expect(await samples(metric, sink: sink) == ["\(metric) 0"])
        for number in 0..<5 { sink.take(LogRecord(.info, "\(number)")) }
        #expect(await samples(metric, sink: sink) == ["\(metric) 3"])
        for _ in 0..<10 { gate.signal() }
        sink.close(within: .seconds(10))
        #expect(await samples(metric, sink: sink) == ["\(metric) 3"])
        #expect(await samples(metric) == ["\(metric) 0"])
    }
}
