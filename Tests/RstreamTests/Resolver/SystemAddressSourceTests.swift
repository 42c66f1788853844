import Glibc
import Linux
import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("This host's resolver", .timeLimit(.minutes(1)))
struct SystemAddressSourceTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    /// A name server that is silent about some names for as long as a test wants, and knows all others.
    private final class Server: Sendable {
        let asked = Observed<[String]>([])
        private let isSilent = Observed(true)

        func speak() { isSilent.change { $0 = false } }

        func answer(_ name: String) -> [IPAddress] {
            asked.change { $0.append(name) }
            while name.hasPrefix("dead"), isSilent.value { sched_yield() }
            return [.v4(0xC000_0201)]
        }
    }

    private func source(_ server: Server, usual: Int = 2, long: Duration = .seconds(1)) -> SystemAddressSource {
        SystemAddressSource(
            hosts: { $0 == "listed.test" ? [.v4(0x7F00_0009)] : [] },
            lanes: .init(usual: BlockingThreads(most: usual), slow: BlockingThreads(most: 1)),
            long: long,
            ask: { name, _ in server.answer(name) }
        )
    }

    private func ask(_ source: SystemAddressSource, _ name: String) async throws -> [IPAddress] {
        let asked = TransportOptions.IPFamily.allCases.map {
            source.lookUp(NameQuestion(name: name, family: $0), on: loop)
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
        let server = Server()
        defer { server.speak() }
        let source = source(server)
        let dead = (0..<5).map { source.lookUp(NameQuestion(name: "dead\($0).test", family: .ipv4), on: loop) }
        #expect(Set(try await ask(source, name)) == Set(addresses.map(ip)))
        #expect(!server.asked.value.contains(name))
        server.speak()
        for future in dead { _ = try await future.get() }
    }

    @Test("names that took long keep to themselves the next time")
    func slow() async throws {
        let silent = Server()
        defer { silent.speak() }
        let source = SystemAddressSource(
            hosts: { _ in [] },
            lanes: .init(usual: BlockingThreads(most: 1), slow: BlockingThreads(most: 1)),
            long: .milliseconds(9),
            ask: { name, _ in silent.answer(name) }
        )
        let first = source.lookUp(NameQuestion(name: "dead.test", family: .ipv4), on: loop)
        try await silent.asked.wait(for: "the first question") { $0 == ["dead.test"] }
        // The least that it takes is what makes it slow.
        usleep(10_000)
        silent.speak()
        _ = try await first.get()
        #expect(source.isSlow("dead.test"))
        #expect(try await ask(source, "quick.test") == [ip("192.0.2.1")])
        #expect(!source.isSlow("quick.test"))
    }

    @Test("a fresh answer is not asked for again, though the name has no IPv6 address; a dial in vain ends that")
    func fresh() async throws {
        let server = Server()
        let service = NameService(source(server), logger: LogCapture().logger)
        func addresses() async throws -> [IPAddress] {
            try await service.addresses(of: "Quick.test", within: .seconds(10), on: loop).get()
        }
        for _ in 0..<3 { #expect(try await addresses() == [ip("192.0.2.1")]) }
        #expect(server.asked.value == ["quick.test"])
        #expect(service.isFresh("quick.test"))
        await #expect(throws: (any Error).self) {
            // Documentation addresses lead nowhere.
            let bootstrap = ClientBootstrap(group: loop)
            _ = try await service.connect(bootstrap, to: "quick.test", port: 9, within: .milliseconds(50), on: loop)
                .get()
        }
        #expect(!service.isFresh("quick.test"))
        _ = try await addresses()
        #expect(server.asked.value == ["quick.test", "quick.test"])
    }

    @Test("whoever listens at localhost does so at both loopbacks, whatever a file says, and at a literal there only")
    func loopbacks() async throws {
        let source = SystemAddressSource(hosts: { _ in [.v4(0x7F00_0009)] }, ask: { _, _ in [.v4(0xC000_0201)] })
        let service = NameService(source, logger: LogCapture().logger)
        for (name, expected) in [
            ("localhost", ["127.0.0.1", "::1"]), ("LocalHost", ["127.0.0.1", "::1"]),
            ("app.localhost", ["127.0.0.1", "::1"]), ("::1", ["::1"]), ("127.0.0.2", ["127.0.0.2"]),
            ("localhost.test", ["127.0.0.9"]),
        ] {
            let addresses = try await service.addresses(of: name, within: .seconds(10), on: loop).get()
            #expect(addresses == expected.map(ip), "\(name)")
        }
    }

    @Test("a name that nobody answers for is told as such when the time is over")
    func silence() async throws {
        let names = TestAddresses(holding: true)
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
