// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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

    @Test("is not logged while it is far away")
    func later() async throws {
        try await withToken(endingIn: 3 * 86_400) { daemon in
            try await daemon.reload()
            #expect(!daemon.log.lines.value.contains { $0.message.hasPrefix("token ") })
        }
    }
}
