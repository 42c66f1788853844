// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import Testing

@Suite("What an engine may write into the log")
struct LogRateTests {
    @Test("is a few texts at once, then one a minute, and what was left out is counted")
    func rate() {
        let start = ContinuousClock.now
        var rate = LogRate()
        for _ in 0..<10 { #expect(rate.admits(at: start) == 0) }
        for _ in 0..<5_000 { #expect(rate.admits(at: start + .seconds(59)) == nil) }
        #expect(rate.admits(at: start + .seconds(60)) == 5_000)
        #expect(rate.admits(at: start + .seconds(61)) == nil)
        // A long silence gives no more than at first.
        let later = start + .seconds(86_400)
        #expect(rate.admits(at: later) == 1)
        for _ in 0..<9 { #expect(rate.admits(at: later) == 0) }
        #expect(rate.admits(at: later) == nil)
    }
}
