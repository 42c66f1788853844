// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import FoundationEssentials
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The expiry of a token", .serialized, .timeLimit(.hang))
struct TokenTests {
    /// A token with an expiry; only the engine checks its signature.
    private func token(endingIn seconds: TimeInterval) -> Secret {
        let end = Int64(Date().timeIntervalSince1970 + seconds)
        func part(_ text: String) -> String {
            Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
        }
        return Secret("\(part(#"{"alg":"HS256"}"#)).\(part(#"{"exp":\#(end)}"#)).signature")
    }

    private func withToken(endingIn seconds: TimeInterval, _ body: (RunningDaemon) async throws -> Void) async throws {
        try await TestEngine.with { engine in
            let context = engine.context(credential: .token(token(endingIn: seconds)))
            let configuration = engine.configuration([.tcp("web")], to: 9, context: context, rejected: .seconds(3_600))
            try await RunningDaemon.with(configuration) { daemon in
                try await daemon.log.wait(for: RunningDaemon.outage)
                try await body(daemon)
            }
        }
    }

    @Test("is warned of a day before, once")
    func soon() async throws {
        try await withToken(endingIn: 3_600) { daemon in
            try await daemon.log.wait(for: "token expires within a day")
            // Every reload reads it again.
            try await daemon.reload()
            try await daemon.reload()
            let lines = daemon.log.lines("token expires within a day")
            #expect(lines.count == 1)
            #expect(lines.first?.metadata["end"]?.hasSuffix("Z") == true)
        }
    }

    @Test("the daemon does not dial with an expired one, and logs it")
    func over() async throws {
        try await withToken(endingIn: -60) { daemon in
            try await daemon.log.wait(for: "token expired, the next connect will fail")
            let outage = try #require(daemon.log.lines(RunningDaemon.outage).first)
            #expect(outage.metadata["error_code"] == "ERR_RSTREAM_TOKEN_EXPIRED")
            #expect(daemon.warnings.map(\.message) == [RunningDaemon.outage], "one trouble is one warning")
        }
    }

    @Test("a token that the engine refuses is logged with its fix, a restart for a systemd credential")
    func refused() async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write("wrong", to: "token")
            let cases: [(ConfiguredCredential, String)] = [
                (.token(Secret("wrong")), "rstreamctl reload"), (.tokenFile(path: path), "tried at once"),
                (.tokenCredential(path: path), "systemctl restart rstreamd"),
            ]
            for (credential, fix) in cases {
                try await TestEngine.with { engine in
                    let context = engine.context(credential: credential)
                    let configuration = engine.configuration(
                        [.tcp("web")],
                        to: 9,
                        context: context,
                        rejected: .seconds(3_600)
                    )
                    try await RunningDaemon.with(configuration) { daemon in
                        let outage = try await daemon.log.wait(for: RunningDaemon.outage).first
                        #expect(outage?.metadata["fix"]?.contains(fix) == true, "\(outage?.metadata ?? [:])")
                    }
                }
            }
        }
    }

    @Test("a token file that appears while the session waits for its next attempt is used at once")
    func appears() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                let context = engine.context(credential: .tokenFile(path: folder.path(of: "token")))
                var configuration = engine.configuration([.tcp("web")], to: 9, context: context)
                let long = Duration.seconds(86_400 * 30)
                configuration.reconnect = ReconnectSettings(minimum: long, maximum: long, rejected: long)
                try await RunningDaemon.with(configuration) { daemon in
                    try await daemon.log.wait(for: RunningDaemon.outage)
                    try folder.write("test-token", to: "token")
                    try await daemon.waitForTunnels()
                    // The one that is online keeps its session, whatever the file says.
                    try folder.write("another", to: "token")
                    try await daemon.reload()
                    let isOnline = try await engine.engine.wait { $0.tunnels == 1 }
                    #expect(isOnline.controlConnectsTotal == 1)
                }
            }
        }
    }

    @Test("is not logged while it is far away")
    func later() async throws {
        try await withToken(endingIn: 3 * 86_400) { daemon in
            try await daemon.reload()
            #expect(!daemon.log.lines.value.contains { $0.message.hasPrefix("token ") })
        }
    }
}
