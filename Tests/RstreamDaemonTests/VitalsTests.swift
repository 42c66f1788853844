import Dispatch
import NIOCore
import NIOPosix
import RstreamTestSupport
import Synchronization
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("The daemon's vital signs", .timeLimit(.hang))
struct VitalsTests {
    private static let start = ContinuousClock.now

    private func instant(_ seconds: Int) -> ContinuousClock.Instant { Self.start + .seconds(seconds) }

    @Test("are well when every loop and the task have answered")
    func well() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let stallDetector = StallDetector(group) { $0() }
        stallDetector.ask(at: instant(0))
        // What is behind the question on each loop has seen it answered.
        for loop in group.makeIterator() { try await loop.submit {}.get() }
        #expect(stallDetector.ailments(after: .zero, at: instant(100)) == [])
        try await group.shutdownGracefully()
    }

    @Test("name the loop that is stuck, from the time on that it may take, until it answers")
    func stuckLoop() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let stallDetector = StallDetector(group) { $0() }
        let gate = DispatchSemaphore(value: 0)
        let loops = Array(group.makeIterator())
        loops[1].execute { gate.wait() }
        stallDetector.ask(at: instant(0))
        try await loops[0].submit {}.get()
        #expect(stallDetector.ailments(after: .seconds(5), at: instant(4)) == [])
        #expect(stallDetector.ailments(after: .seconds(5), at: instant(5)) == ["event loop 1 has not answered for 5 s"])
        // Being asked again does not make it younger.
        stallDetector.ask(at: instant(6))
        #expect(stallDetector.ailments(after: .seconds(5), at: instant(6)).count == 1)
        gate.signal()
        try await loops[1].submit {}.get()
        #expect(stallDetector.ailments(after: .seconds(5), at: instant(6)) == [])
        try await group.shutdownGracefully()
    }

    @Test("name the daemon's own task")
    func stuckTask() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let answers = Mutex<[StallDetector.Answer]>([])
        let stallDetector = StallDetector(group) { answer in answers.withLock { $0.append(answer) } }
        stallDetector.ask(at: instant(0))
        try await group.next().submit {}.get()
        #expect(
            stallDetector.ailments(after: .seconds(1), at: instant(1)) == [
                "the daemon's own task has not answered for 1 s"
            ]
        )
        for answer in answers.withLock({ $0 }) { answer() }
        #expect(stallDetector.ailments(after: .seconds(1), at: instant(1)) == [])
        try await group.shutdownGracefully()
    }

    @Test("tell the log once who is stuck, well before the watchdog has seen enough")
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
