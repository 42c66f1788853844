import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

extension Integration {
    /// A network that fails and comes back, as a host sees it, between the real binaries.
    ///
    /// What the host can see is tried with waits of an hour too, where nothing but the watcher of the network brings a
    /// session back in time; its tunnels may have to wait until the engine has noticed that the old session is gone.
    @Suite(
        .enabled("\(NetworkCable.needs)") { await NetworkCable.isPossible() }
    )
    struct OutageTests {
        private static let patient = "reconnect: { minimum: 1h, maximum: 1h, rejected: 1h }"
        private static let back = "the session with the engine is back"
        private static let lost = "no session with the engine, trying again"
        private static let interface = NetworkCable.interface
        private static let liveness = Duration.seconds(8)
        /// How long the engine takes to notice that a session is gone, and keeps the names of its tunnels: the dev engine
        /// waits for twice the timeout.
        private static let kept = liveness * 2
        /// A try of the tunnel's after that: they are some seconds apart by then.
        private static let retry = Duration.seconds(8)

        @Test("a link that comes up brings back at once the session that was lost with it")
        func link() async throws {
            for (settings, sign) in [(Self.patient, "engine connected"), ("", Self.back)] {
                try await Self.withDaemon(settings) { host in
                    try await host.expect(sign, "link down and up") {
                        try await host.cable.ip(host.cable.daemon, "link set \(Self.interface) down")
                        try await host.daemon.logged(Self.lost, within: .seconds(60))
                    } mend: {
                        try await host.cable.ip(host.cable.daemon, "link set \(Self.interface) up")
                    }
                    if sign == Self.back { try await host.visit() }
                }
            }
        }

        @Test("another address brings back at once the session that was lost with the old one")
        func address() async throws {
            for (settings, sign) in [(Self.patient, "engine connected"), ("", Self.back)] {
                try await Self.withDaemon(settings) { host in
                    try await host.expect(sign, "address changed in one go") {
                        try await host.lose(host.cable.daemon.address)
                    } mend: {
                        try await host.get("10.99.0.3")
                    }
                    try await host.expect(sign, "address gone, another one later") {
                        let mark = host.daemon.mark
                        try await host.lose("10.99.0.3")
                        // An attempt at once, for which there is no way out.
                        try await host.daemon.logged("still no session with the engine", from: mark)
                    } mend: {
                        try await host.get("10.99.0.4")
                    }
                    if sign == Self.back { try await host.visit() }
                }
            }
        }

        @Test("a black hole in either direction, which no host can see, is survived", arguments: ["input", "output"])
        func blackHole(direction: String) async throws {
            try await Self.withDaemon("") { host in
                let end = host.cable.daemon
                let port = direction == "input" ? "sport" : "dport"
                try await host.expect(Self.back, "black hole for \(direction)", isSeen: false) {
                    try await host.cable.drop(end, direction, "tcp \(port) \(host.engine.port)")
                    try await host.daemon.logged(Self.lost, within: .seconds(60))
                } mend: {
                    try await host.cable.heal(end)
                }
                try await host.visit()
            }
        }

        // MARK: One host

        /// A daemon at one end of a cable, an engine at the other, and a web server behind the daemon.
        private struct Host {
            let cable: NetworkCable
            let engine: ProcessEngine
            let daemon: ProcessDaemon

            /// Breaks the network and mends it; the daemon must say `sign` soon after. What the host sees of the mending is not
            /// waited for any longer than the engine makes it.
            func expect(
                _ sign: String,
                _ what: String,
                isSeen: Bool = true,
                break: () async throws -> Void,
                mend: () async throws -> Void
            ) async throws {
                let mark = daemon.mark
                let began = ContinuousClock.now
                try await `break`()
                let (mended, mendedMark) = (ContinuousClock.now, daemon.mark)
                try await mend()
                try await daemon.logged(sign, from: sign == OutageTests.back ? mark : mendedMark, within: .seconds(90))
                let now = ContinuousClock.now
                if sign == OutageTests.back, isSeen {
                    // A tunnel serves when the session is said to be back, and does so where it did before.
                    #expect(now - began < max(mended - began, OutageTests.kept) + OutageTests.retry, "\(what)")
                    #expect(!daemon.log.contains { $0.message == "tunnel online at another address" }, "\(what)")
                }
                print(
                    """
                    \(what): \(sign) \((now - mended).secondsText) after the mending, \
                    \((now - began).secondsText) after the break
                    """
                )
                #expect(daemon.process.isRunning)
            }

            func lose(_ address: String) async throws {
                try await cable.ip(cable.daemon, "addr del \(address)/24 dev \(OutageTests.interface)")
            }

            func get(_ address: String) async throws {
                try await cable.ip(cable.daemon, "addr add \(address)/24 dev \(OutageTests.interface)")
            }

            /// A visitor at the engine's end gets the page. The address may be another one than at first: an engine
            /// that does not notice for long that a session is gone keeps its name from the next one.
            func visit() async throws {
                let line = daemon.log.last { $0.message.hasPrefix("tunnel online") }
                // https://name:port
                let name = try #require(line?.facts["address"]?.split(separator: "/").last)
                let hostname = String(name.prefix { $0 != ":" })
                let lines = try await cable.run(
                    cable.engine,
                    "/usr/bin/curl",
                    "--silent",
                    "--show-error",
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
                #expect(lines == ["1 \(hostname):\(engine.port)"])
            }
        }

        private static func withDaemon(_ settings: String, _ body: (Host) async throws -> Void) async throws {
            try await Pair.withFolder { folder in
                try await NetworkCable.with { cable in
                    try await Judge.server("http_server.py", namespace: cable.daemon.namespace) { port in
                        try await Pair.withEngine(
                            in: folder,
                            ["--liveness-timeout", "\(liveness.components.seconds)s"],
                            listen: cable.engine.address,
                            namespace: cable.engine.namespace
                        ) { engine in
                            let configuration = """
                                version: 1
                                context: main
                                contexts:
                                  main:
                                    engine: \(cable.engine.address):\(engine.port)
                                    token: \(ProcessEngine.token)
                                    transport: { tls: { caFile: \(engine.caFile) } }
                                \(settings)
                                tunnels:
                                  - { name: web, forward: 127.0.0.1:\(port), tunnel: { publish: true, protocol: http } }

                                """
                            try await Pair.withDaemon(
                                in: folder,
                                configuration: configuration,
                                namespace: cable.daemon.namespace
                            ) { daemon in
                                try await daemon.logged("tunnel online")
                                let host = Host(cable: cable, engine: engine, daemon: daemon)
                                try await host.visit()
                                try await body(host)
                            }
                        }
                    }
                }
            }
        }
    }
}
