// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire
import Testing

@Suite("a control channel is closed in order")
struct ClosingTests {
    private static let small = ControlChannelLimits(openingStreams: 1, pendingStreams: 2)

    private func closing(limits: ControlChannelLimits = ControlChannelLimits()) -> ControlChannelStateMachine {
        var machine = ControlChannelStateMachine.serving(limits: limits)
        _ = machine.closeRequested()
        return machine
    }

    @Test("closing asks the engine, once")
    func request() {
        var machine = ControlChannelStateMachine.serving()
        #expect(machine.closeRequested() == .sendRequest)
        #expect(machine.closeRequested() == .doNothing)
    }

    @Test("from the request on no stream is admitted")
    func noStream() {
        var machine = closing()
        expectRefusal(of: "s1", machine.received(.stream("s1")))
    }

    @Test("a stream that was waiting when the close was asked for is answered with an error, not dialed")
    func noWaitingStream() {
        var machine = ControlChannelStateMachine.serving(limits: Self.small)
        for id in ["s1", "s2", "s3"] { _ = machine.received(.stream(id)) }
        _ = machine.closeRequested()
        #expect(machine.streamFinished("s1", failure: nil).answer != nil)
        expectRefusal(of: "s2", machine.answerWritten("s1"))
        expectRefusal(of: "s3", machine.answerWritten("s2"))
        #expect(machine.answerWritten("s3") == .doNothing)
    }

    @Test("a handshake that was running is still answered")
    func runningHandshake() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.received(.stream("s1"))
        _ = machine.closeRequested()
        #expect(
            machine.streamFinished("s1", failure: nil) == .answer(ProxyConnectionResponse(streamID: "s1"))
        )
    }

    @Test("from the request on no tunnel is asked for")
    func noTunnel() {
        var machine = closing()
        let action = machine.tunnelRequested("r2", TunnelProperties())
        guard case .fail(let error) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(error.code == .controlClosed)
    }

    /// Every way to end, and what a caller is to make of it.
    private static let ends: [(ChannelEnd, RstreamError.Code, RstreamError.Retry)] = [
        (.closedByUs(answered: true), .controlClosed, .never),
        (.closedByUs(answered: false), .controlClosed, .never),
        (.closedByEngine, .controlClosed, .afterBackoff),
        (.lost(reset), reset.code, reset.retry),
        (.silent(.seconds(15)), .controlLiveness, .afterBackoff),
        (.violation(.missingStreamID), .protocolViolation, .afterBackoff),
    ]

    @Test("a tunnel that is asked for afterwards fails with what ended the channel", arguments: 0..<6)
    func tunnelAfterTheEnd(number: Int) {
        let (end, code, retry) = Self.ends[number]
        var machine = ControlChannelStateMachine.serving()
        let cause =
            switch number {
            case 0: machine.closeAndReceiveAnswer()
            case 1: machine.abortRequested().end?.cause
            case 2: machine.received(.closeControlChannelResponse).end?.cause
            case 3: machine.connectionLost(reset).end?.cause
            case 4: machine.livenessTimerFired(at: instant(15)).end?.cause
            default: machine.received(.stream("")).end?.cause
            }
        #expect(cause == end)
        guard case .fail(let error) = machine.tunnelRequested("late", TunnelProperties()) else {
            Issue.record("the request did not fail")
            return
        }
        #expect(error.code == code)
        #expect(error.retry == retry)
    }

    @Test("an abort sends nothing, ends everything, and happens once")
    func abort() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.tunnelRequested("r2", TunnelProperties())
        let end = ControlChannelStateMachine.End(.closedByUs(answered: false), requests: ["r2"], tunnels: ["t1"])
        #expect(machine.abortRequested() == .end(end))
        #expect(machine.abortRequested() == .doNothing)
        #expect(machine.connectionLost(reset) == .doNothing)
    }

    @Test("a tunnel may still be closed, and ended by the engine")
    func tunnels() {
        var machine = closing()
        #expect(machine.tunnelCloseRequested("t1") == .sendRequest(tunnelID: "t1"))
        #expect(machine.received(.closeTunnelResponse(tunnelID: "t1")) == .endTunnel(tunnelID: "t1", nil))
    }

    @Test("a tunnel whose end the engine does not confirm in time has ended all the same, once")
    func tunnelTimedOut() {
        var machine = closing()
        #expect(machine.tunnelCloseTimedOut("t1") == .doNothing)
        _ = machine.tunnelCloseRequested("t1")
        #expect(machine.tunnelCloseTimedOut("t1") == .endTunnel(tunnelID: "t1"))
        #expect(machine.tunnelCloseTimedOut("t1") == .doNothing)
        #expect(machine.received(.closeTunnelResponse(tunnelID: "t1")) == .doNothing)
    }

    @Test("the engine's answer ends the channel")
    func answered() {
        var machine = closing()
        #expect(machine.received(.closeControlChannelResponse).end?.cause == .closedByUs(answered: true))
    }

    @Test("an answer that does not come in time ends it as well")
    func timedOut() {
        var machine = closing()
        #expect(machine.closeTimedOut().end?.cause == .closedByUs(answered: false))
        #expect(machine.closeTimedOut() == .doNothing)
        #expect(machine.received(.closeControlChannelResponse) == .doNothing)
    }

    @Test("the timer of a close means nothing on a channel that is not closing")
    func needlessTimeout() {
        var open = ControlChannelStateMachine.serving()
        #expect(open.closeTimedOut() == .doNothing)
        var opening = ControlChannelStateMachine.opening()
        #expect(opening.closeTimedOut() == .doNothing)
    }

    @Test("an engine may close the connection instead of answering")
    func connectionClosed() {
        var machine = closing()
        #expect(machine.connectionLost(reset).end?.cause == .closedByUs(answered: false))
    }

    @Test("an end that was asked for is not tried again")
    func retry() {
        for answered in [true, false] {
            #expect(ChannelEnd.closedByUs(answered: answered).error.retry == .never)
            #expect(ChannelEnd.closedByUs(answered: answered).error.code == .controlClosed)
        }
    }

    @Test("an unprompted closing answer is a loss, after which to reconnect")
    func unprompted() {
        var machine = ControlChannelStateMachine.serving()
        #expect(machine.received(.closeControlChannelResponse).end?.cause == .closedByEngine)
        #expect(ChannelEnd.closedByEngine.error.retry == .afterBackoff)
        #expect(ChannelEnd.closedByEngine.error.code == .controlClosed)
    }

    @Test("a violation while closing is still a violation")
    func violation() {
        var machine = closing()
        #expect(machine.received(.stream("")).end?.cause == .violation(.missingStreamID))
    }
}

