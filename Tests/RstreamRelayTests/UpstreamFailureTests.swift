// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Logging
import NIOCore
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamSocket
import RstreamTestSupport
import Testing

@Suite("A stream that cannot be relayed", .serialized, .timeLimit(.hang))
struct UpstreamFailureTests {
    /// A visitor comes and finds its stream closed; `reason` is in the log.
    private func expectFailure(
        _ upstream: UpstreamAddress,
        by rule: UnixSocketRule? = nil,
        within limit: Duration = testTimeout,
        _ reason: String
    ) async throws {
        let options = UpstreamOptions(connectTimeout: limit)
        try await RelayFixture.with(upstream, options: options, unixSockets: rule) { fixture in
            let visitor = try await fixture.visit()
            try await visitor.state.wait(for: "the end") { $0.isOver }
            let line = try #require(try await fixture.log.wait(for: "upstream dial failed").last)
            #expect(line.level == .debug)
            #expect(line.metadata["error"]?.contains(reason) == true, "\(line)")
            try await fixture.waitForEnds()
            #expect(fixture.table.activeCount == 0)
            await visitor.close()
        }
    }

    @Test("is closed when the upstream does not listen")
    func refused() async throws {
        try await TestServer.withDeadPort { port in
            try await expectFailure(.port(port), "upstream 127.0.0.1:\(port) refuses connections")
        }
    }

    @Test("is closed when the upstream's name does not resolve")
    func unresolvable() async throws {
        try await expectFailure(.tcp(host: "service.invalid", service: "80"), #""service.invalid" cannot be resolved"#)
    }

    @Test("is closed when the upstream's port is no port")
    func badService() async throws {
        for service in ["no-such-service", "65536"] {
            let upstream = UpstreamAddress.tcp(host: "127.0.0.1", service: service)
            try await expectFailure(upstream, "is neither a port nor a known service")
        }
    }

    @Test("is closed when the upstream's Unix socket is missing, in the file system or not")
    func missingSocket() async throws {
        try await TemporaryFolder.with { folder in
            try await expectFailure(.unix(path: folder.path(of: "missing")), "no such socket")
            try await expectFailure(.abstract(name: folder.path(of: "missing")), "refuses connections")
        }
    }

    @Test("is closed when the upstream's Unix socket belongs to another user", arguments: [true, false])
    func notPermitted(isAbstract: Bool) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let upstream = isAbstract ? UpstreamAddress.abstract(name: path) : .unix(path: path)
            try await TestServer.with(at: isAbstract ? .abstract(name: path) : .unix(path: path)) { _ in
                let nobody = UnixSocketRule(owners: [], directories: [])
                try await expectFailure(upstream, by: nobody, "the socket belongs to another user")
                let me = UnixSocketRule(owners: [geteuid()], directories: [])
                try await RelayFixture.with(upstream, unixSockets: me) { fixture in
                    let isServed = try await fixture.isServed()
                    #expect(isServed)
                }
            }
        }
    }

    @Test("is none where the service listens at the abstract name padded with zeros")
    func paddedName() async throws {
        try await TemporaryFolder.with { folder in
            let name = folder.path(of: "s")
            let padded = name + String(repeating: "\0", count: 107 - name.utf8.count)
            try await TestServer.with(at: .abstract(name: padded)) { _ in
                try await RelayFixture.with(.abstract(name: name)) { fixture in
                    let isServed = try await fixture.isServed()
                    #expect(isServed)
                }
            }
        }
    }

    @Test("is closed when the upstream's Unix socket does not keep up", arguments: [true, false])
    func fullQueue(isAbstract: Bool) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let upstream = isAbstract ? UpstreamAddress.abstract(name: path) : .unix(path: path)
            try await TestServer.withFullQueue(at: upstream) { listener in
                try await expectFailure(upstream, "does not keep up: its queue of new connections is full")
                close(listener)
            }
        }
    }

    @Test("is closed when the upstream does not answer in time")
    func timeout() async throws {
        try await TestServer.withFullQueue { port in
            let upstream = UpstreamAddress.port(port)
            try await expectFailure(upstream, within: .milliseconds(200), "no connection within its connectTimeout")
        }
    }

    @Test("is refused with an error to the engine when the table is full, and accepted again when it is not")
    func capacity() async throws {
        try await TestServer.with(.echo) { server in
            try await RelayFixture.with(.port(server.port), capacity: 1) { fixture in
                let first = try await fixture.visit()
                try await first.send("x")
                _ = try await first.receive(1)
                let second = try await fixture.visit()
                try await second.state.wait(for: "the end") { $0.isOver }
                #expect(try await fixture.engine.refusals() == ["the agent has reached its limit of streams"])
                #expect(fixture.table.activeCount == 1)
                await second.close()
                try await first.finish()
                // The second one has its line, too.
                try await fixture.waitForEnds(2)
                await first.close()
                let third = try await fixture.visit()
                try await third.send("y")
                #expect(try await third.receive(asLongAs: "y") == "y")
                await third.close()
            }
        }
    }

    @Test("leaves nothing behind when its visitor is gone before the upstream was reached")
    func visitorGone() async throws {
        try await TestServer.withFullQueue { port in
            try await RelayFixture.with(.port(port), options: UpstreamOptions(connectTimeout: .seconds(60))) {
                fixture in
                let visitor = try await fixture.visit()
                try await fixture.engine.waitForAnswers(1)
                #expect(fixture.table.activeCount == 1)
                await visitor.reset()
                try await fixture.waitForEnds()
                #expect(fixture.table.activeCount == 0)
            }
        }
    }
}

@Suite("The table of streams", .serialized, .timeLimit(.hang))
struct StreamTableTests {
    @Test("is drained when its last stream has ended, and takes no more")
    func drain() async throws {
        try await TestServer.with(.echo) { server in
            try await RelayFixture.with(.port(server.port)) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("x")
                _ = try await visitor.receive(1)
                let steps = Observed<[String]>([])
                let table = fixture.table
                let draining = Task {
                    await table.drain()
                    steps.change { $0.append("drained") }
                }
                // The table refuses from the moment it drains, so a refusal proves that the drain has begun.
                while try await fixture.isServed() {}
                #expect(try await fixture.engine.refusals() == ["the agent is stopping"])
                // A drain that waits for nobody has ended long before these are back.
                for (letter, text) in [("a", "xa"), ("b", "xab"), ("c", "xabc"), ("d", "xabcd"), ("e", "xabcde")] {
                    try await visitor.send(letter)
                    #expect(try await visitor.receive(asLongAs: text) == text)
                }
                steps.change { $0.append("finishes") }
                try await visitor.finish()
                try await within("the drain") { await draining.value }
                #expect(steps.value == ["finishes", "drained"])
                await visitor.close()
            }
        }
    }

    @Test("that is empty is drained at once, twice too")
    func empty() async throws {
        let table = StreamTable(capacity: 1)
        // Each returns, or the test ends here.
        for _ in 0..<2 { try await within("the drain") { await table.drain() } }
    }
}

extension RelayFixture {
    /// Whether a visitor that comes now gets its echo.
    fileprivate func isServed() async throws -> Bool {
        let visitor = try await visit()
        try await visitor.send("x")
        let state = try await visitor.state.wait(for: "an echo or the end") {
            $0.isOver || $0.received.readableBytes > 0
        }
        await visitor.close()
        return state.received.readableBytes > 0
    }
}
