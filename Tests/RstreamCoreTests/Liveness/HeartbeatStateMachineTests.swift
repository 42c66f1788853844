// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamWire
import Testing

@Suite("heartbeats are counted out and acknowledgements in")
struct HeartbeatStateMachineTests {
    private static let negotiated = Liveness.negotiated(interval: .seconds(5), timeout: .seconds(15))
    private static let legacy = Liveness.legacy(interval: .seconds(5))

    /// A machine that has sent this many heartbeats.
    private func machine(_ liveness: Liveness = negotiated, sent: Int = 0) -> HeartbeatStateMachine {
        var machine = HeartbeatStateMachine(liveness: liveness, openedAt: start)
        for _ in 0..<sent {
            _ = machine.due(at: start)
            machine.written()
        }
        return machine
    }

    @Test("sequences are 1, 2, 3, and so on, and acknowledge nothing")
    func sequences() {
        var machine = machine()
        for sequence in 1...100 as ClosedRange<UInt64> {
            #expect(machine.due(at: start) == .send(Heartbeat(sequence: sequence, acknowledgement: 0)))
            machine.written()
        }
    }

    @Test("legacy heartbeats hold nothing")
    func legacyHeartbeats() {
        var machine = machine(Self.legacy)
        for _ in 0..<3 {
            #expect(machine.due(at: start) == .send(Heartbeat()))
            machine.written()
        }
    }

    @Test("an acknowledgement is above the last and not above what was sent; some may be left out")
    func acknowledgements() {
        var machine = machine(sent: 5)
        for acknowledgement in [1, 2, 5] as [UInt64] {
            #expect(machine.received(Heartbeat(acknowledgement: acknowledgement)) == nil)
        }
        _ = machine.due(at: start)
        #expect(machine.received(Heartbeat(acknowledgement: 6)) == nil)
    }

    @Test("a heartbeat is acknowledged as soon as it was handed over, written or not")
    func acknowledgedWhileWriting() {
        var machine = machine()
        _ = machine.due(at: start)
        #expect(machine.received(Heartbeat(acknowledgement: 1)) == nil)
    }

    @Test(
        "acknowledging nothing, again, backwards or the future is a violation",
        arguments: [0, 3, 2, 1, 6, .max] as [UInt64]
    )
    func badAcknowledgements(acknowledgement: UInt64) {
        var machine = machine(sent: 5)
        #expect(machine.received(Heartbeat(acknowledgement: 3)) == nil)
        #expect(
            machine.received(Heartbeat(acknowledgement: acknowledgement))
                == .heartbeatAcknowledgement(acknowledgement, last: 3, sent: 5)
        )
    }

    @Test("nothing can be acknowledged before something was sent", arguments: [0, 1] as [UInt64])
    func acknowledgedTooEarly(acknowledgement: UInt64) {
        var machine = machine()
        #expect(
            machine.received(Heartbeat(acknowledgement: acknowledgement))
                == .heartbeatAcknowledgement(acknowledgement, last: 0, sent: 0)
        )
    }

    @Test(
        "a sequence from the engine is a violation, with or without an acknowledgement",
        arguments: [1, 7, .max] as [UInt64]
    )
    func sequenceFromEngine(sequence: UInt64) {
        var machine = machine(sent: 1)
        #expect(machine.received(Heartbeat(sequence: sequence)) == .heartbeatSequence(sequence))
        #expect(
            machine.received(Heartbeat(sequence: sequence, acknowledgement: 1)) == .heartbeatSequence(sequence)
        )
    }

    @Test("a legacy engine's heartbeat is empty, or a violation")
    func legacyInbound() {
        var machine = machine(Self.legacy, sent: 3)
        #expect(machine.received(Heartbeat()) == nil)
        #expect(machine.received(Heartbeat()) == nil)
        #expect(machine.received(Heartbeat(acknowledgement: 1)) == .heartbeatNotExpected)
        #expect(machine.received(Heartbeat(sequence: 1)) == .heartbeatNotExpected)
    }

    @Test("without heartbeats any that comes is a violation")
    func disabledInbound() {
        var machine = machine(.disabled)
        for heartbeat in [Heartbeat(), Heartbeat(sequence: 1), Heartbeat(acknowledgement: 1)] {
            #expect(machine.received(heartbeat) == .heartbeatNotExpected)
        }
    }

    @Test("while one is being written the next is skipped, and no number is lost by it")
    func skip() {
        var machine = machine()
        #expect(machine.due(at: instant(0)) == .send(Heartbeat(sequence: 1)))
        #expect(machine.due(at: instant(5)) == .skip)
        #expect(machine.due(at: instant(10)) == .skip)
        machine.written()
        #expect(machine.due(at: instant(10)) == .send(Heartbeat(sequence: 2)))
        // The bound counts from this one, not from the first.
        #expect(machine.due(at: instant(24.9)) == .skip)
        #expect(machine.due(at: instant(25)) == .stalled)
    }

    @Test(
        "one write may take the timeout, on a legacy channel three intervals between 60 s and 15 min",
        arguments: [
            (.negotiated(interval: .seconds(5), timeout: .seconds(15)), .seconds(15)),
            (.legacy(interval: .seconds(1)), .seconds(60)),
            (.legacy(interval: .seconds(20)), .seconds(60)),
            (.legacy(interval: .seconds(21)), .seconds(63)),
            (.legacy(interval: .seconds(300)), .seconds(900)),
        ] as [(Liveness, Duration)]
    )
    func writeBound(liveness: Liveness, bound: Duration) {
        var machine = machine(liveness)
        #expect(machine.writeBound == bound)
        _ = machine.due(at: start)
        #expect(machine.due(at: start + bound - .milliseconds(1)) == .skip)
        #expect(machine.due(at: start + bound) == .stalled)
    }

    @Test("silence counts from the last frame, or from the opening")
    func judgement() {
        var machine = machine()
        #expect(machine.judge(at: instant(0)) == .alive(checkAgainAfter: .seconds(15)))
        #expect(machine.judge(at: instant(14)) == .alive(checkAgainAfter: .seconds(1)))
        #expect(machine.judge(at: instant(15)) == .dead(silentFor: .seconds(15)))
        machine.frameReceived(at: instant(14))
        #expect(machine.judge(at: instant(15)) == .alive(checkAgainAfter: .seconds(14)))
        #expect(machine.judge(at: instant(29)) == .dead(silentFor: .seconds(15)))
        // A suspended host wakes up late.
        #expect(machine.judge(at: instant(4_000)) == .dead(silentFor: .seconds(3_986)))
    }

    @Test("where no liveness was agreed on silence means nothing")
    func noJudgement() {
        #expect(machine(.disabled).judge(at: instant(10_000)) == nil)
        #expect(machine(Self.legacy).judge(at: instant(10_000)) == nil)
    }
}
