// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Glibc
import Logging
import NIOCore
import NIOPosix
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("A listener", .serialized, .timeLimit(.hang))
struct DialListenerTests {
    /// A private tunnel to a service, and a listener that dials it.
    private func withFixtures(
        _ behaviour: TestServer.Behaviour = .manual,
        at address: ListenAddress = .tcp(host: "127.0.0.1", port: 0),
        options: ListenerOptions = ListenerOptions(),
        _ body: (TestServer, ListenerFixture) async throws -> Void
    ) async throws {
        try await TestServer.with(behaviour) { server in
            try await RelayFixture.with(.port(server.port), way: .dial) { fixture in
                try await ListenerFixture.with(address, client: fixture.client, options: options) {
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
            let unix = ListenAddress.unix(path: folder.path(of: "s"))
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

    @Test(
        "at all addresses of IPv6 leaves those of IPv4 to another one",
        .enabled("there is no IPv6") { await TestServer.hasIPv6() }
    )
    func families() async throws {
        let client = try ListenerFixture.client(ofEngineAt: 9)
        try await ListenerFixture.with(.tcp(host: "0.0.0.0", port: 0), client: client) { first in
            try await ListenerFixture.with(.tcp(host: "::", port: first.port), client: client) { second in
                #expect(second.listener.places == ["[::]:\(first.port)"])
            }
        }
    }

    @Test("at localhost takes connections at both loopbacks, at one port")
    func loopbacks() async throws {
        let hosts = await TestServer.loopbacks()
        try await withFixtures(.echo, at: .tcp(host: "localhost", port: 0)) { _, fixture in
            #expect(fixture.listener.localAddresses.map(\.ipAddress) == hosts)
            #expect(fixture.listener.localAddresses.allSatisfy { $0.port == fixture.port })
            let places = ["127.0.0.1:\(fixture.port)", "[::1]:\(fixture.port)"].prefix(hosts.count)
            #expect(fixture.listener.places == Array(places))
            let line = try #require(fixture.log.lines("listening").first)
            #expect(line.metadata["address"] == places.joined(separator: " "))
            for host in hosts {
                let local = try await TestConnection.connect(toPort: fixture.port, of: host)
                try await local.send(host)
                try await local.finish()
                #expect(try await local.receiveText() == host)
                await local.close()
            }
            await fixture.listener.stop()
            #expect(fixture.listener.places.isEmpty)
            for host in hosts {
                await #expect(throws: (any Error).self) {
                    try await TestConnection.connect(toPort: fixture.port, of: host)
                }
            }
        }
    }

    @Test(
        "at localhost listens at neither loopback if one is in use, and says which",
        .enabled("there is no IPv6") { await TestServer.hasIPv6() }
    )
    func halfTaken() async throws {
        try await TestServer.withDeadPort(of: "::1") { port in
            let client = try ListenerFixture.client(ofEngineAt: 1)
            let error = await #expect(throws: RstreamError.self) {
                try await ListenerFixture.with(.tcp(host: "localhost", port: port), client: client) { _ in }
            }
            #expect(
                error?.what == "cannot listen on [::1]:\(port) (localhost:\(port)): another program listens there"
            )
            await #expect(throws: (any Error).self) { try await TestConnection.connect(toPort: port) }
        }
    }

    @Test(
        "listens no more at either loopback when one socket is lost, and takes both again",
        .enabled("there is no IPv6") { await TestServer.hasIPv6() }
    )
    func halfLost() async throws {
        let client = try ListenerFixture.client(ofEngineAt: 9)
        try await ListenerFixture.with(.tcp(host: "localhost", port: 0), client: client) { fixture in
            let socket = try #require(OpenPorts.descriptor(atPort: fixture.port))
            #expect(shutdown(socket, Int32(SHUT_RDWR)) == 0)
            try await within("the end of both") { await fixture.listener.waitUntilClosed() }
            #expect(!fixture.listener.isListening)
            #expect(fixture.listener.places.isEmpty)
            try await fixture.listener.start(on: MultiThreadedEventLoopGroup.singleton)
            #expect(fixture.listener.places.count == 2)
        }
    }

    @Test("delivers what a local program says that is gone at once", arguments: ["tcp", "unix"])
    func partingWords(kind: String) async throws {
        try await TemporaryFolder.with { folder in
            let unix = ListenAddress.unix(path: folder.path(of: "s"))
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
            fixture.listener.update(dial: "nobody", client: fixture.client, options: ListenerOptions())
            try await fixture.connectInVain()
            let line = try #require(try await fixture.log.wait(for: "tunnel unreachable").first)
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
                let line = try #require(fixture.log.lines("tunnel unreachable").first)
                #expect(fixture.log.lines("tunnel unreachable").count == 1)
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
                        fixture.listener.update(
                            dial: "relayed",
                            client: relays.client,
                            options: ListenerOptions()
                        )
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
                #expect(fixture.log.lines("tunnel unreachable").isEmpty)
            }
        }
    }

