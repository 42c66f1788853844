// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A configured name server", .timeLimit(.hang))
struct DNSResolverTests {
    private static let loop = MultiThreadedEventLoopGroup.singleton.next()
    private static let addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]

    private func resolver(
        _ server: EngineAddress,
        tls: (name: String, caFile: String?)? = nil,
        timeouts: DNSResolver.Timeouts = .long
    ) -> DNSResolver {
        DNSResolver(
            TransportOptions.DNS(server: server, tlsServerName: tls?.name),
            trust: TransportOptions.TLS(caFile: tls?.caFile),
            timeouts: timeouts
        )
    }

    private func lookUp(
        _ resolver: DNSResolver,
        _ family: TransportOptions.IPFamily = .ipv4
    ) async throws -> [String] {
        let future = resolver.lookUp(NameQuestion(name: "engine.test", family: family), on: Self.loop)
        return try await within("the answer") { try await future.get() }.addresses.map(\.description)
    }

    private func failure(_ resolver: DNSResolver) async throws -> String {
        do {
            return "\(try await lookUp(resolver))"
        } catch let failure as NameFailure {
            return failure.reason
        }
    }

    @Test("is asked for one family over UDP")
    func datagram() async throws {
        try await FakeNameServer.answering {
            [$0.answer(Self.addresses)]
        } during: { server, address in
            let four = try await lookUp(resolver(address))
            #expect(four == ["192.0.2.1", "192.0.2.2"])
            let six = try await lookUp(resolver(address), .ipv6)
            #expect(six == ["2001:db8::1"])
            #expect(server.requests.value.map(\.isDatagram) == [true, true])
        }
    }

    @Test("is asked again when a datagram is lost")
    func lost() async throws {
        try await FakeNameServer.answering {
            $0.number == 0 ? [] : [$0.answer(Self.addresses)]
        } during: { server, address in
            let found = try await lookUp(
                resolver(address, timeouts: .init(datagrams: [.milliseconds(20), testTimeout]))
            )
            #expect(found.count == 2)
            #expect(server.requests.value.count == 2)
        }
    }

    @Test("is not confused by forged responses and garbage before its own response")
    func forged() async throws {
        try await FakeNameServer.answering { request in
            var wrongID = DNSMessage(answering: request.bytes)
            wrongID.id &+= 1
            wrongID.add(ip("192.0.2.66"))
            var wrongName = DNSMessage(answering: request.bytes)
            wrongName.question = DNSMessage.name("other.test") + [0, 1, 0, 1]
            wrongName.add(ip("192.0.2.66"))
            return [wrongID.bytes, [], [1, 2, 3], wrongName.bytes, request.answer(Self.addresses)]
        } during: { server, address in
            let found = try await lookUp(resolver(address))
            #expect(found == ["192.0.2.1", "192.0.2.2"])
            #expect(server.requests.value.count == 1)
        }
    }

    @Test("is asked over TCP if the response is truncated")
    func truncated() async throws {
        try await FakeNameServer.answering { request in
            request.isDatagram ? [request.answer(flags: 0x8380)] : [request.answer(Self.addresses)]
        } during: { server, address in
            let found = try await lookUp(resolver(address))
            #expect(found.count == 2)
            #expect(server.requests.value.map(\.isDatagram) == [true, false])
        }
    }

    @Test(
        "is named in the error if it answers with an error",
        arguments: [
            (0x8182, "it failed (SERVFAIL)"), (0x8185, "it refuses to answer (REFUSED)"),
            (0x8184, "it answers with code 4"),
        ] as [(UInt16, String)]
    )
    func refused(flags: UInt16, words: String) async throws {
        try await FakeNameServer.answering {
            [$0.answer(flags: flags)]
        } during: { _, address in
            let reason = try await failure(resolver(address))
            #expect(reason == "name server \(address): \(words)")
        }
    }

    @Test("is given up after its last attempt")
    func silent() async throws {
        try await FakeNameServer.answering { _ in
            []
        } during: { server, address in
            let short = Array(repeating: Duration.milliseconds(10), count: 3)
            let reason = try await failure(resolver(address, timeouts: .init(datagrams: short)))
            #expect(reason == "name server \(address): it does not answer")
            try await server.requests.wait(for: "three requests") { $0.count == 3 }
        }
    }

    @Test("is reported if it does not listen")
    func dead() async throws {
        // A connected UDP socket occupies its port, and the kernel refuses datagrams from other addresses.
        let elsewhere = try SocketAddress(ipAddress: "127.0.0.1", port: 9)
        let channel = try await DatagramBootstrap(group: Self.loop).connect(to: elsewhere).get()
        let address = try EngineAddress("127.0.0.1:\(channel.localAddress?.port ?? 0)")
        #expect(try await failure(resolver(address)) == "name server \(address): the connection was refused")
        try await channel.close()
    }

    @Test("a name that does not exist has no address, which is not a failure")
    func missing() async throws {
        try await FakeNameServer.answering {
            [$0.answer(flags: 0x8183)]
        } during: { _, address in
            let found = try await lookUp(resolver(address))
            #expect(found.isEmpty)
        }
    }

    @Test("may be configured by name, which this host resolves")
    func named() async throws {
        try await FakeNameServer.answering {
            [$0.answer(Self.addresses)]
        } during: { _, address in
            let system = TestResolver(["ns.test": ["127.0.0.1"]])
            func found(_ host: String) async throws -> Int {
                let resolver = DNSResolver(
                    TransportOptions.DNS(server: try EngineAddress("\(host):\(address.port)")),
                    system: system,
                    timeouts: .long
                )
                return try await resolver.lookUp(NameQuestion(name: "engine.test", family: .ipv4), on: Self.loop).get()
                    .addresses.count
            }
            let count = try await found("ns.test")
            #expect(count == 2)
            let error = await #expect(throws: NameFailure.self) { try await found("missing.test") }
            #expect(error?.reason == "name server missing.test:\(address.port): its own name cannot be resolved")
        }
    }

    @Test("with TLS is asked over TLS only, and verified with the configured name")
    func overTLS() async throws {
        try await TemporaryFolder.with { folder in
            let authority = try TestAuthority(in: folder)
            // A certificate for the server's address only is not enough.
            let context = try authority.server("dns.test", addresses: ["127.0.0.1"])
            try await FakeNameServer.answering(tls: context) {
                [$0.answer(Self.addresses)]
            } during: { server, address in
                let right = resolver(address, tls: ("dns.test", authority.caFile))
                let found = try await lookUp(right)
                #expect(found.count == 2)
                #expect(server.requests.value.map(\.isDatagram) == [false])
                let wrong = resolver(address, tls: ("other.test", authority.caFile))
                let reason = try await failure(wrong)
                #expect(reason.hasPrefix("name server \(address): the certificate is not valid for \""))
                let stranger = resolver(address, tls: ("dns.test", nil))
                let mistrust = try await failure(stranger)
                #expect(mistrust.hasPrefix("name server \(address): the certificate is not trusted"))
                #expect(server.requests.value.count == 1)
            }
        }
    }

    @Test("over TLS is asked again if it closes the connection")
    func hangsUp() async throws {
        try await TemporaryFolder.with { folder in
            let authority = try TestAuthority(in: folder)
            let context = try authority.server("dns.test")
            try await FakeNameServer.answering(tls: context) {
                $0.number == 0 ? [] : [$0.answer(Self.addresses)]
            } during: { server, address in
                let found = try await lookUp(resolver(address, tls: ("dns.test", authority.caFile)))
                #expect(found.count == 2)
                #expect(server.requests.value.count == 2)
            }
        }
    }
}
