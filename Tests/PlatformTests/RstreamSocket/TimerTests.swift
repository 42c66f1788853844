// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamSocket
import Testing

@Suite("a timer of an event loop")
struct TimerTests {
    @Test("fires after its delay, and not when it was cancelled before")
    func fires() {
        let loop = EmbeddedEventLoop()
        var fired: [String] = []
        let cancelled = loop.startTimer(in: .seconds(1)) { fired.append("cancelled") }
        let timer = loop.startTimer(in: .seconds(2)) { fired.append("on time") }
        cancelled?.cancel()
        loop.advanceTime(by: .milliseconds(1_999))
        #expect(fired.isEmpty)
        loop.advanceTime(by: .milliseconds(1))
        #expect(fired == ["on time"])
        // Too late, and therefore nothing.
        timer?.cancel()
        loop.advanceTime(by: .seconds(10))
        #expect(fired == ["on time"])
    }
}
