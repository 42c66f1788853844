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
        #expect(machine.closeRequested() == [.send(.closeControlChannelRequest)])
        #expect(machine.closeRequested() == [])
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
        #expect(machine.streamFinished("s1", failure: nil).count == 1)
        expectRefusal(of: "s2", machine.answerWritten("s1"))
        expectRefusal(of: "s3", machine.answerWritten("s2"))
        #expect(machine.answerWritten("s3") == [])
    }

    @Test("a handshake that was running is still answered")
    func runningHandshake() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.received(.stream("s1"))
        _ = machine.closeRequested()
        #expect(machine.streamFinished("s1", failure: nil).first?.answer?.error == nil)
    }

    @Test("from the request on no tunnel is asked for")
    func noTunnel() {
        var machine = closing()
        let actions = machine.tunnelRequested("r2", TunnelProperties())
        guard case .tunnelFailed(requestID: "r2", let error) = actions.first, actions.count == 1 else {
            Issue.record("\(actions)")
            return
        }
        #expect(error.code == .controlClosed)
    }

    /// Every way to end, and what a caller is to make of it.
    private static let ends: [(ControlChannelStateMachine.Action, RstreamError.Code, RstreamError.Retry)] = [
        (.end(.closedByUs(answered: true)), .controlClosed, .never),
        (.end(.closedByUs(answered: false)), .controlClosed, .never),
        (.end(.closedByEngine), .controlClosed, .afterBackoff),
        (.end(.lost(reset)), reset.code, reset.retry),
        (.end(.silent(.seconds(15))), .controlLiveness, .afterBackoff),
        (.end(.violation(.missingStreamID)), .protocolViolation, .afterBackoff),
    ]

    @Test("a tunnel that is asked for afterwards fails with what ended the channel", arguments: 0..<6)
    func tunnelAfterTheEnd(number: Int) {
        let (end, code, retry) = Self.ends[number]
        var machine = ControlChannelStateMachine.serving()
        let actions =
            switch number {
            case 0:
                machine.closeRequested() + machine.received(.closeControlChannelResponse)
            case 1: machine.abortRequested()
            case 2: machine.received(.closeControlChannelResponse)
            case 3: machine.connectionLost(reset)
            case 4: machine.livenessTimerFired(at: instant(15))
            default: machine.received(.stream(""))
            }
        #expect(actions.last == end)
        guard
            case .tunnelFailed(requestID: "late", let error) = machine.tunnelRequested("late", TunnelProperties()).first
        else {
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
        let actions = machine.abortRequested()
        #expect(actions.count == 3)
        #expect(!actions.contains { if case .send = $0 { true } else { false } })
        #expect(actions.last == .end(.closedByUs(answered: false)))
        #expect(machine.abortRequested() == [])
        #expect(machine.connectionLost(reset) == [])
    }

    @Test("a tunnel may still be closed, and ended by the engine")
    func tunnels() {
        var machine = closing()
        #expect(machine.tunnelCloseRequested("t1") == [.send(.closeTunnelRequest(tunnelID: "t1"))])
        #expect(machine.received(.closeTunnelResponse(tunnelID: "t1")) == [.tunnelEnded(tunnelID: "t1", nil)])
    }

    @Test("a tunnel whose end the engine does not confirm in time has ended all the same, once")
    func tunnelTimedOut() {
        var machine = closing()
        #expect(machine.tunnelCloseTimedOut("t1") == [])
        _ = machine.tunnelCloseRequested("t1")
        #expect(machine.tunnelCloseTimedOut("t1") == [.tunnelEnded(tunnelID: "t1", nil)])
        #expect(machine.tunnelCloseTimedOut("t1") == [])
        #expect(machine.received(.closeTunnelResponse(tunnelID: "t1")) == [])
    }

    @Test("the engine's answer ends the channel")
    func answered() {
        var machine = closing()
        #expect(machine.received(.closeControlChannelResponse).last == .end(.closedByUs(answered: true)))
    }

    @Test("an answer that does not come in time ends it as well")
    func timedOut() {
        var machine = closing()
        #expect(machine.closeTimedOut().last == .end(.closedByUs(answered: false)))
        #expect(machine.closeTimedOut() == [])
        #expect(machine.received(.closeControlChannelResponse) == [])
    }

    @Test("the timer of a close means nothing on a channel that is not closing")
    func needlessTimeout() {
        var open = ControlChannelStateMachine.serving()
        #expect(open.closeTimedOut() == [])
        var opening = ControlChannelStateMachine.opening()
        #expect(opening.closeTimedOut() == [])
    }

    @Test("an engine may close the connection instead of answering")
    func connectionClosed() {
        var machine = closing()
        #expect(machine.connectionLost(reset).last == .end(.closedByUs(answered: false)))
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
        #expect(machine.received(.closeControlChannelResponse).last == .end(.closedByEngine))
        #expect(ChannelEnd.closedByEngine.error.retry == .afterBackoff)
        #expect(ChannelEnd.closedByEngine.error.code == .controlClosed)
    }

    @Test("a violation while closing is still a violation")
    func violation() {
        var machine = closing()
        #expect(machine.received(.stream("")).last == .end(.violation(.missingStreamID)))
    }
}

