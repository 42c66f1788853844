// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import Testing

@testable import RstreamDaemon

@Suite("Debouncing")
struct DebounceTests {
    private let start = ContinuousClock.now

    @Test("a series is over once, after a time without changes")
    func quiet() {
        var time = Debounce()
        #expect(time.changed(at: start) == .schedule(generation: 1, after: .milliseconds(100)))
        #expect(
            time.changed(at: start + .milliseconds(90)) == .schedule(generation: 2, after: .milliseconds(100))
        )
        #expect(time.timerFired(generation: 1, at: start) == nil)
        #expect(time.timerFired(generation: 2, at: start) == .settled)
        #expect(time.timerFired(generation: 2, at: start) == nil)
    }

    @Test("an endless series is cut at the longest time")
    func longest() {
        var time = Debounce()
        _ = time.changed(at: start)
        #expect(
            time.changed(at: start + .milliseconds(1_950)) == .schedule(generation: 2, after: .milliseconds(50))
        )
        #expect(time.changed(at: start + .seconds(3)) == .schedule(generation: 3, after: .zero))
        #expect(time.timerFired(generation: 3, at: start) == .settled)
        #expect(time.changed(at: start + .seconds(4)) == .schedule(generation: 4, after: .milliseconds(100)))
    }

    @Test("a series after another one ends after the pause")
    func pause() {
        var time = Debounce(pause: .seconds(5))
        _ = time.changed(at: start)
        #expect(time.timerFired(generation: 1, at: start + .milliseconds(100)) == .settled)
        #expect(
            time.changed(at: start + .seconds(1)) == .schedule(generation: 2, after: .milliseconds(4_100))
        )
        #expect(
            time.changed(at: start + .milliseconds(5_050)) == .schedule(generation: 3, after: .milliseconds(50))
        )
        #expect(time.timerFired(generation: 3, at: start + .milliseconds(5_100)) == .settled)
        #expect(time.changed(at: start + .seconds(20)) == .schedule(generation: 4, after: .milliseconds(100)))
    }
}
