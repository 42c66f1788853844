// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Glibc
import Logging
import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A dial", .serialized, .timeLimit(.hang))
struct DialTests {
    private static let loop = MultiThreadedEventLoopGroup.singleton.next()

    private func dial(
        _ address: EngineAddress,
        _ transport: TransportOptions = TransportOptions(),
        addresses: TestResolver = TestResolver()
    ) async throws -> any Channel {
        let names = NameService(addresses, logger: LogCapture().logger)
        let future = Dialer(transport).dial(address, names: names, on: Self.loop, within: testTimeout)
        return try await within("the connection") { try await future.get() }
    }

    private func option(_ level: CInt, _ name: CInt, of channel: any Channel) async throws -> CInt {
        let socket = try #require(channel as? any SocketOptionProvider)
        return try await socket.unsafeGetSocketOption(
            level: NIOBSDSocket.OptionLevel(rawValue: level),
            name: NIOBSDSocket.Option(rawValue: name)
        ).get()
    }

    // MARK: Names

    /// Connects and opens a stream, to an engine whose name resolves to `dead` addresses first.
    private func findEngine(after dead: [String], _ engine: TestEngine) async throws {
        let addresses = TestResolver(["engine.test": dead + ["127.0.0.1"]])
        let options = engine.client { $0.engine = .address(.literal("engine.test:\(engine.address.port)")) }.options
        let client = RstreamClient(options, addresses: addresses)
        let control = try await client.connect()
        let tunnel = try await control.createTunnel(unpublished())
        let dialed = try await client.dial("private").take()
        let accepted = try await tunnel.next().take()
        try await dialed.send("hello")
        #expect(try await accepted.receive(asLongAs: "hello") == "hello")
        await dialed.close()
        await accepted.close()
        await control.close()
        try await engine.waitUntilDeserted()
    }

    @Test("falls back to IPv4 if IPv6 refuses")
    func refusingFirst() async throws {
        try await TestEngine.with(.with { $0.host = "engine.test" }) { engine in
            try await findEngine(after: ["::1"], engine)
        }
    }

    @Test("falls back to IPv4 if IPv6 does not answer")
    func silentFirst() async throws {
        try await TestEngine.with(.with { $0.host = "engine.test" }) { engine in
            try await SilentIPv6.with(port: engine.address.port) {
                try await findEngine(after: ["::1"], engine)
            }
        }
    }

