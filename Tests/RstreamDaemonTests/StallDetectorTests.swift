// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Linux
import NIOCore
import NIOPosix
import RstreamTestSupport
import Synchronization
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("The stall detector", .timeLimit(.hang))
struct StallDetectorTests {
    private static let start = ContinuousClock.now

    private func instant(_ seconds: Int) -> ContinuousClock.Instant { Self.start + .seconds(seconds) }

    @Test("reports nothing when every loop and the request loop have answered")
    func well() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let stallDetector = StallDetector(group) { $0() }
        stallDetector.probe(at: instant(0))
        // A task behind the probe on each loop runs after its answer.
        for loop in group.makeIterator() { try await loop.submit {}.get() }
        #expect(stallDetector.stalls(after: .zero, at: instant(100)) == [])
        try await group.shutdownGracefully()
    }

    @Test("names a loop that is stuck, from the timeout on, until it answers")
    func stuckLoop() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let stallDetector = StallDetector(group) { $0() }
        let gate = DispatchSemaphore(value: 0)
        let loops = Array(group.makeIterator())
        loops[1].execute { gate.wait() }
        stallDetector.probe(at: instant(0))
        try await loops[0].submit {}.get()
        #expect(stallDetector.stalls(after: .seconds(5), at: instant(4)) == [])
        #expect(stallDetector.stalls(after: .seconds(5), at: instant(5)) == ["event loop 1 has not answered for 5 s"])
        // Another probe does not restart the time.
        stallDetector.probe(at: instant(6))
        #expect(stallDetector.stalls(after: .seconds(5), at: instant(6)).count == 1)
        gate.signal()
        try await loops[1].submit {}.get()
        #expect(stallDetector.stalls(after: .seconds(5), at: instant(6)) == [])
        try await group.shutdownGracefully()
    }

    @Test("names the request loop")
    func stuckTask() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let answers = Lock<[StallDetector.Answer]>([])
        let stallDetector = StallDetector(group) { answer in answers.withLock { $0.append(answer) } }
        stallDetector.probe(at: instant(0))
        try await group.next().submit {}.get()
        #expect(
            stallDetector.stalls(after: .seconds(1), at: instant(1)) == [
                "request loop has not answered for 1 s"
            ]
        )
        for answer in answers.withLock({ $0 }) { answer() }
        #expect(stallDetector.stalls(after: .seconds(1), at: instant(1)) == [])
        try await group.shutdownGracefully()
    }

    @Test("logs a stalled component once, well before the watchdog's timeout")
    func log() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let stallDetector = StallDetector(group) { $0() }
        let log = LogCapture()
        let gate = DispatchSemaphore(value: 0)
        let watching = Task {
            await stallDetector.watch(ServiceNotifier(), watchdog: .milliseconds(40), logger: log.logger)
        }
        group.next().execute { gate.wait() }
        try await log.wait(for: "daemon stalled")
        gate.signal()
        watching.cancel()
        await watching.value
        try await group.shutdownGracefully()
    }
}
