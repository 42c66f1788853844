// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// What a stream costs in numbers that are the same on every machine. `Tests/Benchmarks/profile` measures them, and
    /// `Tests/Benchmarks/costs.json` has those of the last change that was meant to change them.
    @Suite struct CostTests {
        private static let profile = Binaries.packageRoot + "/Tests/Benchmarks/profile"
        /// `RSTREAM_UPDATE_COSTS=1` commits the numbers of this run.
        private static let mode = Binaries.environment("RSTREAM_UPDATE_COSTS") == nil ? "--check" : "--update"

        static let needs = "valgrind and a C compiler do not work in the unit's sandbox"

        /// Debug builds, which are not shipped, cost several times as much.
        @Test(
            "a stream, and 64 KiB of one, cost as many allocations and instructions as are committed, and inspected a few more",
            .enabled(if: (Binaries.mustBeComplete || Binaries.areRelease) && !Binaries.areSandboxed, "\(needs)")
        )
        func costs() async throws {
            let folder = try #require(Binaries.environment("RSTREAM_BIN"))
            let result = try await ProcessHandle.run(
                "/usr/bin/python3",
                [Self.profile, Self.mode, folder],
                environment: ["PYTHONDONTWRITEBYTECODE": "1"],
                within: .minutes(5)
            )
            print(result.output.joined(separator: "\n"))
            let hint = "RSTREAM_UPDATE_COSTS=1 swift test --filter CostTests commits what is meant to be"
            #expect(result.exit == .status(0), "\(result.errors.joined(separator: "\n"))\n\(hint)")
        }

        /// `packaging/function-order` has to be written anew when this grows.
        @Test(
            "an idle daemon with ten tunnels holds less than 18 MiB, what its files and libraries have in memory included",
            .enabled(if: (Binaries.mustBeComplete || Binaries.areRelease) && !Binaries.areSandboxed, "\(needs)")
        )
        func idle() async throws {
            let tunnels = (1...10).map { "  - { name: t\($0), forward: 127.0.0.1:9, tunnel: { protocol: tcp } }\n" }
            try await Pair.with(tunnels: tunnels.joined()) { pair in
                try await pair.engine.wait { $0.tunnels == 10 }
                let pid = pair.daemon.process.pid
                let most = 18 << 20
                let held = try await ProcessFacts.settled(at: most) { ProcessFacts.residentBytes(of: pid) }
                #expect(held < most, "\(held >> 10) KiB")
            }
        }
    }
}
