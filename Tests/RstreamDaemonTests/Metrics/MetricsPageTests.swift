// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Logging
import RstreamAdmin
import RstreamModel
import RstreamRelay
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("The page of metrics")
struct MetricsPageTests {
    private let store = StatusStore(notifier: ServiceNotifier())

    private static func tunnel(_ name: String, isEnabled: Bool = true) -> ConfiguredTunnel {
        ConfiguredTunnel(
            name: name,
            context: "main",
            forward: "127.0.0.1:8080",
            properties: TunnelProperties(),
            isEnabled: isEnabled,
            ledger: StreamLedger()
        )
    }

    private func configure(_ tunnels: ConfiguredTunnel...) {
        store.configure(files: [], tunnels: tunnels, contexts: ["main"], ledgers: tunnels.map(\.ledger))
    }

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

    @Test("says whether an upstream is reachable, as its tunnel's error does")
    func upstreams() async {
        let metric = "rstreamd_upstream_reachable"
        configure(Self.tunnel("web"), Self.tunnel("ssh"))
        #expect(await samples(metric) == [#"\#(metric){tunnel="web"} 1"#, #"\#(metric){tunnel="ssh"} 1"#])
        let error = RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .afterBackoff, what: "refused")
        store.reachabilityChanged(.tunnel("web"), error)
        #expect(await samples(metric) == [#"\#(metric){tunnel="web"} 0"#, #"\#(metric){tunnel="ssh"} 1"#])
        #expect(store.tunnelStatuses.map { $0.lastError != nil } == [true, false])
        store.reachabilityChanged(.tunnel("web"), nil)
        #expect(await samples(metric) == [#"\#(metric){tunnel="web"} 1"#, #"\#(metric){tunnel="ssh"} 1"#])
    }

    @Test("joins a tunnel, its context and the address in the status, and says which tunnels are wanted")
    func tunnels() async throws {
        configure(Self.tunnel("web"), Self.tunnel("off", isEnabled: false))
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
        configure(Self.tunnel("off", isEnabled: false))
        #expect(await samples(enabled) == [#"\#(enabled){tunnel="off"} 0"#, #"\#(enabled){tunnel="web"} 0"#])
        #expect(await samples("rstreamd_upstream_reachable{tunnel=\"web\"}").isEmpty)
    }

    @Test("has no label that an engine makes longer than an address can be")
    func bounds() async {
        configure(Self.tunnel("web"))
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
