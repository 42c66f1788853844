// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire
import Testing

@Suite("heartbeats on a control channel")
struct HeartbeatTests {
    @Test("a heartbeat is sent when its timer fires, and the next one is scheduled an interval later")
    func send() {
        var machine = ControlChannelStateMachine.open()
        for sequence in 1...3 as ClosedRange<UInt64> {
            #expect(
                machine.heartbeatTimerFired(at: instant(Double(sequence)))
                    == .send(Heartbeat(sequence: sequence), nextAfter: .seconds(5))
            )
            machine.heartbeatWritten()
        }
    }

    @Test("on a legacy channel heartbeats are empty, and come as often")
    func legacy() {
        var machine = ControlChannelStateMachine.open(liveness: nil)
        for second in 0...3 {
            #expect(
                machine.heartbeatTimerFired(at: instant(Double(second))) == .send(Heartbeat(), nextAfter: .seconds(5))
            )
            machine.heartbeatWritten()
        }
    }

    @Test("a heartbeat that is still being written is not followed by another")
    func oneAtATime() {
        var machine = ControlChannelStateMachine.open()
        #expect(machine.heartbeatTimerFired(at: instant(0)) == .send(Heartbeat(sequence: 1), nextAfter: .seconds(5)))
        #expect(machine.heartbeatTimerFired(at: instant(5)) == .skip(nextAfter: .seconds(5)))
        machine.heartbeatWritten()
        #expect(machine.heartbeatTimerFired(at: instant(10)) == .send(Heartbeat(sequence: 2), nextAfter: .seconds(5)))
    }

    @Test("a heartbeat that cannot be written for the timeout ends the channel as stalled")
    func stalled() {
        var machine = ControlChannelStateMachine.open()
        #expect(machine.heartbeatTimerFired(at: instant(0)) == .send(Heartbeat(sequence: 1), nextAfter: .seconds(5)))
        #expect(machine.heartbeatTimerFired(at: instant(14.9)) == .skip(nextAfter: .seconds(5)))
        #expect(machine.heartbeatTimerFired(at: instant(15)) == .ends(.stalled))
        #expect(ChannelEnd.stalled.error.retry == .afterBackoff)
    }

    @Test("a violation by the engine ends the channel")
    func violation() {
        var machine = ControlChannelStateMachine.open()
        _ = machine.heartbeatTimerFired(at: start)
        #expect(
            machine.received(.heartbeat(Heartbeat(acknowledgement: 2)))
                == .ends(.violation(.heartbeatAcknowledgement(2, last: 0, sent: 1)))
        )
        let error = ChannelEnd.violation(.heartbeatAcknowledgement(2, last: 0, sent: 1)).error
        #expect(error.code == .protocolViolation)
        #expect(error.retry == .afterBackoff)
    }

    @Test("the answer to the last heartbeat tells how long it took, there and back; a late one tells nothing")
    func acknowledged() {
        var machine = ControlChannelStateMachine.open()
        _ = machine.heartbeatTimerFired(at: start)
        #expect(
            machine.received(.heartbeat(Heartbeat(acknowledgement: 1)), at: instant(2))
                == .heartbeatAcknowledged(after: .seconds(2))
        )
        machine.heartbeatWritten()
        _ = machine.heartbeatTimerFired(at: instant(5))
        machine.heartbeatWritten()
        _ = machine.heartbeatTimerFired(at: instant(10))
        #expect(machine.received(.heartbeat(Heartbeat(acknowledgement: 2)), at: instant(11)) == .doNothing)
        #expect(
            machine.received(.heartbeat(Heartbeat(acknowledgement: 3)), at: instant(12))
                == .heartbeatAcknowledged(after: .seconds(2))
        )
    }

    @Test("an engine silent past its timeout is declared dead, once")
    func silence() {
        var machine = ControlChannelStateMachine.open()
        #expect(machine.livenessTimerFired(at: instant(15)) == .ends(.silent(.seconds(15))))
        #expect(machine.livenessTimerFired(at: instant(30)) == .doNothing)
        let error = ChannelEnd.silent(.seconds(15)).error
        #expect(error.code == .controlLiveness)
        #expect(error.retry == .afterBackoff)
        #expect(error.what.contains("15 s"))
    }

    @Test(
        "a frame of any kind counts as a sign of life",
        arguments: [
            .unknown, .serverMessage("hello"), .proxyResponse(error: nil), .closeTunnelResponse(tunnelID: "nobody's"),
            .heartbeat(Heartbeat(acknowledgement: 1)), .tunnel("nobody's", .empty), .stream("s1", of: "nobody's"),
        ] as [Message]
    )
    func signsOfLife(message: Message) {
        var machine = ControlChannelStateMachine.open()
        _ = machine.heartbeatTimerFired(at: start)
        _ = machine.received(message, at: instant(10))
        #expect(machine.livenessTimerFired(at: instant(15)) == .checkAgain(after: .seconds(10)))
        #expect(machine.livenessTimerFired(at: instant(25)) == .ends(.silent(.seconds(15))))
    }

    @Test("liveness is watched, and heartbeats go on, while the channel is closing")
    func closing() {
        var machine = ControlChannelStateMachine.open()
        _ = machine.closeRequested()
        #expect(machine.heartbeatTimerFired(at: instant(1)) == .send(Heartbeat(sequence: 1), nextAfter: .seconds(5)))
        #expect(machine.livenessTimerFired(at: instant(15)) == .ends(.silent(.seconds(15))))
    }

    @Test("a change of the network judges the silence at once, and sends a heartbeat unless one is being written")
    func networkChanged() {
        var machine = ControlChannelStateMachine.open()
        #expect(
            machine.networkChanged(at: instant(4))
                == .probe(Heartbeat(sequence: 1), nextAfter: .seconds(5), checkLivenessAfter: .seconds(11))
        )
        #expect(
            machine.networkChanged(at: instant(6))
                == .probe(nil, nextAfter: .seconds(5), checkLivenessAfter: .seconds(9))
        )
        #expect(machine.networkChanged(at: instant(15)).end?.cause == .silent(.seconds(15)))
        #expect(machine.networkChanged(at: instant(16)) == .doNothing)

        var legacy = ControlChannelStateMachine.open(liveness: nil)
        #expect(
            legacy.networkChanged(at: instant(1))
                == .probe(Heartbeat(), nextAfter: .seconds(5), checkLivenessAfter: nil)
        )
        var disabled = ControlChannelStateMachine.open(heartbeat: nil, liveness: nil)
        #expect(disabled.networkChanged(at: instant(1)) == .doNothing)
        var opening = ControlChannelStateMachine.opening()
        #expect(opening.networkChanged(at: instant(1)) == .doNothing)
    }

    @Test("no timer does anything before the channel is open, or after its end")
    func elsewhere() {
        var opening = ControlChannelStateMachine.opening()
        #expect(opening.heartbeatTimerFired(at: start) == .doNothing)
        #expect(opening.livenessTimerFired(at: instant(1_000)) == .doNothing)
        var ended = ControlChannelStateMachine.open()
        _ = ended.connectionLost(reset)
        #expect(ended.heartbeatTimerFired(at: start) == .doNothing)
        #expect(ended.livenessTimerFired(at: instant(1_000)) == .doNothing)
        #expect(ended.received(.heartbeat(Heartbeat(sequence: 1))) == .doNothing)
    }
}
