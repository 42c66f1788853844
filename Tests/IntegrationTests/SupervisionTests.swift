// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// Supervision other than by the systemd of a full system: the first process of a container, a loop of restarts, a
    /// daemon that hangs.
    @Suite struct SupervisionTests {
        private static func children(of process: Int32) -> [Int32] {
            ProcessFacts.text(of: process, "task/\(process)/children").split(separator: " ").compactMap {
                Int32($0.filter(\.isNumber))
            }
        }

        private static func start(_ folder: ProcessFolder, _ configuration: String) async throws -> ProcessDaemon {
            try await .start(in: folder, configuration: configuration, ["--log-level", "debug"])
        }

        /// A file that is written anew is another one, whatever it says.
        private static func startAgain(_ folder: ProcessFolder) async throws -> ProcessDaemon {
            try await .start(in: folder, file: "\(folder.path)/rstreamd.yaml", ["--log-level", "debug"])
        }

        private static func dials(_ daemon: ProcessDaemon) -> Int {
            daemon.log.count { $0.message == "connecting" }
        }

        private static func ask(
            _ folder: ProcessFolder,
            _ arguments: [String]
        ) async throws -> (exit: ProcessHandle.Exit, text: String) {
            let (program, socket) = (try Binaries.path(of: "rstreamctl"), "\(folder.path)/run/admin.sock")
            let result = try await ProcessHandle.run(program, ["--socket", socket] + arguments)
            return (result.exit, (result.output + result.errors).joined(separator: "\n"))
        }

        @Test(
            "as the first process it leaves no dead ones behind that were handed to it",
            .enabled(if: Binaries.mustBeComplete || getuid() == 0, "\(OwnershipTests.needs)")
        )
        func firstProcess() async throws {
            try await Pair.withFolder { folder in
                let file = try folder.write("version: 1\nadmin: { socket: none }\n", to: "rstreamd.yaml")
                // The shell becomes the daemon, and the child that it had is the daemon's then.
                let process = try await ProcessHandle.start(
                    "/usr/bin/unshare",
                    [
                        "--pid", "--fork", "--mount-proc", "/bin/sh", "-c",
                        #"sleep 0.5 & exec "$0" --config "$1" --log-format json"#, try Binaries.path(of: "rstreamd"),
                        file,
                    ],
                    environment: try ProcessDaemon.places(in: folder)
                )
                do {
                    _ = try await ProcessDaemon(process).logged("started")
                    let daemon = try #require(Self.children(of: process.pid).first)
                    try await within("the end of the child") {
                        while !Self.children(of: daemon).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
                    }
                    kill(daemon, SIGTERM)
                    #expect(try await process.exit() == .status(0))
                } catch {
                    await process.kill()
                    throw error
                }
            }
        }

        @Test(
            "a daemon that is killed and started again dials no more often than one that runs, until its token changes"
        )
        func crashLoop() async throws {
            try await Pair.withFolder { folder in
                try await Pair.withEngine(in: folder) { engine in
                    let token = try folder.write("revoked", to: "token", mode: 0o600)
                    let configuration = """
                        version: 1
                        context: main
                        contexts:
                          main:
                            engine: "localhost:\(engine.port)"
                            tokenFile: \(token)
                            transport: { tls: { caFile: \(engine.caFile) } }
                        tunnels: [{ name: a, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }]

                        """
                    let first = try await Self.start(folder, configuration)
                    try await first.logged("session down, retrying")
                    #expect(Self.dials(first) == 1)
                    while (try? folder.read("state/reconnect.json").contains(#""isRejected":true"#)) != true {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    await first.process.kill()
                    for _ in 0..<3 {
                        let again = try await Self.startAgain(folder)
                        try await again.logged("started")
                        let status = try await Self.ask(folder, ["-o", "json", "status"]).text
                        #expect(
                            status.contains(#""state":"rejected""#) && status.contains(#""attempt":1"#),
                            "\(status)"
                        )
                        #expect(status.contains("the engine rejected the last attempt"), "\(status)")
                        #expect(Self.dials(again) == 0)
                        await again.process.kill()
                    }
                    try folder.write("mended", to: "token", mode: 0o600)
                    let mended = try await Self.startAgain(folder)
                    try await mended.logged("session down, retrying")
                    #expect(Self.dials(mended) == 1)
                    await mended.process.kill()
                }
            }
        }

        @Test("a daemon that stalls does not block clients forever, and the doctor reports it")
        func standstill() async throws {
            try await Pair.withFolder { folder in
                let daemon = try await ProcessDaemon.start(in: folder, configuration: "version: 1\n")
                try await daemon.logged("admin socket open")
                kill(daemon.process.pid, SIGSTOP)
                async let reload = Self.ask(folder, ["reload"])
                async let events = Self.ask(folder, ["events"])
                let file = "\(folder.path)/rstreamd.yaml"
                async let doctor = Self.ask(folder, ["doctor", "--config", file, "--bundle", "\(folder.path)/b.tar"])
                for (exit, text) in try await [reload, events] {
                    #expect(exit == .status(69))
                    let isTold = text.contains("said nothing for 10 s") || text.contains("not answered within 10s")
                    #expect(isTold, "\(text)")
                    #expect(!text.contains("no daemon answers"))
                }
                let found = try await doctor
                #expect(found.exit == .status(1))
                #expect(found.text.contains("has said nothing for 5 s"), "\(found.text)")
                #expect(access("\(folder.path)/b.tar", F_OK) == 0)
                await daemon.process.kill()
            }
        }
    }
}
