// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

extension Integration {
    /// The daemon behind proxies that other people wrote.
    @Suite struct ProxyTests {
        private static let user = Proxy.Credentials(username: "courier", password: Secret("hidden-word"))

        private static func configuration(
            _ kind: ProcessProxy.Kind,
            _ port: Int,
            _ user: Proxy.Credentials?,
            _ engine: ProcessEngine,
            forward: Int
        ) -> String {
            let login = user.map { ", username: \($0.username), password: \($0.password.reveal())" } ?? ""
            return """
                version: 1
                context: main
                contexts:
                  main:
                    engine: localhost:\(engine.port)
                    token: \(ProcessEngine.token)
                    transport:
                      tls: { caFile: \(engine.caFile) }
                      proxy: { \(kind.rawValue): "\(kind.rawValue)://127.0.0.1:\(port)"\(login) }
                \(Pair.quick)
                tunnels:
                  - { name: web, forward: 127.0.0.1:\(forward), tunnel: { publish: true, protocol: http } }

                """
        }

        @Test(
            "serves visitors through it, and keeps its password to itself",
            arguments: ProcessProxy.Kind.allCases,
            [nil, user]
        )
        func job(kind: ProcessProxy.Kind, user: Proxy.Credentials?) async throws {
            try await Judge.server("http_server.py") { upstream in
                try await ProcessProxy.with(kind, user: user) { port in
                    try await Pair.withFolder { folder in
                        try await Pair.withEngine(in: folder) { engine in
                            let text = Self.configuration(kind, port, user, engine, forward: upstream)
                            try await Pair.withDaemon(in: folder, configuration: text, ["--log-level", "trace"]) {
                                daemon in
                                try await daemon.logged("tunnel online")
                                let hostname = try #require(try await engine.tunnel("web").hostname)
                                let (body, answer) = (folder.path + "/body", folder.path + "/answer")
                                let content = Content(seed: 70, count: 1_000_003)
                                try content.write(to: body)
                                for _ in 0..<3 {
                                    try await Curl(engine: engine)
                                        .run(hostname, ["--data-binary", "@\(body)", "-o", answer])
                                    #expect(try Digest(ofFile: answer) == content.digest)
                                }
                                #expect(daemon.complaints().isEmpty, "\(daemon.complaints())")
                                #expect(!daemon.process.errors.all.contains { $0.contains("hidden-word") })
                            }
                        }
                    }
                }
            }
        }

        @Test(
            "is told once that the proxy wants other credentials, and goes on trying",
            arguments: ProcessProxy.Kind.allCases
        )
        func refused(kind: ProcessProxy.Kind) async throws {
            try await ProcessProxy.with(kind, user: Self.user) { port in
                try await Pair.withFolder { folder in
                    try await Pair.withEngine(in: folder) { engine in
                        let text = Self.configuration(kind, port, nil, engine, forward: 9)
                        try await Pair.withDaemon(in: folder, configuration: text, ["--log-level", "debug"]) { daemon in
                            let line = try await daemon.logged("session down, retrying")
                            #expect(line.facts["error"]?.contains("proxy 127.0.0.1:\(port)") == true, "\(line)")
                            try await daemon.waitForAttempts(.connect)
                            #expect(daemon.complaints().count == 1, "\(daemon.complaints())")
                        }
                    }
                }
            }
        }
    }
}
