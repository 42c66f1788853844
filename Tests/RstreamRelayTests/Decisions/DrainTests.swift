// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("what was asked to stop goes when nothing is open any more")
struct DrainTests {
    private func serving(_ open: Int) -> DrainStateMachine {
        var machine = DrainStateMachine()
        for _ in 0..<open { _ = machine.streamOpened() }
        return machine
    }

    @Test("without open streams it goes at once")
    func idle() {
        var machine = serving(0)
        #expect(machine.drainRequested() == .close)
        #expect(machine == .closed)
    }

    @Test("with open streams it goes with the last one")
    func lastStream() {
        var machine = serving(3)
        #expect(machine.drainRequested() == .none)
        #expect(machine.openStreams == 3)
        #expect(machine.streamClosed() == .none)
        #expect(machine.streamClosed() == .none)
        #expect(machine.streamClosed() == .close)
        #expect(machine == .closed)
    }

    @Test("it takes no stream from the request on")
    func refuses() {
        var machine = serving(1)
        _ = machine.drainRequested()
        #expect(machine.streamOpened() == false)
        #expect(machine.openStreams == 1)
        #expect(machine.streamClosed() == .close)
        #expect(machine.streamOpened() == false)
        #expect(machine.openStreams == 0)
    }

    @Test("a second request changes nothing; one that comes after the end may close again")
    func twice() {
        var machine = serving(1)
        _ = machine.drainRequested()
        #expect(machine.drainRequested() == .none)
        _ = machine.streamClosed()
        #expect(machine.drainRequested() == .close)
    }

    @Test("a stream that was never opened cannot close what serves")
    func neverNegative() {
        var machine = serving(0)
        #expect(machine.streamClosed() == .none)
        #expect(machine.openStreams == 0)
        #expect(machine.streamOpened() == true)
        #expect(machine.openStreams == 1)
    }

    @Test("nothing happens after the end")
    func closed() {
        var machine = DrainStateMachine.closed
        #expect(machine.streamClosed() == .none)
        #expect(machine == .closed)
    }

    @Test("any walk agrees with a plain count", arguments: 1...50 as ClosedRange<UInt64>)
    func walk(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var machine = DrainStateMachine()
        var open = 0
        var isDraining = false
        var isClosed = false
        for step in 0..<100 {
            let place = "seed \(seed), step \(step)"
            switch Int.random(in: 0..<20, using: &random) {
            case 0:
                let action = machine.drainRequested()
                isDraining = true
                try #require((action == .close) == (open == 0), "\(place)")
                isClosed = isClosed || open == 0
            case ..<11:
                try #require(machine.streamOpened() == !isDraining, "\(place)")
                if !isDraining { open += 1 }
            default:
                guard open > 0 else { continue }
                open -= 1
                try #require((machine.streamClosed() == .close) == (isDraining && open == 0), "\(place)")
                isClosed = isDraining && open == 0
            }
            try #require(machine.openStreams == open, "\(place)")
            try #require((machine == .closed) == isClosed, "\(place)")
        }
    }
}