@Suite("what the end of a control channel takes with it")
struct EndTests {
    typealias End = ControlChannelStateMachine.End
    typealias Ending = @Sendable (inout ControlChannelStateMachine) -> End?

    private static let endings: [(String, Ending)] = [
        ("connection lost", { $0.connectionLost(reset).end }),
        ("silence", { $0.livenessTimerFired(at: instant(60)).end }),
        ("silence after a change of the network", { $0.networkChanged(at: instant(60)).end }),
        ("violation", { $0.received(.heartbeat(Heartbeat(sequence: 1))).end }),
        ("bad frame", { $0.malformed(.malformed).end }),
        ("closed by the engine", { $0.received(.closeControlChannelResponse).end }),
    ]

    /// Two requests are outstanding, one was given up, a tunnel is open and one closing; one stream's handshake runs,
    /// one was handed over and its answer is being written, one waits.
    private func busy() -> ControlChannelStateMachine {
        let limits = ControlChannelLimits(openingStreams: 2, pendingStreams: 2)
        var machine = ControlChannelStateMachine.serving(limits: limits)
        machine.grant("t2")
        for id in ["r3", "r4", "r5"] as [RequestID] { _ = machine.tunnelRequested(id, TunnelProperties()) }
        machine.tunnelAbandoned("r4")
        for id in ["accepted", "running", "waiting"] { _ = machine.received(.stream(id)) }
        _ = machine.streamFinished("accepted", failure: nil)
        _ = machine.tunnelCloseRequested("t2")
        return machine
    }

