// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

/// A daemon at one end of a cable with a web server behind it, and an engine at the other end.
struct CabledHost {
    let folder: ProcessFolder
    let cable: NetworkCable
    let engine: ProcessEngine
    let daemon: ProcessDaemon
    let servicePort: Int

    /// Runs a body with a host whose tunnel is open. `settings` are those of the daemon, `bind` is a part of its transport.
    static func with(
        _ settings: String = Pair.quick,
        engine arguments: [String] = [],
        bind: (NetworkCable) -> String = { _ in "" },
        _ body: (CabledHost) async throws -> Void
    ) async throws {
        try await Pair.withFolder { folder in
            try await NetworkCable.with { cable in
                try await Judge.server("http_server.py", namespace: cable.daemon.namespace) { port in
                    try await Pair.withEngine(
                        in: folder,
                        arguments,
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
                                transport: { \(bind(cable))tls: { caFile: \(engine.caFile) } }
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
                            try await body(
                                CabledHost(
                                    folder: folder,
                                    cable: cable,
                                    engine: engine,
                                    daemon: daemon,
                                    servicePort: port
                                )
                            )
                        }
                    }
                }
            }
        }
    }

    /// Under which name the engine publishes the tunnel. It may be another one than at first: an engine that does not notice
    /// for long that a session is gone keeps its name from the next one.
    var address: String? {
        let line = daemon.log.last { $0.message.hasPrefix("tunnel online") }
        // https://name:port
        return line?.facts["address"]?.split(separator: "/").last.map(String.init)
    }

    /// The page that a visitor at the engine's end gets.
    func page() async throws -> [String] {
        let address = try #require(address)
        return try await cable.run(
            cable.engine,
            "/usr/bin/curl",
            "--silent",
            "--show-error",
            "--fail",
            "--noproxy",
            "*",
            "--max-time",
            "45",
            "--cacert",
            engine.caFile,
            "--resolve",
            "\(address):\(cable.engine.address)",
            "https://\(address)/"
        )
    }
}
