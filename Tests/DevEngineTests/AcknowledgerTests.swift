// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamWire
import Testing

@testable import DevEngine

@Suite("Acknowledgement of heartbeats")
struct AcknowledgerTests {
    private func answers(_ faults: [Fault], to sequences: [UInt64]) -> [[Acknowledger.Answer]] {
        var acknowledger = Acknowledger()
        var plan = FaultPlan(faults)
        return sequences.map { acknowledger.answers(to: $0, faults: &plan) }
    }

    private func answer(_ number: UInt64, sequence: UInt64 = 0, delay: Int = 0) -> Acknowledger.Answer {
        Acknowledger.Answer(heartbeat: Heartbeat(sequence: sequence, acknowledgement: number), delay: delay)
    }

    @Test("repeats the number, at once")
    func plain() {
        #expect(answers([], to: [1, 2]) == [[answer(1)], [answer(2)]])
    }

    @Test("goes wrong in the way that was asked for")
    func faults() {
        #expect(answers([Fault(.ackZero)], to: [1]) == [[answer(0)]])
        #expect(answers([Fault(.ackFuture)], to: [1]) == [[answer(1_001)]])
        #expect(answers([Fault(.ackSequence)], to: [1]) == [[answer(1, sequence: 1)]])
        #expect(answers([Fault(.ackReplay)], to: [1]) == [[answer(1), answer(1)]])
        #expect(answers([Fault(.ackDelay, value: .number(9))], to: [1]) == [[answer(1, delay: 9)]])
        #expect(answers([Fault(.ackSkip, value: .number(2))], to: [1, 2, 3, 4]) == [[], [answer(2)], [], [answer(4)]])
    }

    @Test("survives the last number there is")
    func overflow() {
        #expect(answers([Fault(.ackFuture)], to: [.max]) == [[answer(999)]])
    }
}