    @Test("uses the engine's last known address if its name cannot be resolved any more")
    func lastKnown() async throws {
        try await TestEngine.with(.with { $0.host = "engine.test" }) { engine in
            let addresses = TestResolver(["engine.test": ["127.0.0.1"]])
            let options = engine.client { $0.engine = .address(.literal("engine.test:\(engine.address.port)")) }.options
            let client = RstreamClient(options, addresses: addresses)
            await (try client.connect()).close()
            addresses.fail("engine.test")
            await (try client.connect()).close()
            let stranger = RstreamClient(options, addresses: addresses)
            let error = try await failure { _ = try await stranger.connect() }
            #expect(
                error.what
                    == "engine \(options.engine): the name \"engine.test\" cannot be resolved: no server answers"
            )
        }
    }

    @Test("of a stream is repeated if the first is not answered, and the first's end does not end the second")
    func secondDial() async throws {
        try await TestEngine.with(.with { $0.host = "engine.test" }) { engine in
            try await SilentIPv6.with(port: engine.address.port) {
                let addresses = TestResolver(["engine.test": ["127.0.0.1"]])
                let options = engine.client {
                    $0.engine = .address(.literal("engine.test:\(engine.address.port)"))
                    // The first dial uses all of the timeout.
                    $0.timeouts.streamDial = longestStall
                }.options
                let control = try await RstreamClient(options, addresses: addresses).connect()
                let tunnel = try await control.createTunnel(unpublished())
                addresses.answer("engine.test", ["::1"])
                let count = addresses.asked.value.count
                let dialed = try await engine.client().dial("private").take()
                try await addresses.asked.wait(for: "the first dial") { $0.count >= count + 2 }
                addresses.answer("engine.test", ["127.0.0.1"])
                // The first dial fails right after its start.
                try await addresses.asked.wait(for: "the second dial", within: .seconds(90)) { $0.count >= count + 4 }
                await (try await tunnel.next().take()).close()
                await dialed.close()
                await control.close()
                try await engine.waitUntilDeserted()
            }
        }
    }

    @Test("failed dials of streams are logged above debug once, with a fix")
    func lostStreams() async throws {
        let message = "streams cannot reach the engine"
        try await TestEngine.with(.with { $0.host = "engine.test" }) { engine in
            let log = LogCapture()
            let addresses = TestResolver(["engine.test": ["127.0.0.1"]])
            let options = engine.client { $0.engine = .address(.literal("engine.test:\(engine.address.port)")) }.options
            let control = try await RstreamClient(options, logger: log.logger, addresses: addresses).connect()
            let tunnel = try await control.createTunnel(unpublished())
            func refuse(_ count: Int) async throws {
                let dialed = try await engine.client().dial("private").take()
                try await engine.refusals(count)
                await dialed.close()
            }
            // No server listens there.
            addresses.answer("engine.test", ["127.0.0.9"])
            for count in 1...2 { try await refuse(count) }
            let line = try #require(log.lines(message).first)
            #expect(line.level == .warning)
            #expect(line.metadata["error"]?.contains("the connection was refused") == true, "\(line)")
            #expect(line.metadata["fix"]?.isEmpty == false, "\(line)")
            #expect(log.lines("stream not opened").map(\.level) == [.debug])
            addresses.answer("engine.test", ["127.0.0.1"])
            let dialed = try await engine.client().dial("private").take()
            await (try await tunnel.next().take()).close()
            await dialed.close()
            // Another series, within a minute.
            addresses.answer("engine.test", ["127.0.0.9"])
            try await refuse(3)
            #expect(log.lines(message).count == 1)
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("failed dials of streams to a lost engine are logged at debug: its loss is logged by itself")
    func lostWithEngine() async throws {
        let message = "streams cannot reach the engine"
        try await TestEngine.with(.with { $0.host = "engine.test" }) { engine in
            let log = LogCapture()
            let addresses = TestResolver(["engine.test": ["127.0.0.1"]])
            let options = engine.client {
                $0.engine = .address(.literal("engine.test:\(engine.address.port)"))
                // The engine does not answer.
                $0.heartbeatInterval = nil
            }.options
            let control = try await RstreamClient(options, logger: log.logger, addresses: addresses).connect()
            let tunnel = try await control.createTunnel(unpublished())
            addresses.answer("engine.test", ["127.0.0.9"])
            let dialed = try await engine.client().dial("private").take()
            try await engine.refusals()
            await dialed.close()
            await engine.engine.dropControlChannels()
            #expect(await tunnel.waitUntilClosed() != nil)
            #expect(try await log.wait(for: "stream not opened").map(\.level) == [.debug])
            #expect(log.lines(message).isEmpty)
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("resolves the engine with the configured name server")
    func ownResolver() async throws {
        try await TestEngine.with(.with { $0.host = "engine.test" }) { engine in
            try await FakeNameServer.answering {
                [$0.answer(["127.0.0.1"])]
            } during: { server, address in
                let client = engine.client {
                    $0.engine = .address(.literal("engine.test:\(engine.address.port)"))
                    $0.transport.dns = TransportOptions.DNS(server: address)
                    $0.transport.ipFamily = .ipv4
                }
                // The TTL is a minute. A retried query has the same ID.
                for _ in 1...2 {
                    await (try client.connect()).close()
                    #expect(Set(server.requests.value.map { Array($0.bytes.prefix(2)) }).count == 1)
                }
            }
        }
    }

    // MARK: Local addresses

    @Test("binds the configured local address")
    func bindAddress() async throws {
        try await TestServer.with(.manual) { server in
            let transport = TransportOptions(bind: .address(ip("127.0.0.2")))
            for host in ["127.0.0.1", "a.test"] {
                let addresses = TestResolver(["a.test": ["::1", "127.0.0.1"]])
                let channel = try await dial(.literal("\(host):\(server.port)"), transport, addresses: addresses)
                let count = server.connections.value.count
                let peer = try await server.connection(max(0, count - 1)).channel
                #expect(channel.localAddress?.ipAddress == "127.0.0.2")
                #expect(peer.remoteAddress?.ipAddress == "127.0.0.2")
                #expect(addresses.asked.value.allSatisfy { $0.family == .ipv4 })
                try await channel.close()
            }
        }
    }

    @Test("binds an address of the configured interface, of the dialed family")
    func bindInterface() async throws {
        try await TestServer.with(.manual) { server in
            let transport = TransportOptions(bind: .interface("lo"))
            let addresses = TestResolver(["a.test": ["::1", "127.0.0.1"]])
            // No server listens at ::1, which is dialed first and needs its own local address.
            let channel = try await dial(.literal("a.test:\(server.port)"), transport, addresses: addresses)
            #expect(channel.localAddress?.ipAddress == "127.0.0.1")
            try await channel.close()
        }
    }

    @Test("fails until the configured interface has an address")
    func missingInterface() async throws {
        let transport = TransportOptions(bind: .interface("nothing0"), ipFamily: .ipv6)
        let error = try await failure { _ = try await dial(.literal("127.0.0.1:1"), transport) }
        #expect(error.what == #"interface "nothing0" has no IPv6 address to connect from"#)
        #expect(error.retry == .afterBackoff)
    }

    @Test("fails with the setting if this host does not have the local address")
    func missingAddress() async throws {
        try await TestServer.with(.manual) { server in
            let options = RstreamClientOptions(
                engine: .literal("127.0.0.1:\(server.port)"),
                credential: .none,
                transport: TransportOptions(bind: .address(ip("192.0.2.1")))
            )
            let client = RstreamClient(options)
            for error in [
                try await failure { _ = try await client.connect() },
                try await failure { _ = try await client.dial("x") },
            ] {
                #expect(error.what.hasSuffix("this host does not have the address 192.0.2.1 to connect from"))
                #expect(error.fix == "change transport.bind, or give the host the address")
                #expect(error.origin == .host)
                #expect(error.retry == .afterBackoff)
            }
            #expect(server.connections.value.isEmpty)
        }
    }

    @Test("fails with the sysctl to change if no local port is free")
    func usedPorts() throws {
        let error = RstreamError.connection(
            to: try EngineAddress("engine.test"),
            IOError(errnoCode: EADDRNOTAVAIL, reason: "connect")
        )
        #expect(error.what.contains("this host has no free local port"))
        #expect(error.fix?.contains("net.ipv4.ip_local_port_range") == true)
        #expect(error.origin == .host)
        #expect(error.retry == .afterBackoff)
    }

    @Test("refuses a local address of a family that is not dialed")
    func wrongFamily() async throws {
        let transport = TransportOptions(bind: .address(ip("::1")), ipFamily: .ipv4)
        let error = try await failure { _ = try await dial(.literal("127.0.0.1:1"), transport) }
        #expect(error.code == .invalidConfig)
        #expect(error.what == "cannot connect from ::1: only IPv4 is dialed")
        let client = RstreamClient(
            RstreamClientOptions(
                engine: .literal("[::1]:1"),
                credential: .none,
                transport: TransportOptions(ipFamily: .ipv4)
            )
        )
        let literal = try await failure { _ = try await client.connect() }
        #expect(literal.what == "engine [::1]:1: only IPv4 addresses are dialed")
    }

    // MARK: Sockets

    @Test("sets keepalive and TCP_NODELAY")
    func options() async throws {
        try await TestServer.with(.manual) { server in
            let channel = try await dial(.literal("127.0.0.1:\(server.port)"))
            #expect(try await option(SOL_SOCKET, SO_KEEPALIVE, of: channel) == 1)
            #expect(try await option(CInt(IPPROTO_TCP), TCP_KEEPIDLE, of: channel) == 15)
            #expect(try await option(CInt(IPPROTO_TCP), TCP_KEEPINTVL, of: channel) == 15)
            #expect(try await option(CInt(IPPROTO_TCP), TCP_NODELAY, of: channel) == 1)
            try await channel.close()
        }
    }

    @Test("uses multipath TCP if the kernel supports it, else plain TCP", arguments: [true, false])
    func multipath(isWanted: Bool) async throws {
        let protocolMPTCP: CInt = 262
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), protocolMPTCP)
        if descriptor >= 0 { close(descriptor) }
        let expected = isWanted && descriptor >= 0 ? protocolMPTCP : CInt(IPPROTO_TCP)
        try await TestServer.with(.manual) { server in
            let transport = TransportOptions(multipath: isWanted)
            let channel = try await dial(.literal("127.0.0.1:\(server.port)"), transport)
            #expect(try await option(SOL_SOCKET, SO_PROTOCOL, of: channel) == expected)
            try await channel.close()
        }
        try await TestEngine.with { engine in
            await (try engine.client { $0.transport.multipath = isWanted }.connect()).close()
        }
    }
}

/// A port of ::1 that neither accepts nor refuses connections.
private enum SilentIPv6 {
    static func with(port: Int, _ body: () async throws -> Void) async throws {
        let descriptor = socket(AF_INET6, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        let address = try SocketAddress(ipAddress: "::1", port: port)
        let bound = address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) }
        // The kernel queues one connection more than the backlog and drops the SYNs of all others.
        guard bound == 0, listen(descriptor, 0) == 0 else { throw IOError(errnoCode: errno, reason: "listen") }
        let filler = try await TestConnection.connect(to: address)
        defer { filler.channel.close(promise: nil) }
        try await body()
    }
}
