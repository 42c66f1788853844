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
        private static let occupy = """
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
            try await Self.withHost { host in
                try await host.withoutPorts(to: "127.0.0.1", host.servicePort) {
                    #expect(await !host.isServed())
                    let line = try await host.daemon.logged("the upstream cannot be reached")
                    Self.expectCause(line)
                    let socket = host.folder.path + "/run/admin.sock"
                    let status = try await ProcessHandle.run(
                        try Binaries.path(of: "rstreamctl"),
                        ["--socket", socket, "-o", "json", "status"]
                    )
                    #expect(status.output.joined().contains("net.ipv4.ip_local_port_range"), "\(status)")
                }
                #expect(await host.isServed())
                try await host.daemon.logged("the upstream is back")
            }
        }

        @Test("to its engine: the same, while the tunnel is online", arguments: [false, true])
        func engine(binds: Bool) async throws {
            try await Self.withHost(binds: binds) { host in
                try await host.withoutPorts(to: host.cable.engine.address, host.engine.port) {
                    #expect(await !host.isServed())
                    let line = try await host.daemon.logged("streams find no way to the engine")
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

        /// A daemon at one end of a cable with a web server behind it, and an engine at the other end.
        private struct Host {
            let folder: ProcessFolder
            let cable: NetworkCable
            let engine: ProcessEngine
            let daemon: ProcessDaemon
            let servicePort: Int

            /// Has twenty local ports, all of which are taken for connections to one place, until `body` returns.
            func withoutPorts(to address: String, _ port: Int, _ body: () async throws -> Void) async throws {
                try await setPorts("40000 40019")
                let process = try await ProcessHandle.start(
                    try Binaries.python(),
                    ["-c", LocalPortTests.occupy, address, "\(port)"],
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

            /// Whether a visitor at the engine's end gets the page.
            func isServed() async -> Bool {
                let line = daemon.log.last { $0.message.hasPrefix("tunnel online") }
                // https://name:port
                guard let name = line?.facts["address"]?.split(separator: "/").last else { return false }
                let hostname = name.prefix { $0 != ":" }
                let page = try? await cable.run(
                    cable.engine,
                    "/usr/bin/curl",
                    "--silent",
                    "--fail",
                    "--noproxy",
                    "*",
                    "--max-time",
                    "20",
                    "--cacert",
                    engine.caFile,
                    "--resolve",
                    "\(hostname):\(engine.port):\(cable.engine.address)",
                    "https://\(hostname):\(engine.port)/"
                )
                return page != nil
            }
        }

        private static func withHost(binds: Bool = false, _ body: (Host) async throws -> Void) async throws {
            try await Pair.withFolder { folder in
                try await NetworkCable.with { cable in
                    try await Judge.server("http_server.py", namespace: cable.daemon.namespace) { port in
                        try await Pair.withEngine(
                            in: folder,
                            listen: cable.engine.address,
                            namespace: cable.engine.namespace
                        ) { engine in
                            let bind = binds ? "bind: { mode: address, address: \(cable.daemon.address) }, " : ""
                            let configuration = """
                                version: 1
                                context: main
                                contexts:
                                  main:
                                    engine: \(cable.engine.address):\(engine.port)
                                    token: \(ProcessEngine.token)
                                    transport: { \(bind)tls: { caFile: \(engine.caFile) } }
                                \(Pair.quick)
                                tunnels:
                                  - { name: web, forward: 127.0.0.1:\(port), tunnel: { publish: true, protocol: http } }

                                """
                            try await Pair.withDaemon(
                                in: folder,
                                configuration: configuration,
                                namespace: cable.daemon.namespace
                            ) { daemon in
                                try await daemon.logged("tunnel online")
                                let host = Host(
                                    folder: folder,
                                    cable: cable,
                                    engine: engine,
                                    daemon: daemon,
                                    servicePort: port
                                )
                                #expect(await host.isServed())
                                try await body(host)
                            }
                        }
                    }
                }
            }
        }
    }
}
