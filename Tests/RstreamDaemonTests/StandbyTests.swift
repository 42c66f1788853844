// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Two daemons with one name", .serialized, .timeLimit(.hang))
struct StandbyTests {
    @Test("the second one is on standby: quiet and ready, and it takes over when the first one stops")
    func standby() async throws {
        try await TestEngine.with { engine in
            let spec = TunnelSpec(name: "web", protocol: .http, hostname: "web.t.localhost")
            let configuration = engine.configuration([spec, .tcp("other")], to: 9)
            try await RunningDaemon.with(engine.configuration([spec], to: 9)) { first in
                try await first.waitForTunnels()
                try await RunningDaemon.withAdmin(configuration) { second in
                    let line = try #require(try await second.log.wait(for: "tunnel on standby").first)
                    #expect(line.level == .notice && line.metadata["tunnel"] == "web")
                    let events = try await second.admin.events()
                    // It asks again and again, and says so once.
                    try await second.log.wait(for: "opening tunnel", count: 6)
                    #expect(second.log.lines("tunnel on standby").count == 1)
                    #expect(second.log.lines(RunningDaemon.tunnelFailed).isEmpty)
                    let tunnel = try await second.admin.get("/v1/tunnels/web", as: TunnelStatus.self)
                    #expect(tunnel.state == .standby && tunnel.lastError == nil)
                    let ready = try await second.admin.call("GET", "/v1/health/ready")
                    #expect(ready.status == 200, "\(ready)")
                    let status = try await second.admin.get("/v1/status", as: DaemonStatus.self)
                    #expect(status.isAsWanted && status.standbyTunnels == 1)
                    let page = try await second.admin.call("GET", "/metrics").body
                    #expect(page.contains("rstreamd_tunnel_standby{tunnel=\"web\"} 1\n"))
                    #expect(page.contains("rstreamd_tunnel_standby{tunnel=\"other\"} 0\n"))
                    try await first.stop()
                    let end = try #require(try await second.log.wait(for: "tunnel took over").first)
                    #expect(
                        end.level == .notice && end.metadata["address"]?.description.contains("web.t.localhost") == true
                    )
                    try await events.wait(for: "tunnel.online", "web")
                    #expect(second.log.lines("tunnel took over").count == 1)
                }
            }
        }
    }

    @Test("a session whose only tunnel is on standby has no outage that goes on")
    func recovery() async throws {
        try await TestEngine.with { engine in
            let spec = TunnelSpec(name: "web", protocol: .http, hostname: "web.t.localhost")
            let configuration = engine.configuration([spec], to: 9)
            try await RunningDaemon.with(configuration) { first in
                try await first.waitForTunnels()
                try await RunningDaemon.with(configuration) { second in
                    try await second.log.wait(for: "tunnel on standby")
                    await engine.engine.dropControlChannels()
                    // It has the name now, or is on standby for it again. The first one, if it lost the name, asks for a
                    // while as one whose own lost session may still hold it.
                    try await second.log.wait(for: RunningDaemon.recovery)
                }
            }
        }
    }
}
