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
                        let port = try await TestServer.withDeadPort { $0 }
                        let tunnels = """
                              - { name: db, forward: "\(upstream.forward)", tunnel: { publish: false } }
                            listeners:
                              - { name: socket, listen: "unix:\(socket)", dial: db }
                              - { name: port, listen: "127.0.0.1:\(port)", dial: db }
                            """
                        let text = Pair.configuration(port: engine.port, caFile: engine.caFile, tunnels: tunnels)
                        try await Pair.withDaemon(in: folder, configuration: text) { daemon in
                            try await daemon.logged("tunnel online")
                            for name in ["socket", "port"] {
                                try await daemon.logged("listening") { $0.facts["listener"] == name }
                            }
                            let plan = Exchange(seed: 71, upload: 500_000, download: 500_000)
                            try await Visitor.exchange(plan, port: port)
                            let program = try await TestConnection.connect(
                                to: SocketAddress(unixDomainSocketPath: socket)
                            )
                            try await program.finish()
                            try await program.waitForClose()
                            #expect(daemon.complaints().isEmpty, "\(daemon.complaints())")
                        }
                    }
                }
            }
        }
    }
}
