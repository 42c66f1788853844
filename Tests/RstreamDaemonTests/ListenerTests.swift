// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Glibc
import NIOCore
import NIOPosix
import Rstream
import RstreamAdmin
import RstreamConfig
import RstreamCore
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("A listener", .serialized, .timeLimit(.hang))
struct ListenerTests {
    /// A daemon with the private tunnels "one" and "two" to an echo service, and a listener that dials "one".
    private func withListener(
        _ listen: ListenAddress? = nil,
        _ body: (TestEngine, RunningDaemon, String) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                try await TestServer.with(.echo) { server in
                    let specs = ["one", "two"].map { TunnelSpec(name: $0, publish: false) }
                    var configuration = engine.configuration(specs, to: server.port)
                    let path = folder.path(of: "db.sock")
                    configuration.listeners = [
                        ListenerDefinition(
                            name: "db",
                            listen: listen ?? .unix(path: path),
                            target: "one",
                            context: engine.context()
                        )
                    ]
                    try await RunningDaemon.with(configuration) { daemon in
                        try await daemon.waitForTunnels(2)
                        try await body(engine, daemon, path)
                    }
                }
            }
        }
    }

    private func expectEcho(at path: String) async throws {
        let program = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
        try await program.send("hello")
        #expect(try await program.receive(asLongAs: "hello") == "hello")
        try await program.finish()
        #expect(try await program.receiveText() == "hello")
        await program.close()
    }

    @Test("relays local connections to the private tunnel, and removes its socket when it stops")
    func dial() async throws {
        try await withListener { _, daemon, path in
            try await daemon.log.wait(for: "listening")
            try await expectEcho(at: path)
            try await daemon.stop()
            #expect(await (try? TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))) == nil)
        }
    }

    @Test("that dials another tunnel keeps its socket, and open connections end as configured")
    func update() async throws {
        try await withListener { _, daemon, path in
            try await daemon.log.wait(for: "listening")
            let open = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
            try await open.send("before")
            _ = try await open.receive(asLongAs: "before")
            try await daemon.reload { $0.listeners[0].target = "two" }
            let line = try #require(daemon.log.lines("listener changed").first)
            #expect(line.metadata["action"] == "replace" && line.metadata["streams"] == "1")
            #expect(line.metadata["disposition"] == "drain" && line.metadata["keys"] == "listeners.dial")
            try await expectEcho(at: path)
            try await open.send(" after")
            #expect(try await open.receive(asLongAs: "before after") == "before after")
            #expect(daemon.log.lines("listening").count == 1)
            await open.close()
        }
    }

    @Test("has another limit, dial timeout and mode by a reload, which touches neither its socket nor a stream")
    func options() async throws {
        try await withListener { _, daemon, path in
            try await daemon.log.wait(for: "listening")
            #expect(FileFacts.mode(of: path) == S_IFSOCK | 0o660)
            let open = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
            try await open.send("before")
            _ = try await open.receive(asLongAs: "before")
            try await daemon.reload {
                $0.listeners[0].options = ListenerOptions(
                    dialTimeout: .seconds(20),
                    streamLimit: 1,
                    rights: SocketRights(mode: 0o600)
                )
            }
            let line = try #require(daemon.log.lines("listener changed").first)
            #expect(line.metadata["action"] == "update" && line.metadata["disposition"] == "keep")
            #expect(line.metadata["keys"] == "listeners.dialTimeout listeners.limits.streams listeners.mode")
            #expect(FileFacts.mode(of: path) == S_IFSOCK | 0o600)
            let second = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
            try await second.state.wait(for: "the refusal") { $0.isOver }
            await second.close()
            let refusal = try #require(try await daemon.log.wait(for: "stream limit reached").first)
            #expect(refusal.metadata["listener"] == "db")
            #expect(refusal.metadata["error"] == "the listener has reached its limit of streams")
            let status = try #require(daemon.daemon.statusStore.status(active: 0).listeners.first)
            #expect(status.lastError?.code == RstreamError.Code.overload.rawValue)
            #expect(status.isAsWanted)
            try await daemon.reload { $0.listeners[0].options.streamLimit = 2 }
            try await expectEcho(at: path)
            try await open.send(" after")
            #expect(try await open.receive(asLongAs: "before after") == "before after")
            #expect(daemon.log.lines("listening").count == 1)
            await open.close()
        }
    }

    @Test("gets another group by a reload, or another socket where that fails; streams go on")
    func group() async throws {
        let group = try #require(TestGroup.usable)
        let unknown = "listener group not found"
        try await withListener { _, daemon, path in
            try await daemon.log.wait(for: "listening")
            let open = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
            try await open.send("before")
            _ = try await open.receive(asLongAs: "before")
            try await daemon.reload { $0.listeners[0].options.rights.group = group.name }
            #expect(FileFacts.group(of: path) == group.id)
            #expect(daemon.log.lines("listening").count == 1)
            try await daemon.reload { $0.listeners[0].options.rights.group = "nobody-has-this-group" }
            try await daemon.log.wait(for: "listening", count: 2)
            try await daemon.log.wait(for: unknown)
            #expect(FileFacts.group(of: path) == getegid())
            #expect(daemon.log.lines("listener changed").allSatisfy { $0.metadata["action"] == "update" })
            try await expectEcho(at: path)
            try await open.send(" after")
            #expect(try await open.receive(asLongAs: "before after") == "before after")
            #expect(daemon.warnings.map(\.message) == [unknown])
            await open.close()
        }
    }

    @Test("at localhost listens on both loopback addresses and shows both, until a reload sets one of them")
    func loopbacks() async throws {
        let port = try await TestServer.withDeadPort { $0 }
        let hosts = await TestServer.loopbacks()
        let places = hosts.map { $0 == "::1" ? "[::1]:\(port)" : "\($0):\(port)" }
        try await withListener(.tcp(host: "localhost", port: port)) { _, daemon, _ in
            try await daemon.log.wait(for: "listening")
            for target in ["one", "two"] {
                try await daemon.reload { $0.listeners[0].target = target }
                for host in hosts { try await RstreamDaemonTests.expectEcho(atPort: port, of: host) }
            }
            #expect(daemon.log.lines("listening").map { $0.metadata["address"] } == [places.joined(separator: " ")])
            let status = try #require(daemon.daemon.statusStore.status(active: 0).listeners.first)
            #expect(status.listen == "localhost:\(port)")
            #expect(status.addresses == places)
            try await daemon.reload { $0.listeners[0].listen = .tcp(host: "127.0.0.1", port: port) }
            try await daemon.log.wait(for: "listening", count: 2)
            try await RstreamDaemonTests.expectEcho(atPort: port)
            await #expect(throws: (any Error).self) { try await TestConnection.connect(toPort: port, of: "::1") }
            #expect(daemon.warnings.isEmpty, "\(daemon.warnings)")
        }
    }

    @Test("that is renamed takes over the address of the old one")
    func renamed() async throws {
        try await withListener { _, daemon, path in
            try await daemon.log.wait(for: "listening")
            try await daemon.reload { $0.listeners[0].name = "database" }
            try await daemon.log.wait(for: "listening", count: 2)
            try await expectEcho(at: path)
            #expect(daemon.warnings.isEmpty, "\(daemon.warnings)")
            try await daemon.reload { $0.listeners = [] }
            #expect(await (try? TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))) == nil)
        }
    }

    @Test("whose socket is closed logs it and listens again, and open connections go on")
    func lost() async throws {
        let port = try await TestServer.withDeadPort { $0 }
        try await withListener(.tcp(host: "127.0.0.1", port: port)) { _, daemon, _ in
            try await daemon.log.wait(for: "listening")
            let open = try await TestConnection.connect(toPort: port)
            try await open.send("before")
            _ = try await open.receive(asLongAs: "before")
            for round in 1...2 {
                let socket = try #require(OpenPorts.descriptor(atPort: port))
                #expect(shutdown(socket, CInt(SHUT_RDWR)) == 0)
                let lines = try await daemon.log.wait(for: "listening socket closed", count: round)
                #expect(lines.last?.metadata["retry_in"] == "\(Duration.milliseconds(20))")
                try await daemon.log.wait(for: "listening", count: round + 1)
                try await RstreamDaemonTests.expectEcho(atPort: port)
            }
            try await open.send(" after")
            #expect(try await open.receive(asLongAs: "before after") == "before after")
            await open.close()
            try await daemon.stop()
            #expect(daemon.log.lines("listening").count == 3)
        }
    }

    @Test("that is stopped during a name lookup ends without logging it")
    func stoppedEarly() async throws {
        let (names, log) = (SilentResolver(), LogCapture())
        defer { names.end() }
        let engine = EngineLocation.address(try EngineAddress("127.0.0.1:9"))
        let listener = DialListener(
            .tcp(host: "dead.test", port: 0),
            dial: "one",
            client: RstreamClient(RstreamClientOptions(engine: engine, credential: .none), logger: log.logger),
            names: NameService(names, logger: log.logger),
            resolveTimeout: testTimeout,
            table: StreamTable(capacity: 1),
            logger: log.logger
        )
        let group = MultiThreadedEventLoopGroup.singleton
        let service = ListenerService(listener, policy: ReconnectPolicy(), group: group)
        let running = Task { await service.run() }
        try await names.waitForQuestion()
        await service.stop()
        try await within("the end of the listener") { await running.value }
        #expect(log.lines.value.isEmpty)
    }

    @Test("whose address is in use logs it once, and listens when it is free")
    func taken() async throws {
        try await TestServer.with(.echo) { holder in
            // A listener that was closed has no port any more.
            let port = holder.port
            try await withListener(.tcp(host: "127.0.0.1", port: port)) { _, daemon, _ in
                try await daemon.log.wait(for: "listen failed, retrying")
                await holder.stopListening()
                try await daemon.log.wait(for: "listening")
                let lines = daemon.log.lines("listen failed, retrying")
                #expect(lines.count == 1 && lines.first?.metadata["retry_in"] != nil, "\(lines)")
                try await RstreamDaemonTests.expectEcho(atPort: port)
            }
        }
    }

    @Test("may exchange its address with another one, or take one that is given up, in one reload")
    func exchange() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                try await TestServer.with(.echo) { server in
                    let specs = ["one", "two"].map { TunnelSpec(name: $0, publish: false) }
                    var configuration = engine.configuration(specs, to: server.port)
                    let ports = try await TestServer.withDeadPort { first in
                        try await TestServer.withDeadPort { second in [first, second] }
                    }
                    configuration.listeners = [("a", ports[0]), ("b", ports[1])].map { name, port in
                        ListenerDefinition(
                            name: name,
                            listen: .tcp(host: "127.0.0.1", port: port),
                            target: "one",
                            context: engine.context()
                        )
                    }
                    try await RunningDaemon.with(configuration) { daemon in
                        try await daemon.waitForTunnels(2)
                        try await daemon.log.wait(for: "listening", count: 2)
                        try await daemon.reload { configuration in
                            let place = configuration.listeners[0].listen
                            configuration.listeners[0].listen = configuration.listeners[1].listen
                            configuration.listeners[1].listen = place
                        }
                        try await daemon.log.wait(for: "listening", count: 4)
                        for port in ports { try await RstreamDaemonTests.expectEcho(atPort: port) }
                        #expect(daemon.warnings.isEmpty, "\(daemon.warnings)")
                    }
                }
            }
        }
    }

    @Test("that is replaced leaves no error behind")
    func complaint() async throws {
        try await withListener { _, daemon, path in
            try await daemon.log.wait(for: "listening")
            try await daemon.reload { $0.listeners[0].target = "nobody" }
            let program = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
            try await program.send("hello")
            try await daemon.log.wait(for: "tunnel unreachable")
            await program.close()
            let statusStore = daemon.daemon.statusStore
            #expect(statusStore.read { $0.listeners.first?.error != nil })
            try await daemon.reload {
                $0.listeners[0].target = "one"
                $0.listeners[0].listen = .unix(path: path + "2")
            }
            try await daemon.log.wait(for: "listening", count: 2)
            try await expectEcho(at: path + "2")
            #expect(statusStore.read { $0.listeners.first?.error == nil })
        }
    }

    @Test("applies the backoff of a reload, also while it waits for its address")
    func neverAnswered() async throws {
        try await TestServer.with(.echo) { holder in
            let port = holder.port
            try await withListener(.tcp(host: "127.0.0.1", port: port)) { _, daemon, _ in
                try await daemon.log.wait(for: "listen failed, retrying")
                try await daemon.reload {
                    $0.reconnect.minimum = .milliseconds(1)
                    $0.reconnect.maximum = .milliseconds(1)
                }
                #expect(
                    daemon.log.lines("setting changed").map { $0.metadata["key"] }
                        == ["reconnect.minimum", "reconnect.maximum"]
                )
                await holder.stopListening()
                try await daemon.log.wait(for: "listening")
            }
        }
    }
}
