// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import NIOCore
import RstreamAdmin
import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct ShippedFilesTests {
        private static let file = Binaries.packageRoot + "/etc/rstream/rstreamd.yaml"

        @Test("the shipped rstreamd.yaml is valid, and the daemon runs quietly with it")
        func shipped() async throws {
            let check = try await ProcessHandle.run(
                try Binaries.path(of: "rstreamd"),
                ["--check", "--config", Self.file]
            )
            #expect(check.exit == .status(0))
            // What is shipped has no tunnels yet, which is all there is to say about it.
            #expect(check.output == ["\(Self.file): no errors, 1 warning"], "\(check.output)")
            #expect(check.errors.count == 1, "\(check.errors)")
            #expect(check.errors.first?.contains("warning: there are no tunnels and no listeners") == true)

            try await Pair.withFolder { folder in
                let daemon = try await ProcessDaemon.start(in: folder, file: Self.file)
                do {
                    try await daemon.logged("started")
                    let exit = try await daemon.process.terminate()
                    #expect(exit == .status(0))
                    #expect(daemon.complaints().isEmpty)
                    #expect(daemon.log.count { $0.level == "info" } <= 4, "\(daemon.log)")
                } catch {
                    await daemon.process.kill()
                    throw error
                }
            }
        }

        @Test("the shipped example of a tunnel file is valid next to a context")
        func example() async throws {
            try await Pair.withFolder { folder in
                let example = Binaries.packageRoot + "/etc/rstream/tunnels.d/web.yaml.example"
                let file = try folder.write(
                    """
                    version: 1
                    context: main
                    contexts: { main: { engine: localhost:1, noToken: true } }
                    include: ["\(example)"]

                    """,
                    to: "rstreamd.yaml"
                )
                let check = try await ProcessHandle.run(
                    try Binaries.path(of: "rstreamd"),
                    ["--check", "--config", file]
                )
                #expect(check.exit == .status(0), "\(check.errors)")
            }
        }

        @Test(
            "Prometheus reads the files for monitoring, and its alerts fire when they should",
            arguments: [
                ["check", "config", "scrape.yaml"], ["check", "rules", "alerts.yaml"],
                ["test", "rules", "alerts.test.yaml"],
            ]
        )
        func monitoring(arguments: [String]) async throws {
            let file = "\(Binaries.packageRoot)/etc/monitoring/\(arguments[2])"
            // It computes hours of rules, which takes a busy machine its time.
            let judgement = try await ProcessHandle.run(
                "/usr/bin/promtool",
                arguments.dropLast() + [file],
                within: .minutes(3)
            )
            #expect(judgement.exit == .status(0), "\(judgement.output) \(judgement.errors)")
            #expect(judgement.output.contains { $0.contains("SUCCESS") }, "\(judgement.output)")
        }

        /// The queries of a dashboard, or of a part of one.
        private static func queries(in value: JSONValue) -> [String] {
            switch value {
            case .object(let fields):
                fields.flatMap { key, value in
                    if key == "expr", case .text(let query) = value { [query] } else { queries(in: value) }
                }
            case .array(let elements): elements.flatMap(queries)
            case .null, .bool, .integer, .number, .text: []
            }
        }

        @Test("Prometheus reads every query of the dashboard")
        func dashboard() async throws {
            let path = "\(Binaries.packageRoot)/etc/monitoring/grafana-dashboard.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let queries = Self.queries(in: try AdminJSON.decode(JSONValue.self, from: text.utf8))
            #expect(queries.count > 30)
            // As rules, which promtool checks, with values for Grafana's variables.
            let rules = queries.enumerated().map { number, query in
                let query = query.replacing("$__rate_interval", with: "5m")
                return "  - record: query\(number)\n    expr: '\(query.replacing("'", with: "''"))'\n"
            }
            try await Pair.withFolder { folder in
                let text = "groups:\n- name: dashboard\n  rules:\n" + rules.joined()
                let file = try folder.write(text, to: "dashboard.yaml")
                let judgement = try await ProcessHandle.run("/usr/bin/promtool", ["check", "rules", file])
                #expect(judgement.exit == .status(0), "\(judgement.output) \(judgement.errors)")
            }
        }
    }
}
