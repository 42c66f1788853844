// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// Private tunnels as local ports.
    @Suite struct ListenerTests {
        @Test("a local program reaches a private tunnel through a listener, over a Unix socket and over TCP")
        func listen() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    try await Pair.withEngine(in: folder) { engine in
                        let socket = folder.path + "/db.sock"
                        let (port, both) = try await TestServer.withDeadPort { first in
                            try await TestServer.withDeadPort { second in (first, second) }
                        }
                        let tunnels = """
                              - { name: db, forward: "\(upstream.forward)", tunnel: { publish: false } }
                            listeners:
                              - { name: socket, listen: "unix:\(socket)", dial: db, mode: "0600", limits: { streams: 9 } }
                              - { name: port, listen: "127.0.0.1:\(port)", dial: db, dialTimeout: 20s }
                              - { name: both, listen: "localhost:\(both)", dial: db }
                            """
                        let text = Pair.configuration(port: engine.port, caFile: engine.caFile, tunnels: tunnels)
                        try await Pair.withDaemon(in: folder, configuration: text) { daemon in
                            try await daemon.logged("tunnel online")
                            for name in ["socket", "port", "both"] {
                                try await daemon.logged("listening") { $0.facts["listener"] == name }
                            }
                            let plan = Exchange(seed: 71, upload: 500_000, download: 500_000)
                            try await Visitor.exchange(plan, port: port)
                            let program = try await TestConnection.connect(
                                to: SocketAddress(unixDomainSocketPath: socket)
                            )
                            try await program.finish()
                            try await program.waitForClose()
                            #expect(FileFacts.mode(of: socket) == S_IFSOCK | 0o600)
                            for host in await TestServer.loopbacks() {
                                let program = try await TestConnection.connect(toPort: both, of: host)
                                try await program.finish()
                                try await program.waitForClose()
                            }
                            #expect(daemon.complaints().isEmpty, "\(daemon.complaints())")
                        }
                    }
                }
            }
        }

        @Test("connections wait when there are no descriptors left, which is said once, and are taken when there are")
        func descriptors() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    try await Pair.withEngine(in: folder) { engine in
                        let port = try await TestServer.withDeadPort { $0 }
                        let tunnels = """
                              - { name: db, forward: "\(upstream.forward)", tunnel: { publish: false } }
                            listeners: [{ name: db, listen: "127.0.0.1:\(port)", dial: db }]
                            """
                        let text = Pair.configuration(port: engine.port, caFile: engine.caFile, tunnels: tunnels)
                        try await Pair.withDaemon(in: folder, configuration: text) { daemon in
                            try await daemon.logged("tunnel online")
                            try await daemon.logged("listening")
                            // More than this limit are open already, and they stay open.
                            try await Self.limitDescriptors(of: daemon, to: 3)
                            async let waiting: Void = Visitor.exchange(
                                Exchange(seed: 72, upload: 50_000, download: 50_000),
                                port: port
                            )
                            let complaint = try await daemon.logged("cannot accept connections")
                            #expect(complaint.level == "warning")
                            #expect(complaint.facts["error"] == "Too many open files")
                            try await Self.limitDescriptors(of: daemon, to: 1_024)
                            try await waiting
                            try await daemon.logged("accepting connections again")
                            try await Visitor.exchange(
                                Exchange(seed: 73, upload: 50_000, download: 50_000),
                                port: port
                            )
                            #expect(daemon.complaints().map(\.message) == ["cannot accept connections"])
                        }
                    }
                }
            }
        }

        /// Changes the number of descriptors that a running daemon may have.
        private static func limitDescriptors(of daemon: ProcessDaemon, to limit: Int) async throws {
            let arguments = ["--pid", "\(daemon.process.pid)", "--nofile=\(limit):"]
            #expect(try await ProcessHandle.run("/usr/bin/prlimit", arguments).exit == .status(0))
        }
    }
}
