// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("Names of upstreams and of places to listen at", .serialized, .timeLimit(.hang))
struct UpstreamNameTests {
    private func upstream(
        _ host: String,
        _ port: Int,
        _ options: UpstreamOptions = UpstreamOptions(connectTimeout: testTimeout)
    ) -> Upstream {
        Upstream(address: .tcp(host: host, service: "\(port)"), options: options)
    }

    @Test("a name without an answer delays no other upstream")
    func silence() async throws {
        try await TestServer.with(.echo) { server in
            let silent = SilentResolver()
            let names = NameService(silent, logger: LogCapture().logger)
            async let waiting = upstream("dead.test", server.port).probe(names: names)
            try await silent.waitForQuestions(2)
            for host in ["127.0.0.1", "localhost", "LocalHost"] {
                // The names of this host need no server.
                let error = await upstream(host, server.port).probe(names: host == "127.0.0.1" ? names : .host)
                #expect(error == nil)
            }
            silent.answer()
            #expect(await waiting == nil)
        }
    }

    @Test("an address with the interface of its link asks no name server, and an interface that is not there is named")
    func zones() async throws {
        let silent = SilentResolver()
        let names = NameService(silent, logger: LogCapture().logger)
        // Nobody listens there, which the kernel knows at once.
        let refused = try #require(await upstream("::1%lo", 1).probe(names: names))
        #expect(!refused.what.contains("cannot be resolved"), "\(refused.what)")
        let absent = try #require(await upstream("fe80::1%nowhere0", 80).probe(names: names))
        #expect(absent.what.contains("this host has no interface nowhere0"), "\(absent.what)")
        #expect(silent.count == 0)
    }

    @Test("a name without an answer is reported, and not as a failure of the service")
    func blame() async throws {
        let names = NameService(SilentResolver(), logger: LogCapture().logger)
        let options = UpstreamOptions(connectTimeout: .milliseconds(20))
        let error = try #require(await upstream("dead.test", 80, options).probe(names: names))
        #expect(
            error.what
                == #"upstream dead.test:80: the name "dead.test" cannot be resolved: no answer within 0.02 s"#
        )
        #expect(error.fix?.contains("name servers") == true)
    }

    @Test("a service's name is the port that the configuration's reader found")
    func service() async throws {
        try await TestServer.with(.echo) { server in
            var options = UpstreamOptions()
            options.servicePort = server.port
            let named = Upstream(address: .tcp(host: "127.0.0.1", service: "no-such-service"), options: options)
            #expect(await named.probe() == nil)
        }
    }

    @Test("listeners whose names have no answer wait, and others listen meanwhile")
    func listeners() async throws {
        let silent = SilentResolver()
        let names = NameService(silent, logger: LogCapture().logger)
        let client = try ListenerFixture.client(ofEngineAt: 1)
        func listener(_ host: String) -> DialListener {
            DialListener(
                .tcp(host: host, port: 0),
                dial: "nobody",
                client: client,
                names: names,
                resolveTimeout: testTimeout,
                table: StreamTable(capacity: 1),
                logger: LogCapture().logger
            )
        }
        let named = (0..<4).map { listener("name\($0).test") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for listener in named {
                group.addTask { try await listener.start(on: MultiThreadedEventLoopGroup.singleton) }
            }
            try await silent.waitForQuestions(8)
            let literal = listener("127.0.0.1")
            try await literal.start(on: MultiThreadedEventLoopGroup.singleton)
            #expect(literal.isListening)
            #expect(named.allSatisfy { !$0.isListening })
            await literal.stop()
            silent.answer()
            try await group.waitForAll()
        }
        #expect(named.allSatisfy { $0.localAddresses.map(\.ipAddress) == ["127.0.0.1"] })
        for listener in named { await listener.stop() }
    }

    @Test("a listener that is stopped does not wait for its name, and asks for none afterwards")
    func stopped() async throws {
        let silent = SilentResolver()
        let listener = DialListener(
            .tcp(host: "dead.test", port: 0),
            dial: "nobody",
            client: try ListenerFixture.client(ofEngineAt: 1),
            names: NameService(silent, logger: LogCapture().logger),
            resolveTimeout: testTimeout,
            table: StreamTable(capacity: 1),
            logger: LogCapture().logger
        )
        for round in 1...2 {
            async let start: Void = listener.start(on: MultiThreadedEventLoopGroup.singleton)
            if round == 1 {
                try await silent.waitForQuestions(2)
                await listener.stop()
            }
            do {
                try await start
                Issue.record("listens where nobody has said where that is")
            } catch {
                #expect("\(error)".contains("listening was cancelled"), "\(error)")
            }
        }
        #expect(silent.count == 2)
        silent.answer()
    }

    @Test("an address that this host does not have is said to be that")
    func absent() async throws {
        let listener = DialListener(
            .tcp(host: "192.0.2.1", port: 0),
            dial: "nobody",
            client: try ListenerFixture.client(ofEngineAt: 1),
            table: StreamTable(capacity: 1),
            logger: LogCapture().logger
        )
        let error = await #expect(throws: RstreamError.self) {
            try await listener.start(on: MultiThreadedEventLoopGroup.singleton)
        }
        #expect(error?.what == "cannot listen on 192.0.2.1:0: this host does not have the address")
        #expect(error?.retry == .afterBackoff)
    }
}
