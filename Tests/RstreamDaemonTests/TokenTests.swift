import FoundationEssentials
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The daemon and a token's end", .serialized, .timeLimit(.hang))
struct TokenTests {
    /// A token that says when it ends; nobody but the engine would ask who signed it.
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

    @Test("warns a day before, once")
    func soon() async throws {
        try await withToken(endingIn: 3_600) { daemon in
            try await daemon.log.wait(for: "the token ends within a day")
            // Every reload looks again.
            try await daemon.reload()
            try await daemon.reload()
            let lines = daemon.log.lines("the token ends within a day")
            #expect(lines.count == 1)
            #expect(lines.first?.metadata["end"]?.hasSuffix("Z") == true)
        }
    }

    @Test("does not dial with one that has ended, and says so")
    func over() async throws {
        try await withToken(endingIn: -60) { daemon in
            try await daemon.log.wait(for: "the token has ended, the next connect will fail")
            let outage = try #require(daemon.log.lines(RunningDaemon.outage).first)
            #expect(outage.metadata["error_code"] == "ERR_RSTREAM_TOKEN_EXPIRED")
            #expect(daemon.warnings.map(\.message) == [RunningDaemon.outage], "one trouble is one warning")
        }
    }

    @Test("says of one that the engine refuses what mends it, which is a restart where systemd hands it over")
    func refused() async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write("wrong", to: "token")
            let cases: [(Credential, String)] = [
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

    @Test("has nothing to say about one that lasts")
    func later() async throws {
        try await withToken(endingIn: 3 * 86_400) { daemon in
            try await daemon.reload()
            #expect(!daemon.log.lines.value.contains { $0.message.hasPrefix("the token") })
        }
    }
}
