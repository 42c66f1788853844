// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamTestSupport
import Synchronization
import Testing

@Suite("Threads that may block", .timeLimit(.hang))
struct BlockingThreadTests {
    /// Holds whoever waits at it, until it is opened.
    private final class Gate: Sendable {
        private let semaphore: UnsafeMutableSendable

        /// glibc's semaphores may be used by any thread.
        private struct UnsafeMutableSendable: @unchecked Sendable {
            let pointer: UnsafeMutablePointer<sem_t>
        }

        init() {
            semaphore = UnsafeMutableSendable(pointer: .allocate(capacity: 1))
            sem_init(semaphore.pointer, 0, 0)
        }

        func wait() { sem_wait(semaphore.pointer) }

        func open(for count: Int) {
            for _ in 0..<count { sem_post(semaphore.pointer) }
        }
    }

    /// What several threads write to.
    private final class Shared<Value: Sendable>: Sendable {
        private let state: Lock<Value>

        init(_ value: Value) { state = Lock(value) }

        var value: Value { state.withLock { $0 } }

        func change(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
    }

    private struct Load {
        var running = 0
        var highest = 0
    }

    @Test("a lane that is full keeps no other lane waiting, and goes on when it can")
    func lanes() async {
        let (full, other, gate) = (BlockingThreads(most: 2), BlockingThreads(most: 1), Gate())
        await withTaskGroup(of: Int.self) { group in
            for number in 0..<6 {
                group.addTask {
                    await full.run {
                        gate.wait()
                        return number
                    }
                }
            }
            #expect(await other.run { 7 } == 7)
            gate.open(for: 6)
            var done: Set<Int> = []
            for await number in group { done.insert(number) }
            #expect(done == Set(0..<6))
        }
    }

    @Test("never more calls block than the lane permits", arguments: [1, 3])
    func bound(most: Int) async {
        let lane = BlockingThreads(most: most)
        let now = Shared(Load())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    await lane.run {
                        now.change { load in
                            load.running += 1
                            load.highest = max(load.highest, load.running)
                        }
                        sched_yield()
                        now.change { $0.running -= 1 }
                    }
                }
            }
        }
        #expect(now.value.highest <= most)
        #expect(now.value.running == 0)
    }

    @Test("a lane of one thread keeps the order")
    func order() async {
        let lane = BlockingThreads(most: 1)
        let seen = Shared<[Int]>([])
        for number in 0..<100 { lane.submit { seen.change { $0.append(number) } } }
        await lane.run {}
        #expect(seen.value == Array(0..<100))
    }

    @Test("what is thrown arrives")
    func failure() async {
        struct Broken: Error {}
        await #expect(throws: Broken.self) {
            try await BlockingThreads(most: 1).tryRun { () throws(Broken) in throw Broken() }
        }
    }

    #if DEBUG
    @Test("a call that may block ends a debug build on a thread that others wait for, and nowhere else")
    func trap() async {
        await #expect(processExitsWith: .failure) {
            MayBlock.notHere()
            MayBlock.now("a call")
        }
        await BlockingThreads(most: 1).run { MayBlock.now("a call") }
        #expect(MayBlock.isPermitted)
    }
    #endif
}
