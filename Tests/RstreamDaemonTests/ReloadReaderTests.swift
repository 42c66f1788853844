// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamAdmin
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The readers of a reload's diagnostics")
struct ReloadReaderTests {
    private static let secret = "eyJhbGciOiJIUzI1NiJ9"

    /// What comes of a reload with this as the only tunnel file, or as what a link there leads to.
    private static func outcome(_ text: String, isLink: Bool, mode: Int = 0o640) async throws -> ReloadOutcome {
        try await TemporaryFolder.with { folder in
            try folder.makeFolder("tunnels.d")
            let path = try folder.write("version: 1\n", to: "rstreamd.yaml")
            if isLink {
                try folder.write(text, to: "TOKEN", mode: mode)
                #expect(symlink("../TOKEN", folder.path(of: "tunnels.d/x.yaml")) == 0)
            } else {
                try folder.write(text, to: "tunnels.d/x.yaml", mode: mode)
            }
            do throws(ConfigurationError) {
                return .unchanged(try ConfigurationLoader(environment: [:]).load(path).warnings)
            } catch {
                return .refused(error.diagnostics)
            }
        }
    }

    private static func text(_ outcome: ReloadOutcome, for reader: ReloadReader) throws -> String {
        let reply = ReloadReply(outcome, dryRun: true, for: reader)
        #expect(reply.outcome == .refused)
        return String(decoding: try AdminJSON.encode(reply), as: UTF8.self)
    }

    private static func peer(user: UInt32, group: UInt32) -> ReloadReader {
        .peer(Peer(process: 1, user: user, group: group))
    }

    @Test("no reader sees the target of a link that leaves its folder", arguments: ["", ": 1", ": [", "\tx"])
    func link(end: String) async throws {
        let outcome = try await Self.outcome(Self.secret + end + "\n", isLink: true)
        for reader in [ReloadReader.anyone, Self.peer(user: 0, group: 0), Self.peer(user: 4_242, group: 4_242)] {
            #expect(try !Self.text(outcome, for: reader).contains(Self.secret))
        }
        #expect(!outcome.logMessage.contains(Self.secret))
        guard case .refused(let diagnostics) = outcome else { return }
        #expect(!"\(diagnostics)".contains(Self.secret))
        #expect(diagnostics.contains { $0.line > 0 })
    }

    @Test("users who may read a file see its line, others only its place")
    func file() async throws {
        let text = "version: 1\n\(Self.secret): 1\ntunnels: []\n"
        let outcome = try await Self.outcome(text, isLink: false)
        func isTold(_ reader: ReloadReader) throws -> Bool { try Self.text(outcome, for: reader).contains(Self.secret) }
        #expect(try isTold(Self.peer(user: 0, group: 0)))
        #expect(try isTold(Self.peer(user: geteuid(), group: 4_242)))
        #expect(try isTold(Self.peer(user: 4_242, group: getegid())))
        #expect(try !isTold(Self.peer(user: 4_242, group: 4_242)))
        #expect(try !isTold(.peer(.unknown)))
        // The outcome that is kept for later requests.
        #expect(try !isTold(.anyone))
        #expect(!outcome.message.contains(Self.secret))
        #expect(outcome.message.hasSuffix("tunnels.d/x.yaml:2: unknown key \"…\""))
        // The log quotes files that have passed the check.
        #expect(outcome.logMessage.contains(Self.secret))
    }

    @Test("a file that others may write is not read")
    func open() async throws {
        let outcome = try await Self.outcome("\(Self.secret): 1\n", isLink: false, mode: 0o666)
        #expect(try !Self.text(outcome, for: Self.peer(user: 0, group: 0)).contains(Self.secret))
        #expect(outcome.logMessage.hasSuffix("x.yaml: is writable by all users of this host"))
    }
}
