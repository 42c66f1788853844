// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// What users of the host may do over the admin socket, with the real programs and the kernel's credentials.
    @Suite struct ReadGroupTests {
        /// Users and groups of their own, whatever the host's databases say.
        private struct Client {
            var groups: [UInt32] = []

            func run(
                _ socket: String,
                _ arguments: [String]
            ) async throws -> (exit: ProcessHandle.Exit, output: [String], errors: [String]) {
                let list = groups.map(String.init).joined(separator: ",")
                let identity = ["--reuid=65534", "--regid=65533", list.isEmpty ? "--clear-groups" : "--groups=\(list)"]
                let program = [try Binaries.path(of: "rstreamctl"), "--socket", socket]
                return try await ProcessHandle.run("/usr/bin/setpriv", identity + ["--"] + program + arguments)
            }
        }

        private static func group(_ name: String) throws -> UInt32 { try #require(getgrnam(name)).pointee.gr_gid }

        private static func settings(_ admin: String) -> String { "\(Pair.quick)\nadmin: { \(admin) }" }

        @Test(
            "members of admin.readGroup may look and change nothing, by their supplementary groups too",
            .enabled(if: Binaries.mustBeComplete || getuid() == 0, "\(OwnershipTests.needs)")
        )
        func levels() async throws {
            let (operators, readers) = (try Self.group("adm"), try Self.group("users"))
            try await Upstream.exchanging { upstream in
                let settings = Self.settings("group: adm, readGroup: users")
                try await Pair.with(tunnels: Pair.raw(upstream), settings: settings) { pair in
                    let socket = "\(pair.folder.path)/run/admin.sock"
                    _ = try await pair.rawPort()
                    #expect(FileFacts.mode(of: socket) == S_IFSOCK | 0o666)
                    let reader = Client(groups: [readers])
                    for argument in ["status", "tunnels", "streams", "events", "metrics", "config"] {
                        #expect(try await reader.run(socket, [argument]).exit == .status(0), "\(argument)")
                    }
                    for arguments in [["drain", "raw"], ["enable", "--all"], ["reload"], ["log-level", "debug"]] {
                        let result = try await reader.run(socket, arguments)
                        #expect(result.exit == .status(77), "\(arguments): \(result)")
                        let said = result.errors.joined(separator: "\n")
                        #expect(said.contains("may read and change nothing"), "\(said)")
                    }
                    #expect(try await Client(groups: [operators]).run(socket, ["reload"]).exit == .status(0))
                    // Neither is at the start of the list.
                    #expect(try await Client(groups: [7, readers]).run(socket, ["status"]).exit == .status(0))
                    #expect(
                        try await Client(groups: [7, operators]).run(socket, ["enable", "raw"]).exit == .status(0)
                    )
                    let stranger = try await Client().run(socket, ["status"])
                    #expect(stranger.exit == .status(77) && stranger.output.isEmpty, "\(stranger)")
                    #expect(stranger.errors.joined().contains("admin.readGroup"), "\(stranger)")
                    #expect(await Visitor.isServed(port: try await pair.rawPort()))
                }
            }
        }

        @Test(
            "a reload without the key closes the socket to them again",
            .enabled(if: Binaries.mustBeComplete || getuid() == 0, "\(OwnershipTests.needs)")
        )
        func removed() async throws {
            let readers = try Self.group("users")
            try await Upstream.exchanging { upstream in
                let tunnels = Pair.raw(upstream)
                let settings = Self.settings("group: adm, readGroup: users")
                try await Pair.with(tunnels: tunnels, settings: settings) { pair in
                    let socket = "\(pair.folder.path)/run/admin.sock"
                    _ = try await pair.rawPort()
                    #expect(try await Client(groups: [readers]).run(socket, ["status"]).exit == .status(0))
                    try pair.write(tunnels: tunnels, settings: Self.settings("group: adm"))
                    try await pair.daemon.reload()
                    #expect(FileFacts.mode(of: socket) == S_IFSOCK | 0o660)
                    #expect(try await Client(groups: [readers]).run(socket, ["status"]).exit == .status(77))
                }
            }
        }
    }
}