    @Test("gives a dial up that takes longer than it may, whether the engine does not connect or does not answer")
    func dialTimeout() async throws {
        func expectTimeout(_ client: RstreamClient, _ reason: String) async throws {
            let options = ListenerOptions(dialTimeout: .milliseconds(300))
            try await ListenerFixture.with(client: client, options: options) { fixture in
                try await fixture.connectInVain()
                let line = try #require(try await fixture.log.wait(for: "tunnel unreachable").first)
                #expect(line.metadata["error"]?.hasSuffix(reason) == true, "\(line)")
                #expect(fixture.listener.ledger.totals.failed == 1)
            }
        }
        try await TestServer.withFullQueue { port in
            try await expectTimeout(try ListenerFixture.client(ofEngineAt: port), "no connection within 0.3 s")
        }
        // The agent never gets its connection, so nothing is answered.
        try await TestEngine.with(.with { $0.faults = [Fault(.proxyStall)] }) { engine in
            let options = RstreamClientOptions(
                engine: engine.address,
                credential: .token(TestEngine.token),
                transport: TransportOptions(tls: TransportOptions.TLS(caFile: engine.caFile)),
                timeouts: .patient
            )
            let client = RstreamClient(options)
            let control = try await client.connect()
            _ = try await control.createTunnel(TunnelSpec(name: "relayed", publish: false))
            try await expectTimeout(client, "within 0.3 s")
            await control.close()
        }
    }

    @Test("resets what is beyond its limit of streams, and takes more when the limit is raised")
    func limit() async throws {
        try await withFixtures(.echo, options: ListenerOptions(streamLimit: 1)) { _, fixture in
            let first = try await fixture.connect()
            try await first.send("x")
            _ = try await first.receive(1)
            try await fixture.connectInVain()
            #expect(fixture.listener.activeStreams == 1)
            let line = try #require(try await fixture.log.wait(for: "connection refused").first)
            #expect(line.metadata["reason"] == "the listener has reached its limit of streams")
            #expect(fixture.listener.ledger.totals.ended[.refused] == 1)
            fixture.listener.update(
                dial: "relayed",
                client: fixture.client,
                options: ListenerOptions(streamLimit: 2),
                isSame: true
            )
            let second = try await fixture.connect()
            try await second.send("z")
            #expect(try await second.receive(asLongAs: "z") == "z")
            await second.close()
            try await first.finish()
            #expect(try await first.receiveText() == "x")
            // The refused one has such a line too.
            try await fixture.log.wait(for: "stream closed", count: 3)
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
            let port = fixture.port
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

    @Test("does not start where another process listens")
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
            #expect(error?.what.contains("another program listens there") == true)
        }
    }

