// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("a stream whose upstream is not there")
struct UpstreamHoldDecisionTests {
    private let start = ContinuousClock.now

    @Test("fails at once when it may not wait")
    func none() {
        var random = SplitMix(seed: 1)
        var hold = UpstreamHold(timeout: .zero, since: start)
        #expect(hold.dialFailed(retry: .afterBackoff, at: start, using: &random) == .giveUp)
    }

    @Test("does not wait for what will not pass by itself")
    func final() {
        var random = SplitMix(seed: 1)
        var hold = UpstreamHold(timeout: .seconds(60), since: start)
        #expect(hold.dialFailed(retry: .afterReload, at: start, using: &random) == .giveUp)
        #expect(hold.dialFailed(retry: .never, at: start, using: &random) == .giveUp)
    }

    @Test("dials again after waits that grow to a second, the last time when its time is over", arguments: 0..<50)
    func waits(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var hold = UpstreamHold(timeout: .seconds(20), since: start)
        var now = start
        var step = Duration.milliseconds(50)
        var dials = 0
        while case .dialAgain(let wait) = hold.dialFailed(retry: .afterBackoff, at: now, using: &random) {
            #expect(wait > .zero)
            #expect(wait <= step)
            step = min(step * 2, .seconds(1))
            now = now.advanced(by: wait)
            #expect(now <= start.advanced(by: .seconds(20)))
            dials += 1
        }
        #expect(now == start.advanced(by: .seconds(20)))
        #expect(dials > 20)
    }

    @Test("is given up when a dial outlasted its time")
    func late() {
        var random = SplitMix(seed: 1)
        var hold = UpstreamHold(timeout: .seconds(1), since: start)
        #expect(hold.dialFailed(retry: .afterBackoff, at: start.advanced(by: .seconds(3)), using: &random) == .giveUp)
    }
}
