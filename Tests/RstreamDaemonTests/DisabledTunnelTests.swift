// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import RstreamAdmin
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Tunnels that an operator has closed", .serialized, .timeLimit(.hang))
struct DisabledTunnelTests {
    private static let untilEnabled = #"{"untilEnabled":true}"#

    private static func tunnel(_ daemon: RunningDaemon, _ name: String = "web") async throws -> TunnelStatus {
        try await daemon.admin.get("/v1/tunnels/\(name)", as: TunnelStatus.self)
    }

    @Test("stay closed across reloads with untilEnabled, and say so", arguments: ["disable", "drain"])
    func untilEnabled(action: String) async throws {
        try await AdminCallTests.withDaemon { engine, daemon in
            let path = "/v1/tunnels/web/\(action)"
            let accepted: Accepted = try await daemon.admin.call("POST", path, Self.untilEnabled).decode()
            #expect(accepted.until == .enabled && accepted.action == action)
            try await engine.engine.wait { $0.tunnels == 0 }
            try await daemon.reload()
            try await daemon.reload { $0.tunnels[0].streamLimit = 5 }
            let tunnel = try await Self.tunnel(daemon)
            #expect(tunnel.state == .disabled && tunnel.disabledUntil == .enabled)
            // What lasts longer is not shortened by the other way to say it.
            let again: Accepted = try await daemon.admin.call("POST", path).decode()
            #expect(again.until == .enabled)
            #expect(try await daemon.admin.call("GET", "/v1/health/ready").status == 200)
            let enabled: Accepted = try await daemon.admin.call("POST", "/v1/tunnels/web/enable").decode()
            #expect(enabled.until == nil)
            try await daemon.waitForTunnels(2)
            #expect(try await Self.tunnel(daemon).disabledUntil == nil)
        }
    }

    @Test("open again with a reload otherwise, and say so until then")
    func untilReload() async throws {
        try await AdminCallTests.withDaemon { _, daemon in
            let accepted: Accepted = try await daemon.admin.call("POST", "/v1/tunnels/web/disable").decode()
            #expect(accepted.until == .reload)
            #expect(try await Self.tunnel(daemon).disabledUntil == .reload)
            try await daemon.reload()
            try await daemon.waitForTunnels(2)
            #expect(try await Self.tunnel(daemon).disabledUntil == nil)
        }
    }

    @Test("are all of them, without those that the files disable, in a change of all")
    func all() async throws {
        try await AdminCallTests.withDaemon([.tcp("web"), .tcp("api"), .tcp("off")]) { engine, daemon in
            try await daemon.reload { $0.tunnels[2].isEnabled = false }
            try await engine.engine.wait { $0.tunnels == 2 }
            let drained: [Accepted] = try await daemon.admin.call("POST", "/v1/drain").decode()
            #expect(drained.map(\.target) == ["web", "api"] && drained.allSatisfy { $0.until == .reload })
            try await engine.engine.wait { $0.tunnels == 0 }
            #expect(try await daemon.admin.call("POST", "/v1/enable", Self.untilEnabled).status == 400)
            let enabled: [Accepted] = try await daemon.admin.call("POST", "/v1/enable").decode()
            #expect(enabled.map(\.target) == ["web", "api"])
            try await engine.engine.wait { $0.tunnels == 2 }
            let off = try await Self.tunnel(daemon, "off")
            #expect(off.state == .disabled && off.disabledUntil == nil)
            let nothing: [Accepted] = try await daemon.admin.call("POST", "/v1/enable").decode()
            #expect(nothing.isEmpty)
            // One by its name is opened all the same, until the next reload.
            let opened: Accepted = try await daemon.admin.call("POST", "/v1/tunnels/off/enable").decode()
            #expect(opened.until == .reload)
            try await engine.engine.wait { $0.tunnels == 3 }
        }
    }

    @Test("stay closed in the next process")
    func restart() async throws {
        try await TestEngine.with { engine in
            let configuration = engine.configuration([.tcp("web")], to: 9)
            try await TemporaryFolder.with { folder in
                let log = LogCapture()
                let store = DisabledStore(directory: folder.path, logger: log.logger)
                store.set(["web"], isDisabled: true)
                await store.waitUntilWritten(within: testTimeout)
                let running = RunningConfiguration.holding(
                    configuration,
                    DisabledStore(directory: folder.path, logger: log.logger).names
                )
                #expect(running.tunnels.map(\.isEnabled) == [false])
                #expect(configuration.tunnels.map(\.isEnabled) == [true])
            }
        }
    }
}
