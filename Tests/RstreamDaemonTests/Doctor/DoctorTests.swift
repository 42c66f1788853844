// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import FoundationEssentials
import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The doctor", .serialized, .timeLimit(.hang))
struct DoctorTests {
    /// What is found for a configuration with this `context`, and one tunnel to `upstream`.
    private func examine(
        context: String,
        upstream: String = "127.0.0.1:1",
        in folder: TemporaryFolder,
        environment: [String: String] = [:]
    ) async throws -> (findings: [Finding], isHealthy: Bool) {
        let file = folder.path(of: "rstreamd.yaml")
        let text = """
            version: 1
            contexts: { main: \(context) }
            context: main
            admin: { socket: "\(folder.path(of: "admin.sock"))" }
            tunnels:
              - { name: web, forward: "\(upstream)", tunnel: {} }
              - { name: off, enabled: false, forward: "127.0.0.1:2", tunnel: {} }
            """
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        let daemon = AdminClient(socket: folder.path(of: "admin.sock"))
        var findings: [Finding] = []
        let isHealthy = await Doctor(file: file, environment: environment, daemon: daemon).examine {
            findings.append($0)
        }
        return (findings, isHealthy)
    }

    private func context(_ engine: TestEngine, token: String = "test-token") -> String {
        "{ engine: \"\(engine.address)\", token: \(token), transport: { tls: { caFile: \"\(engine.caFile)\" } } }"
    }

    private func verdicts(_ findings: [Finding]) -> [String] { findings.map { "\($0.check) \($0.verdict.rawValue)" } }

    @Test("finds nothing wrong with an engine that is there, step by step, and sees the upstream that is missing")
    func healthy() async throws {
        try await TestEngine.with { engine in
            try await TemporaryFolder.with { folder in
                let found = try await examine(context: context(engine), in: folder)
                #expect(
                    verdicts(found.findings).filter { !$0.hasPrefix("clock") && !$0.hasPrefix("limits") } == [
                        "config ok", "credentials ok", "engine ok", "proxy skip", "tcp ok", "tls ok", "tls ok",
                        "alpn ok",
                        "engine ok", "daemon warn", "tunnels skip", "admin ok", "upstreams fail",
                    ]
                )
                #expect(!found.isHealthy)
                let upstream = try #require(found.findings.first { $0.check == "upstreams" })
                #expect(upstream.subject == "web")
                #expect(upstream.detail.contains("127.0.0.1:1"))
                // The engine has seen one control channel that came and went.
                try await engine.waitUntilDeserted()
            }
        }
    }

    @Test("sees an upstream that takes connections")
    func upstream() async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(at: .tcp) { server in
                try await TemporaryFolder.with { folder in
                    let upstream = "127.0.0.1:\(server.port)"
                    let found = try await examine(context: context(engine), upstream: upstream, in: folder)
                    #expect(verdicts(found.findings).contains("upstreams ok"))
                    #expect(found.isHealthy)
                }
            }
        }
    }

    @Test("stops at the step that fails, with the engine's error and what to do")
    func failures() async throws {
        try await TestEngine.with { engine in
            try await TemporaryFolder.with { folder in
                let wrong = try await examine(context: context(engine, token: "nonsense-token"), in: folder)
                let refused = try #require(wrong.findings.first { $0.verdict == .fail })
                #expect(refused.check == "engine")
                #expect(!"\(wrong.findings)".contains("nonsense-token"))

                let strange = "{ engine: \"\(engine.address)\", token: x }"
                let untrusted = try await examine(context: strange, in: folder)
                let shown = untrusted.findings.filter { $0.check == "tls" }.map(\.verdict)
                #expect(shown == [.ok, .fail], "the certificate is shown before it is judged")

                let closed = try await examine(context: "{ engine: \"127.0.0.1:1\", token: x }", in: folder)
                #expect(closed.findings.first { $0.verdict == .fail }?.check == "tcp")

                let unknown = try await examine(context: "{ engine: \"none.invalid:443\", token: x }", in: folder)
                #expect(unknown.findings.first { $0.verdict == .fail }?.check == "dns")

                let missing = folder.path(of: "missing")
                let credential = "{ engine: \"\(engine.address)\", tokenFile: \"\(missing)\" }"
                let lost = try await examine(context: credential, in: folder)
                #expect(lost.findings.first { $0.verdict == .fail }?.check == "credentials")
            }
        }
    }

    @Test("says when a client certificate ends, and that one has ended")
    func clientCertificate() async throws {
        try await TemporaryFolder.with { folder in
            let context = "{ engine: \"127.0.0.1:1\", mtls: { certificateFile: c.pem, keyFile: k.pem } }"
            let name = "the client certificate \(folder.path(of: "c.pem"))"
            for (certificate, key, verdict, detail) in [
                (
                    ClientCertificate.endedCertificate, ClientCertificate.endedKey, Finding.Verdict.fail,
                    "\(name), which expired at 2021-01-01T00:00:00.000Z"
                ),
                (
                    ClientCertificate.certificate, ClientCertificate.key, .ok,
                    "\(name), good until 2120-01-01T00:00:00.000Z"
                ),
            ] {
                try folder.write(certificate, to: "c.pem")
                try folder.write(key, to: "k.pem")
                let found = try await examine(context: context, in: folder)
                let credentials = try #require(found.findings.first { $0.check == "credentials" })
                #expect(credentials.verdict == verdict && credentials.detail == detail, "\(credentials)")
                #expect((credentials.fix == "replace it") == (verdict == .fail))
            }
        }
    }

    @Test("names the mistakes of a configuration and goes on with what needs none")
    func mistakes() async throws {
        try await TemporaryFolder.with { folder in
            let found = try await examine(context: "{ engine: \"a:1\", token: x, nonsense: 1 }", in: folder)
            let first = try #require(found.findings.first)
            #expect(first.check == "config" && first.verdict == .fail)
            #expect(first.subject?.hasSuffix("rstreamd.yaml:2:46") == true, "\(first)")
            #expect(verdicts(found.findings).contains("engine skip"))
            #expect(found.findings.contains { $0.check == "clock" })
        }
    }
}