    @Test("at a Unix socket is for its user and group, and takes the file away when it stops")
    func socketFile() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await ListenerFixture.with(.unix(path: path), client: try ListenerFixture.client(ofEngineAt: 1)) { _ in
                #expect(FileFacts.mode(of: path) == S_IFSOCK | 0o660)
            }
            #expect(FileFacts.mode(of: path) == nil)
        }
    }

    @Test("at a Unix socket is for those whom its mode and its group name")
    func rights() async throws {
        let group = try #require(TestGroup.usable)
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let options = ListenerOptions(rights: SocketRights(mode: 0o620, group: group.name))
            let client = try ListenerFixture.client(ofEngineAt: 1)
            try await ListenerFixture.with(.unix(path: path), client: client, options: options) { fixture in
                #expect(FileFacts.mode(of: path) == S_IFSOCK | 0o620)
                #expect(FileFacts.group(of: path) == group.id)
                #expect(fixture.listener.places == ["unix:\(path)"])
                #expect(fixture.log.lines(at: .warning).isEmpty)
            }
        }
    }

    @Test("at a Unix socket whose group does not exist is the daemon's own group's, which is said")
    func unknownGroup() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let options = ListenerOptions(rights: SocketRights(group: "nobody-has-this-group"))
            let client = try ListenerFixture.client(ofEngineAt: 1)
            try await ListenerFixture.with(.unix(path: path), client: client, options: options) { fixture in
                #expect(FileFacts.group(of: path) == getegid())
                let line = try #require(
                    fixture.log.lines("listener group not found").first
                )
                #expect(line.level == .warning)
                #expect(line.metadata["group"] == "nobody-has-this-group")
            }
        }
    }

    @Test("gives its Unix socket other rights, and is not away for a moment")
    func changedRights() async throws {
        let group = try #require(TestGroup.usable)
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await withFixtures(.echo, at: .unix(path: path)) { _, fixture in
                let first = try #require(FileFacts.number(of: path))
                let open = try await fixture.connect()
                try await open.send("x")
                _ = try await open.receive(1)
                for rights in [
                    SocketRights(mode: 0o600), SocketRights(mode: 0o666, group: group.name),
                    SocketRights(mode: 0o640, group: group.name),
                ] {
                    #expect(await fixture.listener.changeRights(to: rights))
                    #expect(FileFacts.mode(of: path) == S_IFSOCK | rights.mode)
                    #expect(rights.group == nil || FileFacts.group(of: path) == group.id)
                    #expect(FileFacts.number(of: path) == first, "it is the same socket")
                }
                try await open.send("y")
                #expect(try await open.receive(asLongAs: "xy") == "xy")
                let next = try await fixture.connect()
                try await next.send("z")
                #expect(try await next.receive(asLongAs: "z") == "z")
                #expect(fixture.log.lines("listening").count == 1)
                for local in [open, next] { await local.close() }
            }
        }
    }

    @Test("has another Unix socket made where the one that is there cannot be given the rights")
    func unchangeableRights() async throws {
        let group = try #require(TestGroup.usable)
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let options = ListenerOptions(rights: SocketRights(group: group.name))
            let client = try ListenerFixture.client(ofEngineAt: 1)
            try await ListenerFixture.with(.unix(path: path), client: client, options: options) { fixture in
                #expect(await fixture.listener.changeRights(to: options.rights), "there is nothing to change")
                #expect(await !fixture.listener.changeRights(to: SocketRights()), "which group it had is not known")
            }
            try await ListenerFixture.with(.unix(path: path), client: client) { fixture in
                #expect(unlink(path) == 0)
                try folder.write("another's", to: "s", mode: 0o644)
                #expect(await !fixture.listener.changeRights(to: SocketRights(mode: 0o600)))
                #expect(FileFacts.mode(of: path) == S_IFREG | 0o644)
            }
        }
    }

    @Test("says why there can be no Unix socket of its own")
    func noSocketFile() async throws {
        try await TemporaryFolder.with { folder in
            try folder.write("precious", to: "file")
            try await TestServer.with(at: .unix(path: folder.path(of: "s"))) { _ in
                let reasons = [
                    "s": "another program listens there", "file": "what is there is not a socket",
                    "no/s": "there is no folder \(folder.path(of: "no"))",
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
    while start.duration(to: .now) < testTimeout {
        if let value = try await look() { return value }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw DeadlinePassed(what: what, state: "never seen")
}
