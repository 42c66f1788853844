// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// A host whose local ports to one place are used up, as many short connections leave it.
    @Suite(
        .enabled("\(NetworkCable.needs)") { await NetworkCable.isPossible() }
    )
    struct LocalPortTests {
        /// Takes every local port for connections to one place, says how many those were, and keeps them.
        fileprivate static let occupy = """
            import errno, socket, sys, time
            taken = []
            while True:
                end = socket.socket()
                try:
                    end.connect((sys.argv[1], int(sys.argv[2])))
                except OSError as error:
                    if error.errno != errno.EADDRNOTAVAIL:
                        raise
                    break
                taken.append(end)
            print(len(taken), flush=True)
            time.sleep(3_600)
            """

        @Test("to its service: that is what is said, with the setting that helps, in log and status")
        func service() async throws {
            try await CabledHost.with { host in
                #expect(await host.isServed())
                try await host.withoutPorts(to: "127.0.0.1", host.servicePort) {
                    #expect(await !host.isServed())
                    let line = try await host.daemon.logged("upstream unreachable")
                    Self.expectCause(line)
                    let socket = host.folder.path + "/run/admin.sock"
                    let status = try await ProcessHandle.run(
                        try Binaries.path(of: "rstreamctl"),
                        ["--socket", socket, "-o", "json", "status"]
                    )
                    #expect(status.output.joined().contains("net.ipv4.ip_local_port_range"), "\(status)")
                }
                #expect(await host.isServed())
                try await host.daemon.logged("upstream reachable again")
            }
        }

        @Test("to its engine: the same, while the tunnel is online", arguments: [false, true])
        func engine(binds: Bool) async throws {
            let bind: (NetworkCable) -> String = { cable in
                binds ? "bind: { mode: address, address: \(cable.daemon.address) }, " : ""
            }
            try await CabledHost.with(bind: bind) { host in
                #expect(await host.isServed())
                try await host.withoutPorts(to: host.cable.engine.address, host.engine.port) {
                    #expect(await !host.isServed())
                    let line = try await host.daemon.logged("streams cannot reach the engine")
                    Self.expectCause(line)
                }
                #expect(await host.isServed())
                #expect(host.daemon.complaints().count == 1, "\(host.daemon.complaints())")
            }
        }

        private static func expectCause(_ line: ProcessDaemon.LogLine) {
            #expect(line.level == "warning")
            #expect(line.facts["error"]?.contains("no free local port") == true, "\(line)")
            #expect(line.facts["fix"]?.contains("net.ipv4.ip_local_port_range") == true, "\(line)")
            #expect(line.facts["fix"]?.contains("start the service") == false, "\(line)")
        }
    }
}

extension CabledHost {
    /// Has twenty local ports, all of which are taken for connections to one place, until `body` returns.
    fileprivate func withoutPorts(to address: String, _ port: Int, _ body: () async throws -> Void) async throws {
        try await setPorts("40000 40019")
        let process = try await ProcessHandle.start(
            try Binaries.python(),
            ["-c", Integration.LocalPortTests.occupy, address, "\(port)"],
            namespace: cable.daemon.namespace
        )
        do {
            let taken = try #require(Int(try await process.output.first { _ in true }.line))
            #expect((1...20).contains(taken))
            try await body()
            await process.kill()
        } catch {
            print(process.errors.all.joined(separator: "\n"))
            await process.kill()
            throw error
        }
        // What was taken is free a minute later only; there are others.
        try await setPorts("50000 59999")
    }

    private func setPorts(_ range: String) async throws {
        let setting = "/proc/sys/net/ipv4/ip_local_port_range"
        try await cable.run(cable.daemon, "/bin/sh", "-c", "echo '\(range)' > \(setting)")
    }

    /// Whether a visitor gets the page.
    fileprivate func isServed() async -> Bool { (try? await page()) != nil }
}
