// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct SchemaTests {
        /// What `rstreamd --schema` prints with these words.
        private static func schema(_ words: String...) async throws -> String {
            let result = try await ProcessHandle.run(try Binaries.path(of: "rstreamd"), ["--schema"] + words)
            #expect(result.exit == .status(0))
            #expect(result.errors.isEmpty, "\(result.errors)")
            return result.output.joined(separator: "\n") + "\n"
        }

        @Test("--schema prints the schema of the daemon's file, and that of tunnel files when asked")
        func printed() async throws {
            let daemon = try await Self.schema()
            #expect(try await Self.schema("daemon") == daemon)
            #expect(daemon.contains(#""title": "rstreamd.yaml""#))
            #expect(try await Self.schema("tunnels") != daemon)
        }

        @Test("python-jsonschema accepts every file of the corpus that the daemon accepts, and the shipped ones")
        func corpus() async throws {
            try await Pair.withFolder { folder in
                let root = Binaries.packageRoot
                let arguments = [
                    try folder.write(try await Self.schema("daemon"), to: "daemon.json"),
                    try folder.write(try await Self.schema("tunnels"), to: "tunnels.json"),
                    "\(root)/Tests/RstreamConfigTests/Corpus",
                    "\(root)/etc/rstream/rstreamd.yaml", "\(root)/etc/rstream/tunnels.d/web.yaml.example",
                ]
                let judge = try await ProcessHandle.run(
                    try Binaries.python(),
                    ["\(Judge.folder)/schema.py"] + arguments,
                    environment: ["PYTHONDONTWRITEBYTECODE": "1"]
                )
                #expect(judge.exit == .status(0), "\(judge.errors.joined(separator: "\n"))")
                #expect(judge.output.last == "ok")
                // How many of the refused files a schema lets through is for information.
                print(judge.output.joined(separator: "\n"))
            }
        }
    }
}
