// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Linux
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The signal to stop", .timeLimit(.hang))
struct StopSignalTests {
    @Test("reaches every observer once, those that come later too, and none that was forgotten")
    func observers() {
        let signal = StopSignal()
        let calls = Observed<[String]>([])
        let forgotten = signal.observe { calls.change { $0.append("forgotten") } }
        _ = signal.observe { calls.change { $0.append("early") } }
        signal.forget(forgotten)
        #expect(calls.value.isEmpty)
        signal.give()
        signal.give()
        _ = signal.observe { calls.change { $0.append("late") } }
        #expect(calls.value == ["early", "late"])
    }

    @Test("ends a wait for a thread that does not return, and no result comes after it")
    func wait() async throws {
        let signal = StopSignal()
        let thread = BlockingThreads(most: 1)
        let before = await thread.run(until: signal) { 1 }
        #expect(before == 1)
        let gate = DispatchSemaphore(value: 0)
        // Also when the test fails: the thread has to end.
        defer { gate.signal() }
        let isReached = Observed(false)
        let waiting = Task {
            await thread.run(until: signal) {
                isReached.change { $0 = true }
                gate.wait()
                return 2
            }
        }
        try await isReached.wait(for: "the thread") { $0 }
        signal.give()
        let during = await waiting.value
        #expect(during == nil)
        let after = await thread.run(until: signal) { 3 }
        #expect(after == nil)
    }
}
