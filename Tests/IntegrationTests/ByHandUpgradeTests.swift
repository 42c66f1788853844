// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamAdmin
import RstreamTestSupport
import Testing

extension Integration {
    /// Tunnels by hand while programs take over.
    @Suite(.timeLimit(.hang)) struct ByHandUpgradeTests {
        private static func publish(_ site: UpgradeSite, _ arguments: String...) async throws -> ProcessHandle {
            try await ProcessHandle.start(
                try Binaries.path(of: "rstreamctl"),
                ["--socket", "\(site.pair.folder.path)/run/admin.sock", "publish"] + arguments + ["--protocol", "tcp"]
            )
        }

        /// The port in the first line of its output.
        private static func port(of process: ProcessHandle) async throws -> Int {
            let line = try await process.output.first { $0.contains(":") }.line
            return try #require(Int(line.split(separator: ":").last?.prefix { $0.isNumber } ?? ""), "\(line)")
        }

        private static func byHand(_ site: UpgradeSite, _ name: String) async throws -> ByHand? {
            try await site.status().tunnels.first { $0.name == name }?.byHand
        }

        @Test("publish goes on: same address, open streams stay, its owner is the same, and Ctrl-C closes the tunnel")
        func publish() async throws {
            try await TestServer.with(.echo) { server in
                try await UpgradeSite.with { site in
                    let process = try await Self.publish(site, "\(server.port)", "--name", "mine")
                    let port = try await Self.port(of: process)
                    let stream = try await site.openStreams(1, port)[0]
                    for round in 1...2 {
                        let mark = process.errors.all.count
                        let reply = try await site.upgrade()
                        #expect(reply.outcome == .takenOver, "\(reply.message)")
                        _ = try await process.errors.first(from: mark) {
                            $0 == "another process is the daemon now, mine goes on"
                        }
                        let owner = try #require(try await Self.byHand(site, "mine"))
                        #expect(owner.pid == Int(process.pid) && owner.uid == Int(getuid()) && !owner.detached)
                        #expect(await UpgradeVisitors.visit(port) == .served, "round \(round)")
                    }
                    #expect(try await site.pair.ports("mine") == [port])
                    let address = process.output.all.first
                    let count = process.output.all.count { $0 == address }
                    #expect(count == 1, "the address is told once: \(process.output.all)")
                    try await stream.send("still")
                    #expect(try await stream.receive(asLongAs: "beginstill") == "beginstill")
                    await stream.close()
                    process.send(signal: SIGINT)
                    _ = try await process.end()
                    try await site.pair.daemon.logged("tunnel by hand ended") { $0.facts["tunnel"] == "mine" }
                    try await site.pair.engine.wait { $0.tunnels == 2 }
                }
            }
        }

        @Test("a detached one goes on; one whose owner is killed meanwhile ends when its time to claim is over")
        func killed() async throws {
            try await TestServer.with(.echo) { server in
                try await UpgradeSite.with { site in
                    let detached = try await Self.publish(site, "\(server.port)", "--name", "detached", "--detach")
                    let port = try await Self.port(of: detached)
                    _ = try await detached.end()
                    let owner = try await Self.publish(site, "\(server.port)", "--name", "mine")
                    _ = try await Self.port(of: owner)
                    async let upgrade = site.upgrade()
                    try await site.pair.daemon.logged("upgrade started")
                    await owner.kill()
                    let reply = try await upgrade
                    #expect(reply.outcome == .takenOver, "\(reply.message)")
                    let line = try await site.pair.daemon.logged("tunnel by hand ended")
                    #expect(line.facts["tunnel"] == "mine")
                    #expect(line.facts["reason"] == "no connection of its user has claimed it after a take-over")
                    try await site.pair.engine.wait { $0.tunnels == 3 }
                    #expect(try await Self.byHand(site, "detached")?.detached == true)
                    #expect(try await site.pair.ports("detached") == [port])
                    #expect(await UpgradeVisitors.visit(port) == .served)
                }
            }
        }

        @Test("a take-over that fails leaves a tunnel to its connection")
        func failed() async throws {
            try await TestServer.with(.echo) { server in
                try await UpgradeSite.with { site in
                    let process = try await Self.publish(site, "\(server.port)", "--name", "mine")
                    let port = try await Self.port(of: process)
                    try site.pair.folder.replace("rstreamd.yaml", with: "version: 1\nnonsense: true\n")
                    let reply = try await site.upgrade()
                    #expect(reply.outcome == .refused)
                    #expect(await UpgradeVisitors.visit(port) == .served)
                    #expect(process.isRunning)
                    await process.kill()
                    let line = try await site.pair.daemon.logged("tunnel by hand ended")
                    #expect(line.facts["reason"] == "the connection that opened it has ended")
                    try await site.pair.engine.wait { $0.tunnels == 2 }
                }
            }
        }

        @Test("a file that has its name since wins")
        func taken() async throws {
            try await TestServer.with(.echo) { server in
                try await UpgradeSite.with { site in
                    let opened = try await Self.publish(site, "\(server.port)", "--name", "mine", "--detach")
                    let port = try await Self.port(of: opened)
                    _ = try await opened.end()
                    let folder = try site.pair.folder.makeFolder("tunnels.d")
                    let save = try await ProcessHandle.run(
                        try Binaries.path(of: "rstreamctl"),
                        ["--socket", "\(site.pair.folder.path)/run/admin.sock", "save", "mine", "--to"]
                            + [folder + "/mine.yaml"]
                    )
                    #expect(save.exit == .status(0), "\(save.errors)")
                    let reply = try await site.upgrade()
                    #expect(reply.outcome == .takenOver, "\(reply.message)")
                    let line = try await site.pair.daemon.logged("tunnel by hand ended")
                    #expect(line.facts["reason"] == "a file has a tunnel of this name")
                    #expect(try await Self.byHand(site, "mine") == nil)
                    #expect(try await site.pair.ports("mine") == [port])
                    #expect(await UpgradeVisitors.visit(port) == .served)
                }
            }
        }
    }
}