    @Test(
        "requests fail, handshakes stop, tunnels end, each once and in this order; accepted streams are left alone",
        arguments: endings.indices
    )
    func everything(index: Int) throws {
        var machine = busy()
        let ended = Self.endings[index].1(&machine)
        let end = try #require(ended)
        #expect(
            end
                == End(
                    end.cause,
                    requests: ["r3", "r5"],
                    handshakes: ["running"],
                    droppedStreams: [ProxyConnectionRequest(tunnelID: "t1", streamID: "waiting")],
                    tunnels: ["t1", "t2"]
                ),
            "\(Self.endings[index].0)"
        )
        #expect(end.cause.error.retry == .afterBackoff)
    }

    @Test("an orderly close that was answered takes the same things")
    func closed() {
        var machine = busy()
        _ = machine.closeRequested()
        let end = machine.received(.closeControlChannelResponse).end
        #expect(end?.cause == .closedByUs(answered: true))
        #expect(end?.requests == ["r3", "r5"])
        #expect(end?.handshakes == ["running"])
        #expect(end?.droppedStreams.map(\.streamID) == ["waiting"])
        #expect(end?.tunnels == ["t1", "t2"])
    }

    @Test("nothing follows an end", arguments: endings.indices)
    func nothing(index: Int) {
        var machine = busy()
        _ = Self.endings[index].1(&machine)
        for ending in Self.endings {
            let second = ending.1(&machine)
            #expect(second == nil, "\(ending.0)")
        }
        #expect(machine.streamFinished("running", failure: nil) == .doNothing)
        #expect(machine.answerWritten("accepted") == .doNothing)
        #expect(machine.received(.stream("new")) == .doNothing)
        #expect(machine.received(.tunnel("r3", .granted(granted("t3")))) == .doNothing)
        #expect(machine.received(.tunnel("r4", .granted(granted("t4")))) == .doNothing)
        #expect(machine.closeRequested() == .doNothing)
        #expect(machine.closeTimedOut() == .doNothing)
        #expect(machine.openTimedOut(after: .seconds(1)) == .doNothing)
        #expect(machine.tunnelCloseRequested("t1") == .doNothing)
        #expect(machine.heartbeatTimerFired(at: instant(100)) == .doNothing)
        #expect(machine.networkChanged(at: instant(100)) == .doNothing)
        #expect(machine.tunnelCloseTimedOut("t2") == .doNothing)
        #expect(machine.limitsChanged(openingStreams: 9, pendingStreams: 9) == [])
        #expect(machine.connected() == .doNothing)
        machine.heartbeatWritten()
        machine.tunnelAbandoned("r3")
    }

    @Test("a tunnel that is asked for after the end fails at once")
    func lateTunnel() {
        var machine = busy()
        _ = machine.connectionLost(reset)
        let action = machine.tunnelRequested("r9", TunnelProperties())
        guard case .fail = action else {
            Issue.record("\(action)")
            return
        }
    }

    @Test("a loss says what was lost")
    func loss() {
        #expect(ChannelEnd.lost(reset).error == reset)
    }

    @Test("every violation says what it is about")
    func violations() {
        let violations: [(ProtocolViolation, String)] = [
            (.unexpectedAnswer(awaited: "A", got: "B"), "expected A, received B"),
            (.livenessNotRequested, "not requested"),
            (.livenessInterval(requested: 1, answered: 2), "2 ms"),
            (.livenessTimeout(milliseconds: 7), "7 ms"),
            (.heartbeatNotExpected, "heartbeat"),
            (.heartbeatSequence(8), "8"),
            (.heartbeatAcknowledgement(9, last: 1, sent: 2), "9"),
            (.missingStreamID, "id"),
            (.frame(.malformed), "frame"),
        ]
        for (violation, text) in violations {
            #expect(violation.what.contains(text))
            #expect(violation.error.what.contains(violation.what))
            #expect(violation.error.retry == .afterBackoff)
            #expect(violation.error.origin == .engine)
        }
    }
}
