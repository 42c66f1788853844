import Glibc
import Logging
import NIOCore
import NIOPosix
import Rstream
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("A listener", .serialized, .timeLimit(.hang))
struct DialListenerTests {
    /// A private tunnel to a service, and a listener that dials it.
    private func withFixtures(
        _ behaviour: TestServer.Behaviour = .manual,
        at address: DialListener.Address = .tcp(host: "127.0.0.1", port: 0),
        streamLimit: Int = 0,
        _ body: (TestServer, ListenerFixture) async throws -> Void
    ) async throws {
        try await TestServer.with(behaviour) { server in
            try await RelayFixture.with(.port(server.port), way: .dial) { fixture in
                try await ListenerFixture.with(address, client: fixture.client, streamLimit: streamLimit) {
                    try await body(server, $0)
                }
            }
        }
    }

    @Test(
        "relays a local connection to the tunnel it dials, both ways and each to its end",
        arguments: ["tcp", "unix"]
    )
    func relays(kind: String) async throws {
        try await TemporaryFolder.with { folder in
            let unix = DialListener.Address.unix(path: folder.path(of: "s"))
            try await withFixtures(at: kind == "unix" ? unix : .tcp(host: "127.0.0.1", port: 0)) { server, fixture in
                let local = try await fixture.connect()
                try await local.send(.pattern(100_000))
                try await local.finish()
                let service = try await server.connection()
                #expect(try await service.receiveAll() == .pattern(100_000))
                try await service.send("answer")
                try await service.finish()
                #expect(try await local.receiveText() == "answer")
                try await fixture.log.wait(for: "stream closed")
                let totals = fixture.listener.ledger.totals
                #expect((totals.active, totals.total, totals.failed) == (0, 1, 0))
                #expect((totals.received, totals.sent) == (6, 100_000))
                await local.close()
            }
        }
    }

    /// Whether this host's kernel has the family.
    private static let hasIPv6 = {
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }()

    @Test(
        "at all addresses of IPv6 leaves those of IPv4 to another one",
        .enabled(if: Binaries.mustBeComplete || hasIPv6)
    )
    func families() async throws {
        let client = try ListenerFixture.client(ofEngineAt: 9)
        try await ListenerFixture.with(.tcp(host: "0.0.0.0", port: 0), client: client) { first in
            let port = try #require(first.listener.localAddress?.port)
            try await ListenerFixture.with(.tcp(host: "::", port: port), client: client) { second in
                #expect(second.listener.localAddress?.port == port)
                #expect(second.listener.localAddress?.ipAddress == "::")
            }
        }
    }

    @Test("delivers what a local program says that is gone at once", arguments: ["tcp", "unix"])
    func partingWords(kind: String) async throws {
        try await TemporaryFolder.with { folder in
            let unix = DialListener.Address.unix(path: folder.path(of: "s"))
            try await withFixtures(at: kind == "unix" ? unix : .tcp(host: "127.0.0.1", port: 0)) { server, fixture in
                for number in 0..<10 {
                    let local = try await fixture.connect()
                    try await local.send("words")
                    await local.close()
                    let service = try await server.connection(number)
                    #expect(try await service.receiveText() == "words")
                    await service.close()
                }
                try await fixture.log.wait(for: "stream closed", count: 10)
                #expect(fixture.listener.ledger.totals.failed == 0)
            }
        }
    }

    @Test("says that the tunnel it dials does not exist")
    func noSuchTunnel() async throws {
        try await withFixtures { server, fixture in
            let local = try await fixture.connect()
            try await local.send("x")
            let service = try await server.connection()
            _ = try await service.receive(1)
            // Who gets no byte counts as failed.
            try await service.send("y")
            _ = try await local.receive(1)
            await local.close()
            await service.close()
            try await fixture.log.wait(for: "stream closed")
            fixture.listener.update(dial: "nobody", client: fixture.client, streamLimit: 0)
            try await fixture.connectInVain()
            let line = try #require(try await fixture.log.wait(for: "the tunnel cannot be dialed").first)
            #expect(line.level == .warning)
            #expect(fixture.listener.ledger.totals.failed == 1)
        }
    }

    @Test("passes a reset on, from either side")
    func resets() async throws {
        try await withFixtures { server, fixture in
            for index in 0..<2 {
                let local = try await fixture.connect()
                try await local.send("x")
                let service = try await server.connection(index)
                _ = try await service.receive(1)
                if index == 0 {
                    await local.reset()
                    try await service.waitForReset()
                } else {
                    await service.reset()
                    try await local.waitForReset()
                }
            }
        }
    }

    @Test("resets a connection whose dial failed, and says so once")
    func dialFails() async throws {
        try await TestServer.withDeadPort { port in
            try await ListenerFixture.with(client: try ListenerFixture.client(ofEngineAt: port)) { fixture in
                for _ in 0..<3 { try await fixture.connectInVain() }
                try await fixture.log.wait(for: "stream closed", count: 3)
                let line = try #require(fixture.log.lines("the tunnel cannot be dialed").first)
                #expect(fixture.log.lines("the tunnel cannot be dialed").count == 1)
                #expect(line.level == .warning)
                #expect(line.metadata["error_code"] == "ERR_RSTREAM_ENGINE_UNREACHABLE")
                #expect(fixture.listener.ledger.totals.failed == 3)
            }
        }
    }

