// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Logging
import NIOCore
import NIOPosix
import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

/// A resolver whose answers, and their time, the test controls.
final class TestResolver: NameResolver {
    typealias Outcome = Result<NameAnswer, NameFailure>

    /// Every question since the start.
    let asked = Observed<[NameQuestion]>([])
    private let outcomes: Observed<[NameQuestion: Outcome]>
    /// Questions that were not answered yet; nil answers at once.
    private let held: Observed<[EventLoopPromise<Void>]?>

    init(_ answers: [String: [String]] = [:], holding: Bool = false) {
        outcomes = Observed([:])
        held = Observed(holding ? [] : nil)
        for (name, addresses) in answers { answer(name, addresses) }
    }

    /// From now on `name` has these addresses.
    func answer(_ name: String, _ addresses: [String], lifetime: Duration = .zero) {
        let addresses = addresses.map(ip)
        for family in TransportOptions.IPFamily.allCases {
            let answer = NameAnswer(addresses: addresses.filter { $0.family == family }, lifetime: lifetime)
            outcomes.change { $0[NameQuestion(name: name, family: family)] = .success(answer) }
        }
    }

    /// From now on lookups of `name` fail.
    func fail(_ name: String, families: [TransportOptions.IPFamily] = TransportOptions.IPFamily.allCases) {
        for family in families {
            let failure = NameFailure(name: name, reason: "no server answers")
            outcomes.change { $0[NameQuestion(name: name, family: family)] = .failure(failure) }
        }
    }

    /// From now on questions wait to be released.
    func hold() {
        held.change { $0 = $0 ?? [] }
    }

    func release() {
        var promises: [EventLoopPromise<Void>] = []
        held.change { held in
            guard let waiting = held else { return }
            promises = waiting
            held = []
        }
        for promise in promises { promise.succeed() }
    }

    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        let promise = eventLoop.makePromise(of: Void.self)
        var isHeld = false
        held.change { held in
            held?.append(promise)
            isHeld = held != nil
        }
        // Read before the test sees the question and may change the answers.
        let known = isHeld ? nil : outcomes.value
        if !isHeld { promise.succeed() }
        asked.change { $0.append(question) }
        return promise.futureResult.flatMapThrowing { [outcomes] in
            try (known ?? outcomes.value)[question]?.get() ?? NameAnswer(addresses: [])
        }
    }
}

