// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@Suite("any walk of a control channel")
struct ChannelWalkTests {
    @Test(
        "each thing is answered, ended and stopped once, and nothing follows an end",
        arguments: 1...300 as ClosedRange<UInt64>
    )
    func lethal(seed: UInt64) {
        var walk = ChannelWalk(seed: seed, isLethal: true)
        walk.run(steps: 2_000)
    }

    @Test(
        "while the channel lives every stream that is asked for is answered",
        arguments: 1001...1020 as ClosedRange<UInt64>
    )
    func long(seed: UInt64) {
        var walk = ChannelWalk(seed: seed, isLethal: false)
        walk.run(steps: 5_000)
        #expect(walk.tally.counts["settled"] == 1, "seed \(seed)")
    }

    @Test("the walks come everywhere")
    func coverage() {
        var counts: [String: Int] = [:]
        for seed in 1...300 as ClosedRange<UInt64> {
            var walk = ChannelWalk(seed: seed, isLethal: true)
            walk.run(steps: 2_000)
            counts.merge(walk.tally.counts, uniquingKeysWith: +)
        }
        for event in [
            "tunnel opened", "tunnel failed", "tunnel ended by engine", "tunnel ended as asked", "tunnel given back",
            "abandoned", "late tunnel request", "stream started", "stream redirected", "stream answered",
            "stream refused", "stream waits", "started by limits", "probe", "stream abandoned", "duplicate stream",
            "heartbeat",
            "acknowledged while writing", "end: lost", "end: violation", "end: silent", "end: stalled",
            "end: closedByUs", "end: closedByEngine",
        ] {
            #expect(counts[event, default: 0] > 0, "\(event) never happened: \(counts)")
        }
    }
}
