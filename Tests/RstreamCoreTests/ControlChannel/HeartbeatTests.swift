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
                machine.heartbeatTimerFired(at: instant(Double(sequence))) == [
                    .sendHeartbeat(Heartbeat(sequence: sequence)), .scheduleHeartbeat(after: .seconds(5)),
                ]
            )
            machine.heartbeatWritten()
        }
    }

    @Test("on a legacy channel heartbeats are empty, and come as often")
    func legacy() {
        var machine = ControlChannelStateMachine.open(liveness: nil)
        for second in 0...3 {
            #expect(
                machine.heartbeatTimerFired(at: instant(Double(second))) == [
                    .sendHeartbeat(Heartbeat()), .scheduleHeartbeat(after: .seconds(5)),
                ]
            )
            machine.heartbeatWritten()
        }
    }

    @Test("a heartbeat that is still being written is not followed by another")
    func oneAtATime() {
        var machine = ControlChannelStateMachine.open()
        #expect(machine.heartbeatTimerFired(at: instant(0)).count == 2)
        #expect(machine.heartbeatTimerFired(at: instant(5)) == [.scheduleHeartbeat(after: .seconds(5))])
        machine.heartbeatWritten()
        #expect(machine.heartbeatTimerFired(at: instant(10)).first == .sendHeartbeat(Heartbeat(sequence: 2)))
    }

    @Test("a heartbeat that cannot be written for the timeout ends the channel as stalled")
    func stalled() {
        var machine = ControlChannelStateMachine.open()
        #expect(machine.heartbeatTimerFired(at: instant(0)).count == 2)
        #expect(machine.heartbeatTimerFired(at: instant(14.9)) == [.scheduleHeartbeat(after: .seconds(5))])
        #expect(machine.heartbeatTimerFired(at: instant(15)) == [.end(.stalled)])
        #expect(ChannelEnd.stalled.error.retry == .afterBackoff)
    }

    @Test("a violation by the engine ends the channel")
    func violation() {
        var machine = ControlChannelStateMachine.open()
        _ = machine.heartbeatTimerFired(at: start)
        #expect(
            machine.received(.heartbeat(Heartbeat(acknowledgement: 2))) == [
                .end(.violation(.heartbeatAcknowledgement(2, last: 0, sent: 1)))
            ]
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
            machine.received(.heartbeat(Heartbeat(acknowledgement: 1)), at: instant(2)) == [
                .heartbeatAnswered(after: .seconds(2))
            ]
        )
        machine.heartbeatWritten()
        _ = machine.heartbeatTimerFired(at: instant(5))
        machine.heartbeatWritten()
        _ = machine.heartbeatTimerFired(at: instant(10))
        #expect(machine.received(.heartbeat(Heartbeat(acknowledgement: 2)), at: instant(11)) == [])
        #expect(
            machine.received(.heartbeat(Heartbeat(acknowledgement: 3)), at: instant(12)) == [
                .heartbeatAnswered(after: .seconds(2))
            ]
        )
    }

    @Test("an engine silent past its timeout is declared dead, once")
    func silence() {
        var machine = ControlChannelStateMachine.open()
        #expect(machine.livenessTimerFired(at: instant(15)) == [.end(.silent(.seconds(15)))])
        #expect(machine.livenessTimerFired(at: instant(30)) == [])
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
        #expect(machine.livenessTimerFired(at: instant(15)) == [.scheduleLiveness(after: .seconds(10))])
        #expect(machine.livenessTimerFired(at: instant(25)) == [.end(.silent(.seconds(15)))])
    }

    @Test("liveness is watched, and heartbeats go on, while the channel is closing")
    func closing() {
        var machine = ControlChannelStateMachine.open()
        _ = machine.closeRequested()
        #expect(machine.heartbeatTimerFired(at: instant(1)).first == .sendHeartbeat(Heartbeat(sequence: 1)))
        #expect(machine.livenessTimerFired(at: instant(15)) == [.end(.silent(.seconds(15)))])
    }

    @Test("no timer does anything before the channel is open, or after its end")
    func elsewhere() {
        var opening = ControlChannelStateMachine.opening()
        #expect(opening.heartbeatTimerFired(at: start) == [])
        #expect(opening.livenessTimerFired(at: instant(1_000)) == [])
        var ended = ControlChannelStateMachine.open()
        _ = ended.connectionLost(reset)
        #expect(ended.heartbeatTimerFired(at: start) == [])
        #expect(ended.livenessTimerFired(at: instant(1_000)) == [])
        #expect(ended.received(.heartbeat(Heartbeat(sequence: 1))) == [])
    }
}
