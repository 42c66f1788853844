// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import Rstream
import RstreamAdmin
import RstreamConfig
import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("A session's canary", .serialized, .timeLimit(.hang))
struct CanaryTests {
    /// Longer than any test: attempts are made when they are asked for.
    private static let asked = CanarySettings(interval: .seconds(86_400))

    private func session(_ daemon: RunningDaemon) async throws -> SessionStatus {
        let sessions = try await daemon.admin.get("/v1/sessions", as: [SessionStatus].self)
        return try #require(sessions.first)
    }

    private func attempt(_ daemon: RunningDaemon) async throws -> CanaryReport {
        let answer = try await daemon.admin.call("POST", "/v1/sessions/main/canary")
        return try #require(try answer.decode([CanaryReport].self).first)
    }

    private func metrics(_ daemon: RunningDaemon) async throws -> String {
        try await daemon.admin.call("GET", "/metrics").body
    }

    private func events(_ daemon: RunningDaemon) -> [Event] {
        daemon.daemon.statusStore.events.read(from: EventRing.oldest).events.filter { $0.type.hasPrefix("canary.") }
    }

    /// Not those of the host, which may lack a group.
    private func warnings(_ daemon: RunningDaemon) -> [LogCapture.Line] {
        daemon.warnings.filter { $0.message.hasPrefix("canary") }
    }

    @Test("goes through the engine and comes back at each interval, by a private tunnel and none of the streams")
    func passes() async throws {
        try await AdminCallTests.withDaemon {
            $0.canary.interval = .milliseconds(20)
        } _: { engine, daemon in
            try await engine.engine.wait { $0.relaysTotal >= 3 }
            #expect(daemon.log.lines("canary failed").isEmpty)
            try await engine.engine.wait { $0.tunnels == 2 }
            let status = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
            #expect(status.isAsWanted && status.tunnels.map(\.name) == ["web"])
            #expect(status.streams == StreamCounts(active: 0, total: 0, failed: 0))
            let canary = try #require(status.sessions.first?.canary)
            #expect(canary.state == .passing && canary.failures == 0 && canary.lastError == nil)
            #expect(canary.at != nil && canary.durationSeconds.map { $0 > 0 } == true)
            let page = try await metrics(daemon)
            #expect(page.contains("rstreamd_canary_failing{context=\"main\"} 0\n"))
            #expect(page.contains("rstreamd_canary_attempts_total{context=\"main\",result=\"refused\"} 0\n"))
            #expect(!page.contains("rstreamd_canary_attempts_total{context=\"main\",result=\"passed\"} 0\n"))
            #expect(page.contains("rstreamd_canary_duration_seconds{context=\"main\"} "))
            #expect(events(daemon).isEmpty && warnings(daemon).isEmpty)

            try await daemon.reload { $0.canary.interval = nil }
            try await engine.engine.wait { $0.tunnels == 1 }
            #expect(try await session(daemon).canary == nil)
            #expect(!(try await metrics(daemon)).contains("rstreamd_canary_failing{"))
            try await daemon.reload { $0.canary.interval = .milliseconds(20) }
            try await engine.engine.wait { $0.tunnels == 2 }
        }
    }

    @Test("an engine that relays nothing is a warning after two failures, until one comes back")
    func fails() async throws {
        try await AdminCallTests.withDaemon {
            $0.canary = Self.asked
        } _: { engine, daemon in
            #expect(try await session(daemon).canary?.state == .waiting)
            #expect(try await attempt(daemon).outcome == .passed)
            let before = try await session(daemon)
            await engine.engine.setFaults([Fault(.proxyReset)])
            let first = try await attempt(daemon)
            #expect(first.outcome == .unavailable && first.durationSeconds == nil, "\(first)")
            #expect(try await session(daemon).canary?.state == .passing)
            #expect(events(daemon).isEmpty && warnings(daemon).isEmpty)
            #expect(try await attempt(daemon).outcome == .unavailable)
            let failing = try #require(try await session(daemon).canary)
            #expect(failing.state == .failing && failing.failures == 2)
            #expect(failing.lastError?.message.hasPrefix("the canary did not come back: ") == true)
            #expect(failing.lastError?.fix != nil)
            #expect(events(daemon).map(\.type) == ["canary.failing"])
            let event = try #require(events(daemon).first)
            #expect(event.context == "main" && event.error?.message == failing.lastError?.message)
            #expect(warnings(daemon).map(\.message) == ["canary fails, streams may not arrive"])
            #expect(warnings(daemon).first?.metadata["reason"] == "unavailable")
            let page = try await metrics(daemon)
            #expect(page.contains("rstreamd_canary_failing{context=\"main\"} 1\n"))
            #expect(page.contains("rstreamd_canary_attempts_total{context=\"main\",result=\"unavailable\"} 2\n"))
            let line = daemon.daemon.statusStore.read { $0 }.statusLine
            #expect(line.contains("main: the canary did not come back"))
            #expect(try await daemon.admin.call("GET", "/v1/health/ready").status == 200)

            await engine.engine.setFaults([])
            #expect(try await attempt(daemon).outcome == .passed)
            let after = try await session(daemon)
            #expect(after.canary?.state == .passing && after.canary?.lastError == nil)
            #expect(events(daemon).map(\.type) == ["canary.failing", "canary.passing"])
            #expect(daemon.log.lines("canary passes again").count == 1)
            #expect((try await metrics(daemon)).contains("rstreamd_canary_failing{context=\"main\"} 0\n"))
            #expect(after.clientId == before.clientId && after.since == before.since)
        }
    }

