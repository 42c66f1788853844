// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import Rstream
import RstreamCore
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Memory of what has ended", .timeLimit(.hang))
struct LeakTests {
    /// What a listener is doing when it is stopped.
    enum Listening: String, CaseIterable {
        case binding, listening, waitingToTryAgain, replaced
    }

    /// Is referred to by a closure, and so as long as that.
    private final class Witness: Sendable {
        let calls = Observed(0)
        func call() { calls.change { $0 += 1 } }
    }

    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test("of a listener, whose loop ends with it", arguments: Listening.allCases)
    func listener(_ state: Listening) async throws {
        try await TestServer.with(.manual) { server in
            let leaks = Leaks()
            try await stop(state, taken: server.port, leaks)
            try await leaks.expectNone()
            #expect(leaks.count == 4)
        }
    }

    /// Nothing that this made is referred to when it returns.
    private func stop(_ state: Listening, taken: Int, _ leaks: Leaks) async throws {
        let log = LogCapture()
        let client = RstreamClient(
            RstreamClientOptions(engine: try EngineAddress("127.0.0.1:\(taken)"), credential: .none),
            logger: log.logger
        )
        let listener = DialListener(
            .tcp(host: "127.0.0.1", port: state == .waitingToTryAgain ? taken : 0),
            dial: "nobody",
            client: client,
            table: StreamTable(capacity: 1),
            logger: log.logger
        )
        let service = ListenerService(
            listener,
            // Long enough for no part of it to be over by itself.
            policy: ReconnectPolicy(minimum: .seconds(86_400), maximum: .seconds(86_400)),
            group: MultiThreadedEventLoopGroup.singleton
        )
        for (object, name) in [
            (client, "the client"), (listener, "the listener"), (service, "its service"),
            (listener.ledger, "its ledger"),
        ] as [(AnyObject, String)] { leaks.watch(object, name) }
        // Waited for below.
        let run = Task { await service.run() }
        switch state {
        case .binding: break
        case .waitingToTryAgain: try await log.wait(for: "listen failed, retrying")
        case .listening, .replaced: try await log.wait(for: "listening")
        }
        if state == .replaced {
            listener.leave()
            _ = listener.retire()
        }
        await service.stop()
        try await within("the end of the listener's loop") { await run.value }
    }

    @Test("of a file watch, with and without a report", arguments: [true, false])
    func files(tells: Bool) async throws {
        try await TemporaryFolder.with { folder in
            let leaks = Leaks()
            func watch() async throws {
                let witness = Witness()
                let stallDetector = StallDetector(loop) { $0() }
                let watcher = ConfigurationWatcher(on: loop, stallDetector: stallDetector, logger: LogCapture().logger)
                {
                    witness.call()
                }
                leaks.watch(watcher, "the watcher")
                leaks.watch(witness, "who is told")
                try await watcher.follow(files: [folder.path(of: "watched")])
                if tells {
                    try folder.write("new", to: "watched")
                    try await witness.calls.wait(for: "a change") { $0 > 0 }
                }
                watcher.close()
                watcher.close()
            }
            try await watch()
            try await leaks.expectNone()
            #expect(leaks.count == 2)
        }
    }

    @Test("of a watch of the network that is cancelled")
    func network() async throws {
        let leaks = Leaks()
        func watch() async {
            let witness = Witness()
            leaks.watch(witness, "who is told")
            let watcher = NetworkWatcher(on: loop, logger: LogCapture().logger) { _ in witness.call() }
            // Waited for at once.
            let run = Task { await watcher.run() }
            run.cancel()
            await run.value
        }
        await watch()
        try await leaks.expectNone()
        #expect(leaks.count == 1)
    }
}
