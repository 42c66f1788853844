// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Linux
import Logging
import RstreamAdmin
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("An outage of an engine", .serialized, .timeLimit(.hang))
struct OutageTests {
    private static let specs = [TunnelSpec.tcp("port"), .http("name"), TunnelSpec(name: "private", publish: false)]

    /// What an engine does to a daemon that comes back.
    enum Return: CaseIterable {
        case takes
        /// For a while, and for several reasons.
        case refuses
        /// It holds the tunnels' addresses for the session before.
        case holds

        var faults: [Fault] {
            switch self {
            case .takes: []
            case .refuses:
                [
                    Fault(.openError, value: .error(EngineError(code: .unauthorized, message: "no")), count: 2),
                    Fault(.openEmpty, count: 2), Fault(.closeOnOpen, count: 2),
                ]
            case .holds:
                [
                    Fault(
                        .tunnelError,
                        value: .error(EngineError(code: .resourceConflict, message: "it is in use")),
                        count: 4
                    )
                ]
            }
        }
    }

    /// The log without details.
    private static func story(_ log: LogCapture, from mark: Int) -> [String] {
        log.lines.value.dropFirst(mark).filter { $0.level >= .notice }.map { "\($0.level) \($0.message)" }
    }

    private static let whole = ["warning \(RunningDaemon.outage)", "notice \(RunningDaemon.recovery)"]

    @Test(
        "has one line when it begins and one when it is over, however the engine comes back",
        arguments: Return.allCases
    )
    func story(of engineReturn: Return) async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(.echo) { server in
                try await RunningDaemon.with(engine.configuration(Self.specs, to: server.port)) { daemon in
                    try await daemon.waitForTunnels(Self.specs.count)
                    let mark = daemon.log.lines.value.count
                    await engine.engine.setFaults(engineReturn.faults)
                    await engine.engine.dropControlChannels()
                    try await daemon.waitForTunnels(2 * Self.specs.count)
                    try await daemon.log.wait(for: RunningDaemon.recovery)
                    #expect(Self.story(daemon.log, from: mark) == Self.whole, "\(daemon.log.lines.value)")
                    let begin = try #require(daemon.log.lines(RunningDaemon.outage).first)
                    #expect(begin.metadata["retry_in"]?.isEmpty == false, "\(begin)")
                    let end = try #require(daemon.log.lines(RunningDaemon.recovery).first)
                    #expect(end.metadata["attempts"].flatMap { Int($0) } ?? 0 > 0 && end.metadata["duration"] != nil)
                    // The address that the engine still holds is logged, but not as a warning.
                    let held = daemon.log.lines(RunningDaemon.tunnelFailed).map(\.level)
                    #expect(held.filter { $0 != .debug } == (engineReturn == .holds ? [.info] : []))
                }
            }
        }
    }

    @Test("has no more lines where the engine's address is unused meanwhile")
    func gone() async throws {
        try await TemporaryFolder.with { folder in
            // No other test uses this loopback address, so no process takes the port while the engine is gone.
            let host = "127.7.7.9"
            let lent = try await TestEngine.with(.with { $0.listenHost = host }, in: folder) { $0 }
            let specs = Array(Self.specs.dropFirst())
            try await RunningDaemon.with(lent.configuration(specs, to: 9)) { daemon in
                for round in 1...3 {
                    try await daemon.log.wait(for: RunningDaemon.outage, count: round)
                    try await TestEngine.with(
                        .with { ($0.listenHost, $0.listenPort) = (host, lent.address.port) },
                        in: folder
                    ) { _ in
                        try await daemon.waitForTunnels(round * specs.count)
                        try await daemon.log.wait(for: RunningDaemon.recovery, count: round)
                    }
                }
                try await daemon.log.wait(for: RunningDaemon.outage, count: 4)
                let story = Self.story(daemon.log, from: 0)
                #expect(story == [Self.whole, Self.whole, Self.whole].flatMap { $0 } + Self.whole.prefix(1))
            }
        }
    }

    /// What the engine refuses for good.
    enum Refusal: CaseIterable {
        case session
        case tunnel
    }

    @Test(
        "that is a refusal has the time of the next attempt in the log and in the status",
        arguments: Refusal.allCases
    )
    func refusal(of refused: Refusal) async throws {
        let error = Fault.Value.error(EngineError(code: .unauthorized, message: "no"))
        let fault = refused == .session ? Fault(.openError, value: error) : Fault(.tunnelError, value: error)
        let rejected = Duration.seconds(3_600)
        try await TestEngine.with(.with { $0.faults = [fault] }) { engine in
            let configuration = engine.configuration([.tcp("web")], to: 9, rejected: rejected)
            let start = UTCTime.now
            try await RunningDaemon.withAdmin(configuration) { daemon in
                @Sendable func nextAttemptAt() async throws -> UTCTime? {
                    switch refused {
                    case .session:
                        try await daemon.admin.get("/v1/sessions", as: [SessionStatus].self).first?.nextAttemptAt
                    case .tunnel: try await daemon.admin.get("/v1/tunnels/web", as: TunnelStatus.self).nextAttemptAt
                    }
                }
                let message = refused == .session ? RunningDaemon.outage : RunningDaemon.tunnelFailed
                let line = try #require(try await daemon.log.wait(for: message).first)
                #expect(line.level == .warning)
                #expect(line.metadata["retry_in"] == "\(rejected)")
                // The line comes before the status.
                try await within("the status") {
                    while try await nextAttemptAt() == nil { try await Task.sleep(for: .milliseconds(5)) }
                }
                let next = try #require(try await nextAttemptAt())
                let wait = start.duration(to: next)
                #expect(wait >= rejected && wait <= rejected + start.duration(to: .now))
                await engine.engine.setFaults([])
                #expect(try await daemon.admin.call("POST", "/v1/sessions/main/reconnect").status == 202)
                try await daemon.waitForTunnels()
                #expect(try await nextAttemptAt() == nil)
            }
        }
    }
}
