// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// With whose rights root's checks look at files, with the real programs on a host that has the daemon's user.
    @Suite(.enabled(if: Binaries.mustBeComplete || getuid() == 0, "\(OwnershipTests.needs)"))
    struct CheckIdentityTests {
        /// A host's `/etc`, with a token that only root may read.
        private static func makeHost(in folder: ProcessFolder) throws -> String {
            let text = """
                version: 1
                context: main
                contexts: { main: { engine: "localhost:1", tokenFile: token } }
                tunnels: [{ name: raw, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }]

                """
            let users = "root:x:0:0::/root:/bin/sh\nrstream:x:54988:54988::/:/bin/false\n"
            try folder.write(users, to: "etc/passwd", mode: 0o644)
            try folder.write("root:x:0:\nrstream:x:54988:\n", to: "etc/group", mode: 0o644)
            for place in ["etc/rstream", "etc/elsewhere"] {
                try folder.write(text, to: "\(place)/rstreamd.yaml", mode: 0o644)
                try folder.write("very-secret-token\n", to: "\(place)/token", mode: 0o600)
            }
            return folder.path + "/etc"
        }

        /// Runs a command in `directory` of a host with this `/etc`.
        private static func run(
            _ command: [String],
            in directory: String = "/",
            host: String
        ) async throws -> (exit: ProcessHandle.Exit, output: [String], errors: [String]) {
            try await ProcessHandle.run(
                "/usr/bin/unshare",
                [
                    "--mount", "/bin/sh", "-c", #"mount --bind "$1" /etc && cd "$2" && shift 2 && exec "$@""#, "sh",
                    host, directory,
                ] + command
            )
        }

        private static let unreadable = "token file \"/etc/rstream/token\" cannot be read: permission denied"

        @Test(
            "are those of the daemon's user where it is the unit's own file, however it is named",
            arguments: [
                ("/", "rstreamd", ["--check"], "/etc/rstream/rstreamd.yaml"),
                ("/", "rstreamctl", ["check"], "/etc/rstream/rstreamd.yaml"),
                ("/etc/rstream", "rstreamd", ["--check", "--config", "rstreamd.yaml"], "rstreamd.yaml"),
                ("/etc/rstream", "rstreamctl", ["check", "rstreamd.yaml"], "rstreamd.yaml"),
            ]
        )
        func unitsFile(directory: String, program: String, arguments: [String], file: String) async throws {
            try await Pair.withFolder { folder in
                let command = [try Binaries.path(of: program)] + arguments
                let host = try Self.makeHost(in: folder)
                let result = try await Self.run(command, in: directory, host: host)
                #expect(result.exit == .status(0))
                #expect(result.output == ["\(file): no errors, 1 warning"])
                #expect(result.errors.joined().contains(Self.unreadable), "\(result.errors)")
                #expect(result.errors.joined().contains("chown rstream /etc/rstream/token"), "\(result.errors)")
            }
        }

        @Test("are root's where it is not known whom the file is for")
        func anotherFile() async throws {
            try await Pair.withFolder { folder in
                let (host, file) = (try Self.makeHost(in: folder), "/etc/elsewhere/rstreamd.yaml")
                for (program, arguments) in [
                    ("rstreamd", ["--check", "--config", file]), ("rstreamctl", ["check", file]),
                ] {
                    let result = try await Self.run([try Binaries.path(of: program)] + arguments, host: host)
                    #expect(result.output == ["\(file): no mistakes"], "\(result.errors)")
                    #expect(result.errors.isEmpty)
                }
            }
        }

        @Test("are root's where root may not take another user's place, and a warning says so")
        func powerlessRoot() async throws {
            try await Pair.withFolder { folder in
                let host = try Self.makeHost(in: folder)
                let powerless = ["/usr/bin/setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid"]
                for (program, arguments) in [("rstreamd", ["--check"]), ("rstreamctl", ["check"])] {
                    let command = powerless + [try Binaries.path(of: program)] + arguments
                    let result = try await Self.run(command, host: host)
                    #expect(result.exit == .status(0))
                    #expect(result.output == ["/etc/rstream/rstreamd.yaml: no errors, 1 warning"])
                    let said = result.errors.joined()
                    #expect(said.contains("warning: files are checked as root, not as rstream"), "\(said)")
                    #expect(said.contains("CAP_SETUID"), "\(said)")
                }
            }
        }

        @Test("do not stop root's advice: it does not suggest sudo for files that the daemon's user may not read")
        func unreadableConfiguration() async throws {
            try await Pair.withFolder { folder in
                let host = try Self.makeHost(in: folder)
                chmod("\(host)/rstream/rstreamd.yaml", 0o600)
                for (program, arguments) in [
                    ("rstreamd", ["--check"]), ("rstreamctl", ["check"]), ("rstreamctl", ["doctor"]),
                ] {
                    let result = try await Self.run([try Binaries.path(of: program)] + arguments, host: host)
                    let said = (result.output + result.errors).joined(separator: "\n")
                    #expect(result.exit == .status(arguments == ["doctor"] ? 1 : 77), "\(said)")
                    #expect(said.contains("chgrp rstream"), "\(said)")
                    #expect(!said.contains("use sudo") && !said.contains("fix: sudo rstreamctl"), "\(said)")
                }
            }
        }
    }
}