    @Test("says once that the tunnel can be dialed again, and dials another one when told to")
    func updated() async throws {
        try await TestServer.withDeadPort { port in
            try await TestServer.with { server in
                try await RelayFixture.with(.port(server.port), way: .dial) { relays in
                    try await ListenerFixture.with(client: try ListenerFixture.client(ofEngineAt: port)) { fixture in
                        try await fixture.connectInVain()
                        fixture.listener.update(dial: "relayed", client: relays.client, streamLimit: 0)
                        let local = try await fixture.connect()
                        try await local.send("x")
                        #expect(try await local.receive(asLongAs: "x") == "x")
                        await local.close()
                    }
                }
            }
        }
    }

    @Test("reads nothing from a connection before its dial is up, and gives the dial up when the connection goes away")
    func dialHangs() async throws {
        try await TestServer.withFullQueue { port in
            try await ListenerFixture.with(client: try ListenerFixture.client(ofEngineAt: port)) { fixture in
                let local = try await fixture.connect()
                let transfer = 64 * 1_024 * 1_024
                let sent = local.pump(transfer)
                try await sent.wait(for: "the first bytes to be taken") { $0 > 0 }
                let stream = try await eventually("the stream") { fixture.listener.ledger.snapshots.first }
                #expect((stream.state, stream.sent) == (.opening, 0))
                await local.reset()
                try await fixture.log.wait(for: "stream closed")
                #expect(sent.value < transfer)
                #expect(fixture.listener.ledger.totals.failed == 0)
                #expect(fixture.log.lines("the tunnel cannot be dialed").isEmpty)
            }
        }
    }

    @Test("resets what is beyond its limit of streams")
    func limit() async throws {
        try await withFixtures(.echo, streamLimit: 1) { _, fixture in
            let first = try await fixture.connect()
            try await first.send("x")
            _ = try await first.receive(1)
            try await fixture.connectInVain()
            #expect(fixture.listener.activeStreams == 1)
            try await first.finish()
            #expect(try await first.receiveText() == "x")
            try await fixture.log.wait(for: "stream closed")
            let third = try await fixture.connect()
            try await third.send("y")
            #expect(try await third.receive(asLongAs: "y") == "y")
            for local in [first, third] { await local.close() }
        }
    }

    @Test("that is stopped takes no more connections; its streams run on until they end or are cut")
    func stop() async throws {
        try await withFixtures(.echo) { _, fixture in
            let local = try await fixture.connect()
            try await local.send("x")
            _ = try await local.receive(1)
            let port = try #require(fixture.listener.localAddress?.port)
            await fixture.listener.stop()
            await #expect(throws: (any Error).self) { try await TestConnection.connect(toPort: port) }
            let retired = fixture.listener.retire()
            #expect(retired.count == 1)
            try await local.send("y")
            #expect(try await local.receive(asLongAs: "xy") == "xy")
            retired.cut()
            try await local.waitForReset()
            try await within("the cut stream's end") { await retired.waitUntilEnded() }
        }
    }

    @Test("does not start where somebody else listens")
    func taken() async throws {
        try await TestServer.with { server in
            let listener = DialListener(
                .tcp(host: "127.0.0.1", port: server.port),
                dial: "relayed",
                client: try ListenerFixture.client(ofEngineAt: 1),
                table: StreamTable(capacity: 1),
                logger: LogCapture().logger
            )
            let error = await #expect(throws: RstreamError.self) {
                try await listener.start(on: MultiThreadedEventLoopGroup.singleton)
            }
            #expect(error?.code == .listenerUnavailable)
            #expect(error?.what.contains("somebody else listens there") == true)
        }
    }

    @Test("at a Unix socket is for its user and group, and takes the file away when it stops")
    func socketFile() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            var status = stat()
            try await ListenerFixture.with(.unix(path: path), client: try ListenerFixture.client(ofEngineAt: 1)) { _ in
                #expect(lstat(path, &status) == 0 && status.st_mode == S_IFSOCK | 0o660)
            }
            #expect(lstat(path, &status) != 0)
        }
    }

    @Test("says why there can be no Unix socket of its own")
    func noSocketFile() async throws {
        try await TemporaryFolder.with { folder in
            try folder.write("precious", to: "file")
            try await TestServer.with(at: .unix(path: folder.path(of: "s"))) { _ in
                let reasons = [
                    "s": "somebody else listens there", "file": "what is there is not a socket",
                    "no/s": "No such file or directory",
                ]
                for (name, reason) in reasons {
                    let client = try ListenerFixture.client(ofEngineAt: 1)
                    let error = await #expect(throws: RstreamError.self) {
                        try await ListenerFixture.with(.unix(path: folder.path(of: name)), client: client) { _ in }
                    }
                    #expect(error?.code == .listenerUnavailable)
                    #expect(error?.what.hasSuffix(reason) == true, "\(error?.what ?? "")")
                }
            }
        }
    }
}

/// Looks again and again until there is a value, for what no event tells of.
private func eventually<Value>(_ what: String, _ look: () async throws -> Value?) async throws -> Value {
    let start = ContinuousClock.now
    while start.duration(to: .now) < patience {
        if let value = try await look() { return value }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw DeadlinePassed(what: what, state: "never seen")
}