@Suite("The name cache", .timeLimit(.hang))
struct NameServiceTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    private func resolve(
        _ service: NameService,
        families: Set<TransportOptions.IPFamily> = [.ipv4, .ipv6]
    ) async throws -> [String] {
        let resolver = ConnectionResolver(name: "a.test", families: families, service: service, on: loop)
        return try await within("the addresses") {
            let six = try await resolver.initiateAAAAQuery(host: "a.test", port: 1).get()
            let four = try await resolver.initiateAQuery(host: "a.test", port: 1).get()
            return (six + four).compactMap(\.ipAddress)
        }
    }

    @Test("looks up only the families that are dialed")
    func families() async throws {
        let names = TestResolver(["a.test": ["127.0.0.1", "::1"]])
        let service = NameService(names, logger: LogCapture().logger)
        #expect(try await resolve(service, families: [.ipv4]) == ["127.0.0.1"])
        #expect(names.asked.value.map(\.family) == [.ipv4])
        #expect(try await resolve(service) == ["::1", "127.0.0.1"])
    }

    @Test("shares one lookup between concurrent questions")
    func shared() async throws {
        let names = TestResolver(["a.test": ["127.0.0.1"]], holding: true)
        let service = NameService(names, logger: LogCapture().logger)
        let question = NameQuestion(name: "a.test", family: .ipv4)
        let group = MultiThreadedEventLoopGroup.singleton
        let futures = (0..<10).map { _ in service.outcome(question, on: group.next()) }
        #expect(names.asked.value.count == 1)
        names.release()
        for future in futures {
            let outcome = try await within("the shared answer") { try await future.get() }
            #expect(try outcome.get().addresses == [ip("127.0.0.1")])
        }
        let later = service.outcome(question, on: loop)
        #expect(names.asked.value.count == 2)
        names.release()
        _ = try await within("the second answer") { try await later.get() }
    }

    @Test("does not look a name up again before its TTL ends")
    func lifetime() async throws {
        let names = TestResolver()
        names.answer("a.test", ["127.0.0.1", "::1"], lifetime: .seconds(3_600))
        let service = NameService(names, logger: LogCapture().logger)
        for _ in 0..<3 { #expect(try await resolve(service).count == 2) }
        #expect(names.asked.value.count == 2)
    }

    private func connect(
        _ service: NameService,
        toPort port: Int,
        under rule: RedirectRule? = nil
    ) async throws -> any Channel {
        let bootstrap = ClientBootstrap(group: loop)
        let connected = service.connect(bootstrap, to: "A.test", port: port, under: rule, within: testTimeout, on: loop)
        return try await within("the connection") { try await connected.get() }
    }

    @Test("dials the only address of a known name without a race, and asks again after a failure")
    func onlyAddress() async throws {
        let names = TestResolver()
        names.answer("a.test", ["127.0.0.1"], lifetime: .seconds(3_600))
        let service = NameService(names, logger: LogCapture().logger)
        #expect(try await resolve(service) == ["127.0.0.1"])
        try await TestServer.with(.echo) { server in
            try await connect(service, toPort: server.port).close().get()
        }
        #expect(names.asked.value.count == 2)
        let refused = try await TestServer.withDeadPort { port in
            await #expect(throws: (any Error).self) { try await connect(service, toPort: port) }
        }
        // A race would have its own error about all addresses.
        #expect((refused as? IOError)?.errnoCode == ECONNREFUSED)
        #expect(!service.isFresh("a.test"))
        try await TestServer.with(.echo) { server in
            try await connect(service, toPort: server.port).close().get()
        }
        #expect(names.asked.value.count == 4)
    }

    @Test("dials no address that a redirect's rule forbids, known or not")
    func forbiddenAddress() async throws {
        let names = TestResolver()
        names.answer("a.test", ["127.0.0.1"], lifetime: .seconds(3_600))
        let service = NameService(names, logger: LogCapture().logger)
        let rule = RedirectRule(.public, engine: .literal("b.test:443"), connectedTo: IPAddress("8.8.8.8"))
        for isKnown in [false, true] {
            if isKnown { _ = try await resolve(service) }
            let error = await #expect(throws: NIOConnectionError.self) {
                try await connect(service, toPort: 1, under: rule)
            }
            #expect(error?.dnsAError is RedirectRule.Refusal)
        }
    }

    @Test("falls back to the last known addresses if a lookup fails, and logs it")
    func fallback() async throws {
        let log = LogCapture()
        let names = TestResolver(["a.test": ["127.0.0.1", "::1"]])
        let service = NameService(names, logger: log.logger)
        #expect(try await resolve(service) == ["::1", "127.0.0.1"])
        names.fail("a.test")
        #expect(try await resolve(service) == ["::1", "127.0.0.1"])
        let line = try #require(log.lines("name lookup failed, using last known addresses").first)
        #expect(line.level == .debug)
        #expect(line.metadata["host"] == "a.test")
        #expect(line.metadata["error"] == "no server answers")
        // The same if the name does not exist any more.
        names.answer("a.test", [])
        #expect(try await resolve(service) == ["::1", "127.0.0.1"])
    }

    @Test("falls back to the last known addresses while a lookup is slow, for later questions too")
    func silence() async throws {
        let log = LogCapture()
        let names = TestResolver(["a.test": ["127.0.0.1"]])
        let service = NameService(names, logger: log.logger, responseTimeout: .milliseconds(20))
        #expect(try await resolve(service) == ["127.0.0.1"])
        names.hold()
        for _ in 0..<2 { #expect(try await resolve(service) == ["127.0.0.1"]) }
        let lines = log.lines("name lookup failed, using last known addresses")
        #expect(lines.first?.metadata["error"] == "no answer within 0.02 s")
        // They share the pending lookup, whose answer is cached in the end.
        #expect(names.asked.value.count == 4)
        names.answer("a.test", ["127.0.0.2"])
        names.release()
        #expect(try await resolve(service) == ["127.0.0.2"])
    }

    @Test("waits for a slow lookup if it has no last known address")
    func unknownName() async throws {
        let names = TestResolver(["a.test": ["127.0.0.1"]], holding: true)
        let service = NameService(names, logger: LogCapture().logger, responseTimeout: .zero)
        async let addresses = resolve(service)
        try await names.asked.wait(for: "both questions") { $0.count == 2 }
        names.release()
        #expect(try await addresses == ["127.0.0.1"])
    }

    @Test("does not mix last known addresses into an answer for one family")
    func halfAnswer() async throws {
        let names = TestResolver(["a.test": ["127.0.0.1", "::1"]])
        let service = NameService(names, logger: LogCapture().logger)
        _ = try await resolve(service)
        names.fail("a.test", families: [.ipv6])
        let resolver = ConnectionResolver(name: "a.test", families: [.ipv4, .ipv6], service: service, on: loop)
        #expect(try await resolver.initiateAQuery(host: "", port: 1).get().count == 1)
        await #expect(throws: NameFailure.self) { try await resolver.initiateAAAAQuery(host: "", port: 1).get() }
    }

    @Test("prefers IPv4 for a single address, and has a timeout")
    func single() async throws {
        let names = TestResolver(["a.test": ["::1", "127.0.0.1"]], holding: true)
        let service = NameService(names, logger: LogCapture().logger)
        let resolver = ConnectionResolver(name: "a.test", families: [.ipv4, .ipv6], service: service, on: loop)
        await #expect(throws: ChannelError.self) { try await resolver.address(within: .milliseconds(1)).get() }
        let address = resolver.address(within: testTimeout)
        names.release()
        #expect(try await within("the address") { try await address.get() } == ip("127.0.0.1"))
    }

    @Test("is bounded and evicts the oldest answer")
    func eviction() {
        var cache = NameCache()
        func question(_ number: Int) -> NameQuestion { NameQuestion(name: "\(number).test", family: .ipv4) }
        let now = ContinuousClock.Instant.now
        for number in 0...NameCache.capacity {
            cache.store(NameAnswer(addresses: [.v4(1)], lifetime: .seconds(10)), for: question(number), at: now)
        }
        cache.store(NameAnswer(addresses: []), for: question(1), at: now)
        #expect(cache.lastKnown(question(0)).isEmpty)
        #expect(cache.lastKnown(question(1)) == [.v4(1)])
        #expect(cache.fresh(question(1), at: now + .seconds(9)) == [.v4(1)])
        #expect(cache.fresh(question(1), at: now + .seconds(10)) == nil)
        cache.store(NameAnswer(addresses: [.v4(2)], lifetime: .seconds(86_400)), for: question(2), at: now)
        #expect(cache.fresh(question(2), at: now + NameCache.maximumLifetime) == nil)
        #expect(cache.lastKnown(question(2)) == [.v4(2)])
    }

    @Test("this host's resolver knows localhost")
    func system() async throws {
        let names = SystemResolver()
        let four = try await names.lookUp(NameQuestion(name: "localhost", family: .ipv4), on: loop).get()
        #expect(four.addresses.contains(ip("127.0.0.1")))
        #expect(four.addresses.allSatisfy { $0.family == .ipv4 })
    }
}
