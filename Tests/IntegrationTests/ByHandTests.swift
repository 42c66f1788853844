// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// Tunnels by hand, and connections to private tunnels, with the real programs.
    @Suite struct ByHandTests {
        private static func socket(_ pair: Pair) -> String { pair.folder.path + "/run/admin.sock" }

        private static func start(_ pair: Pair, _ arguments: String...) async throws -> ProcessHandle {
            try await ProcessHandle.start(
                try Binaries.path(of: "rstreamctl"),
                ["--socket", socket(pair)] + arguments
            )
        }

        private static func control(
            _ pair: Pair,
            _ arguments: String...
        ) async throws -> (exit: ProcessHandle.Exit, output: [String], errors: [String]) {
            try await ProcessHandle.run(
                try Binaries.path(of: "rstreamctl"),
                ["--socket", socket(pair)] + arguments
            )
        }

        /// The port of a `tcp` tunnel, which is in the first line of its output.
        private static func port(of process: ProcessHandle) async throws -> Int {
            let line = try await process.output.first { $0.contains(":") }.line
            let port = line.split(separator: ":").last?.prefix { $0.isNumber }
            return try #require(port.flatMap { Int($0) }, "\(line)")
        }

        private static func expectEcho(atPort port: Int) async throws {
            let visitor = try await TestConnection.connect(toPort: port)
            try await visitor.send("hello")
            #expect(try await visitor.receive(asLongAs: "hello") == "hello")
            await visitor.close()
        }

        private static let tunnels = #"  - { name: file, forward: "127.0.0.1:9", tunnel: { publish: false } }"#

        @Test("publish prints an address that visitors reach, a reload leaves it, and killing the command closes it")
        func publish() async throws {
            try await TestServer.with(.echo) { server in
                try await Pair.with(tunnels: Self.tunnels) { pair in
                    try await pair.daemon.logged("tunnel online")
                    let process = try await Self.start(
                        pair,
                        "publish",
                        "\(server.port)",
                        "--name",
                        "mine",
                        "--protocol",
                        "tcp"
                    )
                    let port = try await Self.port(of: process)
                    try await Self.expectEcho(atPort: port)
                    _ = try await process.output.first { $0.contains("stream.opened") && $0.contains("127.0.0.1") }
                    let reload = try await Self.control(pair, "reload")
                    #expect(reload.exit == .status(0), "\(reload.errors)")
                    try await Self.expectEcho(atPort: port)
                    let status = try await Self.control(pair, "tunnels", "mine")
                    #expect(status.output.contains { $0.contains("by hand: user \(getuid()), process \(process.pid)") })
                    await process.kill()
                    try await pair.daemon.logged("tunnel by hand ended") { $0.facts["tunnel"] == "mine" }
                    try await pair.engine.wait { $0.tunnels == 1 }
                    #expect(try await Self.control(pair, "tunnels", "mine").exit == .status(1))
                    #expect(try await Self.control(pair, "tunnels", "file").exit == .status(0))
                }
            }
        }

        @Test("what save prints is a tunnel file without a mistake, and the next reload takes the tunnel over")
        func save() async throws {
            try await TestServer.with(.echo) { server in
                try await Pair.with(tunnels: Self.tunnels) { pair in
                    try await pair.daemon.logged("tunnel online")
                    let opened = try await Self.control(
                        pair,
                        "publish",
                        "127.0.0.1:\(server.port)",
                        "--name",
                        "mine",
                        "--protocol",
                        "tcp",
                        "--detach"
                    )
                    #expect(opened.exit == .status(0), "\(opened.errors)")
                    let port = try #require(opened.output.first?.split(separator: ":").last?.prefix { $0.isNumber })
                    let folder = try pair.folder.makeFolder("tunnels.d")
                    let saved = try await Self.control(pair, "save", "mine", "--to", folder + "/mine.yaml")
                    #expect(saved.exit == .status(0), "\(saved.errors)")
                    let check = try await ProcessHandle.run(
                        try Binaries.path(of: "rstreamd"),
                        ["--check", "--config", pair.folder.path + "/rstreamd.yaml"],
                        environment: try ProcessDaemon.places(in: pair.folder)
                    )
                    #expect(check.exit == .status(0), "\(check.errors)")
                    let visitor = try await TestConnection.connect(toPort: try #require(Int(port)))
                    try await visitor.send("hello")
                    #expect(try await visitor.receive(asLongAs: "hello") == "hello")
                    let reload = try await Self.control(pair, "reload")
                    #expect(reload.exit == .status(0), "\(reload.errors)")
                    try await visitor.send("again")
                    #expect(try await visitor.receive(asLongAs: "helloagain") == "helloagain")
                    await visitor.close()
                    let refused = try await Self.control(pair, "unpublish", "mine")
                    #expect(refused.exit == .status(1), "it is the file's now")
                }
            }
        }

        @Test("dial is a command in place of a connection, with half-close")
        func dial() async throws {
            try await TestServer.with(.echo) { server in
                let tunnels = #"  - { name: db, forward: "127.0.0.1:\#(server.port)", tunnel: { publish: false } }"#
                try await Pair.with(tunnels: tunnels) { pair in
                    try await pair.daemon.logged("tunnel online")
                    let control = "\(try Binaries.path(of: "rstreamctl")) --socket \(Self.socket(pair))"
                    // The echo ends when this end has ended its direction, and everything has come back by then.
                    let script = "head -c 3000000 /dev/zero | \(control) dial db | wc -c"
                    let echoed = try await ProcessHandle.run("/bin/sh", ["-c", script])
                    #expect(echoed.output.map { $0.filter(\.isNumber) } == ["3000000"], "\(echoed.errors)")
                    let missing = try await ProcessHandle.run("/bin/sh", ["-c", "\(control) dial none </dev/null"])
                    #expect(missing.exit == .status(1))
                    #expect(missing.errors.first?.hasPrefix("rstreamctl: ") == true, "\(missing.errors)")
                }
            }
        }

        @Test("rstreamd publish is a tunnel in one process, without files")
        func oneProcess() async throws {
            try await TestServer.with(.echo) { server in
                try await Pair.withFolder { folder in
                    try await Pair.withEngine(in: folder) { engine in
                        let token = try folder.write(ProcessEngine.token, to: "token")
                        let process = try await ProcessHandle.start(
                            try Binaries.path(of: "rstreamd"),
                            [
                                "publish", "\(server.port)", "--engine", "localhost:\(engine.port)", "--token-file",
                                token,
                                "--ca-file", engine.caFile, "--protocol", "tcp",
                            ],
                            environment: ["HOME": folder.path]
                        )
                        try await Self.expectEcho(atPort: try await Self.port(of: process))
                        _ = try await process.output.first { $0 == "visitor 127.0.0.1" }
                        let exit = try await process.terminate()
                        #expect(exit == .status(0), "\(process.errors.all)")
                        try await engine.wait { $0.tunnels == 0 }
                    }
                }
            }
        }

        @Test("rstreamd publish refuses what files may not say either")
        func refused() async throws {
            let program = try Binaries.path(of: "rstreamd")
            let wrong = try await ProcessHandle.run(
                program,
                ["publish", "nowhere", "--engine", "e.test", "--no-token"]
            )
            #expect(wrong.exit == .status(78), "\(wrong.errors)")
            #expect(wrong.errors.first?.hasPrefix("command line:") == true, "\(wrong.errors)")
            for (option, complaint) in [("--private", "--token-file"), ("--tokenfile", "Unknown option '--tokenfile'")]
            {
                let usage = try await ProcessHandle.run(program, ["publish", "80", "--engine", "e.test", option])
                #expect(usage.exit == .status(64))
                #expect(usage.errors.first?.contains(complaint) == true, "\(usage.errors)")
                #expect(usage.errors.contains { $0.hasPrefix("Usage: rstreamd publish <target>") }, "\(usage.errors)")
            }
        }
    }
}