@Suite("what the end of a control channel takes with it")
struct EndTests {
    typealias Ending = @Sendable (inout ControlChannelStateMachine) -> [ControlChannelStateMachine.Action]

    private static let endings: [(String, Ending)] = [
        ("connection lost", { $0.connectionLost(reset) }),
        ("silence", { $0.livenessTimerFired(at: instant(60)) }),
        ("violation", { $0.received(.heartbeat(Heartbeat(sequence: 1))) }),
        ("bad frame", { $0.malformed(.malformed) }),
        ("closed by the engine", { $0.received(.closeControlChannelResponse) }),
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
        let actions = Self.endings[index].1(&machine)
        let cause = try #require(actions.last?.end)
        let error = cause.error
        let waiting = try #require(actions.first { $0.droppedStream == "waiting" })
        #expect(
            actions == [
                .tunnelFailed(requestID: "r3", error), .tunnelFailed(requestID: "r5", error),
                .abandonStream(streamID: "running"), waiting,
                .tunnelEnded(tunnelID: "t1", error), .tunnelEnded(tunnelID: "t2", error),
                .end(cause),
            ],
            "\(Self.endings[index].0)"
        )
        #expect(error.retry == .afterBackoff)
    }

    @Test("an orderly close that was answered takes the same things")
    func closed() {
        var machine = busy()
        _ = machine.closeRequested()
        let actions = machine.received(.closeControlChannelResponse)
        #expect(actions.count == 7)
        #expect(actions.last == .end(.closedByUs(answered: true)))
    }

    @Test("nothing follows an end", arguments: endings.indices)
    func nothing(index: Int) {
        var machine = busy()
        _ = Self.endings[index].1(&machine)
        for ending in Self.endings { #expect(ending.1(&machine) == [], "\(ending.0)") }
        #expect(machine.streamFinished("running", failure: nil) == [])
        #expect(machine.answerWritten("accepted") == [])
        #expect(machine.received(.stream("new")) == [])
        #expect(machine.received(.tunnel("r3", .granted(granted("t3")))) == [])
        #expect(machine.received(.tunnel("r4", .granted(granted("t4")))) == [])
        #expect(machine.closeRequested() == [])
        #expect(machine.closeTimedOut() == [])
        #expect(machine.openTimedOut(after: .seconds(1)) == [])
        #expect(machine.tunnelCloseRequested("t1") == [])
        #expect(machine.heartbeatTimerFired(at: instant(100)) == [])
        machine.heartbeatWritten()
        machine.tunnelAbandoned("r3")
    }

    @Test("a tunnel that is asked for after the end fails at once")
    func lateTunnel() {
        var machine = busy()
        _ = machine.connectionLost(reset)
        let actions = machine.tunnelRequested("r9", TunnelProperties())
        guard case .tunnelFailed(requestID: "r9", _) = actions.first, actions.count == 1 else {
            Issue.record("\(actions)")
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
            (.unexpectedAnswer(awaited: "A", got: "B"), "A was awaited, B came"),
            (.livenessNotRequested, "without being asked"),
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
