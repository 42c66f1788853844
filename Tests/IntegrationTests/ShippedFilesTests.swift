// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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
    }
}