    @Test("a refusal is a reason of its own and a warning at once", arguments: [FaultName.streamError, .tunnelError])
    func refused(fault: FaultName) async throws {
        try await AdminCallTests.withDaemon {
            $0.canary = Self.asked
        } _: { engine, daemon in
            let error = EngineError(code: EngineErrorCode(rawValue: 5_000), message: "Not in your plan.")
            await engine.engine.setFaults([Fault(fault, value: .error(error))])
            let report = try await attempt(daemon)
            #expect(report.outcome == .refused)
            #expect(report.lastError?.message.contains("Not in your plan.") == true)
            #expect(report.lastError?.fix?.contains("remove canary from rstreamd.yaml") == true)
            #expect(try await session(daemon).canary?.state == .failing)
            #expect(warnings(daemon).map(\.message) == ["canary fails, streams may not arrive"])
        }
    }

    @Test("without the key one is sent when an operator asks, and its tunnel is closed; another context is unknown")
    func asked() async throws {
        try await AdminCallTests.withDaemon { engine, daemon in
            let report = try await attempt(daemon)
            #expect(report.outcome == .passed && report.context == "main" && report.lastError == nil)
            try await engine.engine.wait { $0.tunnels == 1 }
            #expect(try await session(daemon).canary == nil)
            #expect(try await daemon.admin.call("POST", "/v1/sessions/other/canary").status == 404)
        }
    }

    @Test("who is not this daemon's canary gets nothing from its tunnel, and does not pass for one")
    func strangers() async throws {
        try await AdminCallTests.withDaemon {
            $0.canary = Self.asked
        } _: { engine, daemon in
            #expect(try await attempt(daemon).outcome == .passed)
            let names = try await engine.engine.statistics().messages.compactMap { $0.properties?.name }
            let name = try #require(names.first { $0.hasPrefix("rstreamd-canary-") })
            let options = RstreamClientOptions(
                engine: engine.address,
                credential: .token(TestEngine.token),
                transport: TransportOptions(tls: TransportOptions.TLS(caFile: engine.caFile))
            )
            let stranger = try await RstreamClient(options).dial(name, zeroRTT: false)
            let received = try await stranger.withBytes { inbound, outbound in
                try await outbound.write(ByteBuffer(repeating: 7, count: 32))
                var count = 0
                for try await part in inbound { count += part.readableBytes }
                return count
            }
            #expect(received == 0)
            #expect(try await attempt(daemon).outcome == .passed)
        }
    }

    @Test("one that is under way ends with the daemon, at once")
    func stop() async throws {
        try await AdminCallTests.withDaemon {
            $0.canary.interval = .milliseconds(20)
        } _: { engine, daemon in
            await engine.engine.setFaults([Fault(.proxyStall)])
            try await engine.engine.wait { $0.waitingStreams > 0 }
            let start = ContinuousClock.now
            try await daemon.stop()
            #expect(start.duration(to: .now) < CanaryStateMachine.timeout)
        }
    }

    @Test("doctor --deep sends one for the tunnels that are online, or for the one that it is asked for")
    func doctor() async throws {
        try await AdminCallTests.withDaemon([.tcp("web"), .tcp("ssh")]) { engine, daemon in
            let admin = AdminClient(socket: daemon.admin.path)
            let status = try await admin.call(.status, as: DaemonStatus.self)
            func examine(_ tunnel: String? = nil) async -> [Finding] {
                var findings: [Finding] = []
                await CanaryExamination(admin, tunnel: tunnel).run(status) { findings.append($0) }
                return findings
            }
            let all = await examine()
            #expect(all.map(\.verdict) == [.ok] && all.first?.subject == "web and 1 more", "\(all)")
            #expect(all.first?.detail.hasPrefix("a stream went through the engine and came back in ") == true)
            let one = await examine("ssh")
            #expect(one.map(\.verdict) == [.ok] && one.first?.subject == "ssh")
            let unknown = await examine("shs")
            #expect(unknown.map(\.verdict) == [.fail] && unknown.first?.fix == "did you mean \"ssh\"?", "\(unknown)")
            await engine.engine.setFaults([Fault(.proxyReset)])
            let failed = await examine()
            #expect(failed.map(\.verdict) == [.fail] && failed.first?.fix != nil)
            let offline = CanaryReport(session: "1", context: "main", outcome: .offline)
            #expect(CanaryExamination.finding(offline, "web").verdict == .skip)
        }
    }

    @Test("the admin API has a word for every outcome")
    func words() {
        let words = CanaryReport.Outcome.allCases.map(\.rawValue)
        #expect(words == CanaryOutcome.results + ["offline"])
    }
}
