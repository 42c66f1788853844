// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Linux
import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("This host's resolver", .timeLimit(.hang))
struct SystemResolverTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    /// A resolver that blocks on names that begin with "dead" until the test ends that, and answers all others.
    private final class BlockingResolver: Sendable {
        let asked = Observed<[String]>([])
        private let isUnblocked = DispatchSemaphore(value: 0)

        func unblock() { isUnblocked.signal() }

        func answer(_ name: String) -> [IPAddress] {
            asked.change { $0.append(name) }
            if name.hasPrefix("dead") {
                isUnblocked.wait()
                // Unblocks the next lookup.
                isUnblocked.signal()
            }
            return [.v4(0xC000_0201)]
        }
    }

    private func resolver(_ server: BlockingResolver) -> SystemResolver {
        SystemResolver(
            hosts: { $0 == "listed.test" ? [.v4(0x7F00_0009)] : [] },
            threads: .init(usual: BlockingThreads(most: 2), slow: BlockingThreads(most: 1)),
            lifetime: .seconds(600),
            ask: { name, _ in server.answer(name) }
        )
    }

    private func ask(_ resolver: SystemResolver, _ name: String) async throws -> [IPAddress] {
        let asked = TransportOptions.IPFamily.allCases.map {
            resolver.lookUp(NameQuestion(name: name, family: $0), on: loop)
        }
        return try await within("the answer about \(name)") {
            try await EventLoopFuture.whenAllSucceed(asked, on: loop).get().flatMap(\.addresses)
        }
    }

    @Test(
        "localhost and names of /etc/hosts wait for no name server",
        arguments: [
            ("localhost", ["127.0.0.1", "::1"]), ("app.localhost", ["127.0.0.1", "::1"]),
            ("listed.test", ["127.0.0.9"]),
        ]
    )
    func local(name: String, addresses: [String]) async throws {
        let server = BlockingResolver()
        defer { server.unblock() }
        let resolver = resolver(server)
        let dead = (0..<5).map { resolver.lookUp(NameQuestion(name: "dead\($0).test", family: .ipv4), on: loop) }
        #expect(Set(try await ask(resolver, name)) == Set(addresses.map(ip)))
        #expect(!server.asked.value.contains(name))
        server.unblock()
        for future in dead { _ = try await future.get() }
    }

    @Test("slow names use other threads the next time")
    func slow() async throws {
        let clock = Observed(ContinuousClock.now)
        let resolver = SystemResolver(
            hosts: { _ in [] },
            threads: .init(usual: BlockingThreads(most: 1), slow: BlockingThreads(most: 1)),
            slowThreshold: .seconds(1),
            now: { clock.value },
            ask: { name, _ in
                clock.change { $0 += name.hasPrefix("slow") ? .milliseconds(1_001) : .seconds(1) }
                return [.v4(0xC000_0201)]
            }
        )
        for (name, isSlow) in [("slow.test", true), ("quick.test", false)] {
            #expect(try await ask(resolver, name) == [ip("192.0.2.1")])
            #expect(resolver.isSlow(name) == isSlow)
        }
    }

    @Test("an answer is cached though the name has no IPv6 address, until a connection fails")
    func fresh() async throws {
        let server = BlockingResolver()
        let service = NameService(resolver(server), logger: LogCapture().logger, responseTimeout: testTimeout)
        func addresses() async throws -> [IPAddress] {
            try await service.addresses(of: "Quick.test", within: testTimeout, on: loop).get()
        }
        for _ in 0..<3 { #expect(try await addresses() == [ip("192.0.2.1")]) }
        #expect(server.asked.value == ["quick.test"])
        #expect(service.isFresh("quick.test"))
        await #expect(throws: (any Error).self) {
            // No host has a documentation address.
            let bootstrap = ClientBootstrap(group: loop)
            _ = try await service.connect(bootstrap, to: "quick.test", port: 9, within: .milliseconds(50), on: loop)
                .get()
        }
        #expect(!service.isFresh("quick.test"))
        _ = try await addresses()
        #expect(server.asked.value == ["quick.test", "quick.test"])
    }

    @Test("listening at localhost means both loopback addresses, whatever the hosts file says")
    func loopbacks() async throws {
        let resolver = SystemResolver(hosts: { _ in [.v4(0x7F00_0009)] }, ask: { _, _ in [.v4(0xC000_0201)] })
        let service = NameService(resolver, logger: LogCapture().logger)
        for (name, expected) in [
            ("localhost", ["127.0.0.1", "::1"]), ("LocalHost", ["127.0.0.1", "::1"]),
            ("app.localhost", ["127.0.0.1", "::1"]), ("::1", ["::1"]), ("127.0.0.2", ["127.0.0.2"]),
            ("localhost.test", ["127.0.0.9"]),
        ] {
            let addresses = try await service.addresses(of: name, within: .seconds(10), on: loop).get()
            #expect(addresses == expected.map(ip), "\(name)")
        }
    }

    @Test("a lookup that does not end in time fails with the timeout")
    func silence() async throws {
        let names = TestResolver(holding: true)
        let service = NameService(names, logger: LogCapture().logger)
        let expected = NameFailure(name: "dead.test", reason: "no answer within 0.02 s")
        await #expect(throws: expected) {
            _ = try await service.addresses(of: "dead.test", within: .milliseconds(20), on: loop).get()
        }
        await #expect(throws: expected) {
            let bootstrap = ClientBootstrap(group: loop)
            _ = try await service.connect(bootstrap, to: "dead.test", port: 9, within: .milliseconds(20), on: loop)
                .get()
        }
        names.release()
    }
}
