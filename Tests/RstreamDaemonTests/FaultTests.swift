// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import NIOCore
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The daemon and a misbehaving engine", .serialized, .timeLimit(.hang))
struct FaultTests {
    /// What one misbehaviour does to a daemon.
    enum Effect: Sendable {
        /// Nothing.
        case none
        /// The session is lost, and the line about it says this.
        case outage(String)
        /// The tunnel is not online, and the line about it says this.
        case tunnel(String)
        /// A visitor is not served, or is.
        case stream
        /// A visitor makes the session be lost, and the line about it says this.
        case outageByVisitor(String)
    }

    static func effect(of fault: FaultName) -> Effect {
        switch fault {
        case .noALPN, .livenessMissing, .ackDelay, .ackSkip, .legacyHeartbeat, .unknownKind, .emptyFrame,
            .serverMessage, .unexpectedKind, .tunnelDuplicateID, .tunnelUnknownRequest, .tunnelLate,
            .tunnelAnswerTwice, .tunnelCloseSilence, .streamError, .streamWrongMessage, .streamEmpty:
            .none
        case .notTLS: .outage("the server does not speak TLS")
        case .openError: .outage("the engine refused the control channel: engine error 6000")
        case .openEmpty, .openWrongMessage: .outage("expected OpenControlChannelRsp")
        case .openSilence: .outage("did not answer the opening request within \(longestStall.secondsText)")
        case .closeOnOpen, .dropControl: .outage("the connection was closed")
        case .livenessInterval: .outage("a heartbeat interval of 1000 ms was requested")
        case .livenessTimeout: .outage("a liveness timeout of 1 ms")
        case .ackZero, .ackFuture, .ackReplay: .outage("was acknowledged")
        case .ackSequence: .outage("with sequence 1")
        case .silence: .outage("the engine has been silent")
        case .stallReads: .tunnel("did not answer the tunnel request within \(longestStall.secondsText)")
        case .oversizedFrame: .outage("65536")
        case .garbageFrame: .outage("the engine broke the protocol")
        case .closeChannelResponse: .outage("the engine closed the control channel")
        case .tunnelError: .tunnel("the engine refused the tunnel: engine error 6000")
        case .tunnelEmpty: .tunnel("an empty answer")
        case .tunnelNoID: .tunnel("no tunnel id")
        case .tunnelLongTexts: .tunnel("name is longer than 255 bytes")
        case .tunnelSilence: .tunnel("did not answer the tunnel request within \(longestStall.secondsText)")
        case .closeTunnel: .tunnel("the engine ended the tunnel")
        case .redirect, .redirectNoSecret, .redirectMalformed, .noSecret, .unknownTunnelID, .duplicateStreamID,
            .noSource, .proxyResponseError, .proxyWrongMessage, .proxyReset, .proxyStall, .payloadReset:
            .stream
        case .emptyStreamID: .outageByVisitor("received a stream request without an id")
        case .marksStreamID: .outageByVisitor("stream_id is longer than 128 bytes")
        }
    }

    /// The misbehaviour, for the first session only.
    static func once(_ name: FaultName) -> [Fault] {
        switch name {
        case .silence: [fault(name), Fault(.livenessTimeout, value: .number(2_000), count: 1)]
        // Takes longer to be seen than that the tunnel is not answered.
        case .stallReads:
            [fault(name), Fault(.livenessTimeout, value: .number(Int(longestStall / .milliseconds(1)) * 2), count: 1)]
        default: [fault(name)]
        }
    }

    private static func fault(_ name: FaultName) -> Fault {
        let value: Fault.Value =
            switch name.definition.argument {
            case .none: .none
            case .milliseconds: .number(name == .livenessInterval ? 7_000 : 1)
            case .count: .number(2)
            case .bytes: .number(1)
            case .error: .error(EngineError(code: .serviceUnavailable, message: "injected"))
            }
        return Fault(name, value: value, count: 1)
    }

    /// How long the daemon waits for an answer; short only where none comes, because a busy machine is slow.
    static func timeout(with fault: FaultName) -> Duration {
        switch fault {
        case .openSilence, .tunnelSilence, .stallReads: longestStall
        default: testTimeout
        }
    }

    @Test("keeps running, logs the fault once, and serves when it is over", arguments: FaultName.allCases)
    func fault(name: FaultName) async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(.echo) { server in
                await engine.engine.setFaults(Self.once(name))
                let configuration = engine.configuration([.tcp("web")], to: server.port)
                try await RunningDaemon.with(configuration, answer: Self.timeout(with: name)) { daemon in
                    switch Self.effect(of: name) {
                    case .none:
                        try await daemon.waitForTunnels()
                        #expect(daemon.warnings.isEmpty)
                    case .outage(let words):
                        try await expect(words, in: RunningDaemon.outage, of: daemon)
                        try await daemon.log.wait(for: RunningDaemon.recovery)
                    case .tunnel(let words):
                        try await expect(words, in: RunningDaemon.tunnelFailed, of: daemon)
                    case .stream:
                        try await visitOnce(daemon, engine)
                        #expect(daemon.warnings.isEmpty)
                    case .outageByVisitor(let words):
                        try await visitOnce(daemon, engine)
                        try await expect(words, in: RunningDaemon.outage, of: daemon)
                        try await daemon.log.wait(for: RunningDaemon.recovery)
                    }
                    try await expectService(daemon)
                    // An engine that does not read fails the tunnel that was asked for before it fails the session.
                    let limit = name == .silence || name == .stallReads ? 2 : 1
                    #expect(daemon.warnings.count <= limit, "\(daemon.warnings)")
                }
            }
        }
    }

    private func expect(_ words: String, in message: String, of daemon: RunningDaemon) async throws {
        let line = try #require(try await daemon.log.wait(for: message).first)
        #expect(line.level == .warning)
        #expect(line.metadata["error"]?.contains(words) == true, "\(line)")
    }

    /// A visitor comes while the misbehaviour is in force; what becomes of it does not matter.
    private func visitOnce(_ daemon: RunningDaemon, _ engine: TestEngine) async throws {
        let port = try #require(try await daemon.waitForTunnels().last?.port)
        let connects = try await engine.engine.statistics().controlConnectsTotal
        let visitor = try await TestConnection.connect(toPort: port)
        try await visitor.send("hello")
        // Whatever goes wrong goes wrong when the agent's answer is known, or when its channel is gone.
        try await engine.engine.wait { statistics in
            statistics.messages.contains { $0.kind == "ProxyConnRsp" } || statistics.clients == 0
                || statistics.controlConnectsTotal > connects
        }
        await visitor.reset()
    }

    /// Waits until a visitor is served. A tunnel that is online may be lost right after that line was written.
    private func expectService(_ daemon: RunningDaemon) async throws {
        for count in 1...5 {
            let port = try await daemon.waitForTunnels(count).last?.port
            if (try? await expectEcho(atPort: port)) != nil { return }
        }
        Issue.record("no visitor was served")
    }
}
