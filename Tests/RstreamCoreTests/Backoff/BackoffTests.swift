// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamTestSupport
import Testing

@Suite("the wait before the next try")
struct BackoffTests {
    private struct Constant: RandomNumberGenerator {
        let value: UInt64
        func next() -> UInt64 { value }
    }

    @Test("steps double from the minimum to the maximum and stay there")
    func steps() {
        var longest = Constant(value: .max)
        var backoff = Backoff(minimum: .seconds(1), maximum: .seconds(30))
        for (attempt, step) in [1, 2, 4, 8, 16, 30, 30, 30].enumerated() {
            #expect(backoff.attempt == attempt)
            let wait = backoff.next(using: &longest)
            #expect(wait <= .seconds(step))
            #expect(wait > .seconds(Double(step) * 0.999))
        }
    }

    @Test("no wait is zero, and none is longer than its step", arguments: 1...50 as ClosedRange<UInt64>)
    func bounds(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var backoff = Backoff(minimum: .milliseconds(200), maximum: .seconds(3))
        for step in [200, 400, 800, 1_600, 3_000, 3_000, 3_000, 3_000] {
            let wait = backoff.next(using: &random)
            #expect(wait > .zero, "seed \(seed)")
            #expect(wait <= .milliseconds(step), "seed \(seed)")
        }
    }

    @Test("the shortest draw is not zero", arguments: [1, .max] as [UInt64])
    func extremes(value: UInt64) {
        var random = Constant(value: value)
        var backoff = Backoff()
        for step in [1, 2, 4, 8, 16, 30, 30] {
            let wait = backoff.next(using: &random)
            #expect(wait > .zero)
            #expect(wait <= .seconds(step))
        }
    }

    @Test("waits are spread over the whole step, at every step and at the cap", arguments: [0, 1, 3, 5, 20])
    func distribution(step: Int) {
        var random = SplitMix(seed: 42)
        var buckets = Array(repeating: 0, count: 10)
        let whole = [1, 2, 4, 8, 16, 30, 30][min(step, 6)]
        for _ in 0..<1_000 {
            var backoff = Backoff(minimum: .seconds(1), maximum: .seconds(30))
            for _ in 0..<step { _ = backoff.next(using: &random) }
            let wait = backoff.next(using: &random)
            buckets[min(9, Int(wait / .seconds(whole) * 10))] += 1
        }
        // A thousand draws in ten buckets: 100 each, with a standard deviation below ten.
        for count in buckets { #expect((60...140).contains(count), "\(buckets)") }
    }

    @Test("after a reset the next wait starts small again, and attempts from none")
    func reset() {
        var longest = Constant(value: .max)
        var backoff = Backoff()
        for _ in 0..<10 { _ = backoff.next(using: &longest) }
        backoff.reset()
        #expect(backoff.attempt == 0)
        #expect(backoff.next(using: &longest) <= .seconds(1))
        #expect(backoff.next(using: &longest) > .seconds(1))
    }

    @Test("a policy that makes no sense still waits: no shorter than 1 ms, no longer than the longer of the two")
    func oddPolicies() {
        var longest = Constant(value: .max)
        var zero = Backoff(minimum: .zero, maximum: .zero)
        #expect(zero.next(using: &longest) > .zero)
        #expect(zero.next(using: &longest) <= .milliseconds(1))
        var negative = Backoff(minimum: .seconds(-1), maximum: .seconds(-5))
        #expect(negative.next(using: &longest) > .zero)
        var upsideDown = Backoff(minimum: .seconds(10), maximum: .seconds(1))
        #expect(upsideDown.next(using: &longest) > .seconds(9))
        #expect(upsideDown.next(using: &longest) <= .seconds(10))
    }

    @Test("a very long maximum does not overflow")
    func overflow() {
        var longest = Constant(value: .max)
        var backoff = Backoff(minimum: .seconds(1), maximum: .seconds(Int64.max / 4))
        for _ in 0..<200 { #expect(backoff.next(using: &longest) > .zero) }
    }

    @Test("the same seed gives the same waits")
    func seeded() {
        var first = SplitMix(seed: 5)
        var second = SplitMix(seed: 5)
        var one = Backoff()
        var other = Backoff()
        for _ in 0..<20 { #expect(one.next(using: &first) == other.next(using: &second)) }
    }
}
