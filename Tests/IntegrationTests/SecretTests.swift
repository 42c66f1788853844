// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct SecretTests {
        private static let secret = "Zq81-neverseen-Kw"

        /// What may be written in place of `token: …`, all of it wrong.
        private static let mistakes = [
            "tokn: \(secret)",
            "Token: \(secret)",
            "token: [\(secret)]",
            "token: { \(secret): 1 }",
            "token: \"\(secret)",
            "token: '\(secret)",
            "token: \(secret): 1",
            "token: *\(secret)",
            "token: !\(secret) 1",
            "token: &\(secret)",
            "token: @\(secret)",
            "token: |\n\(secret)",
            "token:\n      \(secret): [",
            "token: >-\n\n\(secret)",
            "token: \(secret)\n    token: \(secret)",
            "token: \(secret)\n    tokenFile: /nonexistent",
            "token: \(secret)\n    transport: { tls: { caFile: [] } }",
            "token: \"\(secret)\\q\"",
            "token: \"${\(secret)}\"",
            "\ttoken: \(secret)",
        ]

        @Test("reloads show the token nowhere, good ones or refused ones, also with the mistake on its very line")
        func reloads() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream), logLevel: "trace") { pair in
                    let good = pair.text(tunnels: Pair.raw(upstream))
                    let port = try await pair.rawPort()
                    for mistake in Self.mistakes {
                        let line = "token: \(ProcessEngine.token)"
                        let text = good.replacing("    \(line)", with: "    \(mistake)", maxReplacements: 1)
                        try pair.folder.replace("rstreamd.yaml", with: text)
                        let reload = try await pair.daemon.reload()
                        #expect(reload.outcome == ProcessDaemon.Reload.refused, "\(mistake)")
                        let check = try await ProcessHandle.run(
                            try Binaries.path(of: "rstreamd"),
                            ["--check", "--config", pair.configurationFile]
                        )
                        #expect(check.exit == .status(78), "\(mistake)")
                        let shown = check.errors.filter { $0.contains(Self.secret) }
                        #expect(shown.isEmpty, "--check after \(mistake)")
                    }
                    // As good as before, and with something to do.
                    try pair.write(
                        tunnels: Pair.raw(upstream)
                            + "\n  - { name: more, forward: 127.0.0.1:9, tunnel: { publish: false } }"
                    )
                    #expect(try await pair.daemon.reload().actions == ["more": "add"])
                    try await pair.engine.wait { $0.tunnels == 2 }
                    #expect(await Visitor.isServed(port: port))

                    for token in [Self.secret, ProcessEngine.token] {
                        for file in ["cmdline", "environ", "comm", "status"] {
                            let text = ProcessFacts.text(of: pair.daemon.process.pid, file)
                            #expect(!text.contains(token), "\(file)")
                        }
                        let lines = pair.daemon.process.errors.all.filter { $0.contains(token) }
                        #expect(lines.isEmpty, "\(lines)")
                        #expect(pair.daemon.process.output.all.isEmpty)
                    }
                }
            }
        }
    }
}
