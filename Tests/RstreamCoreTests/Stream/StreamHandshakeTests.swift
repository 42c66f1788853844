// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

@Suite("one connection becomes a stream")
struct StreamHandshakeTests {
    typealias Machine = StreamHandshakeStateMachine
    typealias Input = @Sendable (inout Machine) -> Machine.Action

    private static func proxy(_ zeroRTT: Bool?) -> Message {
        .proxyRequest(ProxyRequest(details: ClientDetails(), streamID: "s1", zeroRTT: zeroRTT))
    }

    private static func dial(_ zeroRTT: Bool?) -> Message {
        .streamRequest(StreamRequest(details: ClientDetails(), tunnelIDOrName: "web", zeroRTT: zeroRTT))
    }

    private static let timeout = RstreamError(
        code: .operationTimeout,
        origin: .engine,
        retry: .afterBackoff,
        what: "timeout"
    )
    private static let refusal = EngineError(code: .tunnelNotFound, message: "gone")

    private func idle(_ request: Message = proxy(false), attempts: Int = 2) -> Machine {
        Machine(Machine.Plan(request: request, attempts: attempts))
    }

    private func dialing(_ request: Message = proxy(false), attempts: Int = 2) -> Machine {
        var machine = idle(request, attempts: attempts)
        _ = machine.started()
        return machine
    }

    private func awaiting(_ request: Message = proxy(false)) -> Machine {
        var machine = dialing(request)
        _ = machine.dialed()
        _ = machine.requestSent()
        return machine
    }

    @Test("it begins with a dial, once")
    func start() {
        var machine = idle()
        #expect(machine.started() == .dial)
        #expect(machine.started() == .none)
    }

    @Test("the first frame is the request, sent when the connection stands, once")
    func request() {
        for request in [Self.proxy(true), Self.proxy(false), Self.dial(true), Self.dial(nil)] {
            var machine = dialing(request)
            #expect(machine.dialed() == .send(request))
            #expect(machine.dialed() == .none)
        }
    }

    /// The connection is there, and the first frame is withheld.
    private func withholding(_ request: Message = proxy(true)) -> Machine {
        var machine = idle(request)
        _ = machine.started(isReleased: false)
        _ = machine.dialed()
        return machine
    }

    @Test("a withheld request is sent when it is released, once, whether the connection was there before or not")
    func released() {
        for request in [Self.proxy(true), Self.proxy(false), Self.dial(true)] {
            var late = idle(request)
            #expect(late.started(isReleased: false) == .dial)
            #expect(late.dialed() == .none)
            #expect(late.requestSent() == .none)
            #expect(late.released() == .send(request))
            #expect(late.released() == .none)
            var early = idle(request)
            _ = early.started(isReleased: false)
            #expect(early.released() == .none)
            #expect(early.dialed() == .send(request))
            #expect(early.released() == .none)
        }
    }

    @Test("a request that is released while a second dial runs is sent on that one")
    func releasedBetweenDials() {
        var machine = idle(Self.proxy(true))
        _ = machine.started(isReleased: false)
        _ = machine.dialFailed(Self.timeout, timedOut: true)
        #expect(machine.released() == .none)
        #expect(machine.dialed() == .send(Self.proxy(true)))
    }

    @Test("a connection whose request is withheld fails when it closes, and outlasts the timers of dial and answer")
    func withheld() {
        var machine = withholding()
        #expect(machine.dialFailed(Self.timeout, timedOut: true) == .none)
        #expect(machine.answerTimedOut() == .none)
        #expect(machine.connectionClosed() == .fail(.closedByEngine))
        #expect(machine.released() == .none)
        var malformed = withholding(Self.proxy(false))
        #expect(malformed.malformed(.malformed) == .fail(.violation(.frame(.malformed))))
    }

    @Test("a frame that comes before the request is a violation; with zero_rtt the bytes are payload")
    func earlyFrame() {
        var machine = withholding(Self.proxy(false))
        #expect(machine.awaitsFrame)
        #expect(
            machine.answered(.proxyResponse(error: nil))
                == .fail(.violation(.unexpectedAnswer(awaited: "nothing", got: "ProxyRsp")))
        )
        #expect(!withholding(Self.proxy(true)).awaitsFrame)
    }

    @Test("with zero_rtt the stream is ready when its request was written, not earlier, and once")
    func zeroRTT() {
        for request in [Self.proxy(true), Self.dial(true)] {
            var machine = dialing(request)
            #expect(machine.requestSent() == .none)
            _ = machine.dialed()
            #expect(machine.requestSent() == .ready(streamID: nil))
            #expect(machine.requestSent() == .none)
        }
    }

    @Test("without zero_rtt the answer is awaited, whether it was false or not said")
    func awaitsAnswer() {
        for request in [Self.proxy(false), Self.proxy(nil), Self.dial(false), Self.dial(nil)] {
            var machine = dialing(request)
            _ = machine.dialed()
            #expect(machine.requestSent() == .none)
        }
    }

    @Test("an empty ProxyRsp accepts an inbound stream")
    func proxyAccepted() {
        var machine = awaiting(Self.proxy(false))
        #expect(machine.answered(.proxyResponse(error: nil)) == .ready(streamID: nil))
        #expect(machine.answered(.proxyResponse(error: nil)) == .none)
    }

    @Test("a StreamRsp with an id accepts a private dial")
    func streamAccepted() {
        var machine = awaiting(Self.dial(false))
        #expect(machine.answered(.streamResponse(.connected(streamID: "s9"))) == .ready(streamID: "s9"))
        #expect(machine.answered(.streamResponse(.connected(streamID: "s9"))) == .none)
    }

    @Test("an answer that overtakes the news that the request was written counts all the same")
    func earlyAnswer() {
        var machine = dialing(Self.proxy(false))
        _ = machine.dialed()
        #expect(machine.answered(.proxyResponse(error: nil)) == .ready(streamID: nil))
        #expect(machine.requestSent() == .none)
    }

    @Test("an error refuses the stream")
    func refused() {
        var inbound = awaiting(Self.proxy(false))
        #expect(inbound.answered(.proxyResponse(error: Self.refusal)) == .fail(.refused(Self.refusal)))
        var dial = awaiting(Self.dial(false))
        #expect(dial.answered(.streamResponse(.error(Self.refusal))) == .fail(.refused(Self.refusal)))
    }

    @Test("an empty StreamRsp is a violation")
    func emptyStreamResponse() {
        var machine = awaiting(Self.dial(false))
        #expect(
            machine.answered(.streamResponse(.empty))
                == .fail(.violation(.unexpectedAnswer(awaited: "StreamRsp", got: "an empty one")))
        )
    }

    @Test(
        "any other message is a violation",
        arguments: [.unknown, .heartbeat(Heartbeat()), .closeControlChannelResponse, .serverMessage("x")] as [Message]
    )
    func otherAnswer(message: Message) {
        var inbound = awaiting(Self.proxy(false))
        #expect(
            inbound.answered(message)
                == .fail(.violation(.unexpectedAnswer(awaited: "ProxyRsp", got: message.kind)))
        )
        var dial = awaiting(Self.dial(false))
        #expect(
            dial.answered(message) == .fail(.violation(.unexpectedAnswer(awaited: "StreamRsp", got: message.kind)))
        )
    }

    @Test("the answer of the other role is a violation")
    func crossedAnswer() {
        var inbound = awaiting(Self.proxy(false))
        #expect(
            inbound.answered(.streamResponse(.connected(streamID: "s1")))
                == .fail(.violation(.unexpectedAnswer(awaited: "ProxyRsp", got: "StreamRsp")))
        )
        var dial = awaiting(Self.dial(false))
        #expect(
            dial.answered(.proxyResponse(error: nil))
                == .fail(.violation(.unexpectedAnswer(awaited: "StreamRsp", got: "ProxyRsp")))
        )
    }

    @Test("a dial that timed out is tried once more, and then fails")
    func secondDial() {
        var machine = dialing()
        #expect(machine.dialFailed(Self.timeout, timedOut: true) == .dial)
        #expect(machine.dialFailed(Self.timeout, timedOut: true) == .fail(.dial(Self.timeout)))
        #expect(machine.dialFailed(Self.timeout, timedOut: true) == .none)
    }

    @Test("a second dial that succeeds is as good as a first")
    func secondDialSucceeds() {
        var machine = dialing(Self.proxy(true))
        _ = machine.dialFailed(Self.timeout, timedOut: true)
        #expect(machine.dialed() == .send(Self.proxy(true)))
        #expect(machine.requestSent() == .ready(streamID: nil))
    }

    @Test("a dial that failed otherwise is final, the first and the second")
    func finalDial() {
        var first = dialing()
        #expect(first.dialFailed(reset, timedOut: false) == .fail(.dial(reset)))
        var second = dialing()
        _ = second.dialFailed(Self.timeout, timedOut: true)
        #expect(second.dialFailed(reset, timedOut: false) == .fail(.dial(reset)))
    }

    @Test("with one attempt there is no second dial")
    func oneAttempt() {
        var machine = dialing(attempts: 1)
        #expect(machine.dialFailed(Self.timeout, timedOut: true) == .fail(.dial(Self.timeout)))
    }

    @Test("a connection that closes before the stream stands fails it")
    func closed() {
        for var machine in [dialing(), awaiting(), awaiting(Self.dial(false))] {
            #expect(machine.connectionClosed() == .fail(.closedByEngine))
            #expect(machine.connectionClosed() == .none)
        }
    }

    @Test("bytes that are no frame fail it")
    func malformed() {
        for error in [FrameError.malformed, .tooLarge(length: 65_536)] {
            var machine = awaiting()
            #expect(machine.malformed(error) == .fail(.violation(.frame(error))))
            #expect(machine.malformed(error) == .none)
        }
    }

    @Test("an answer that does not come in time fails it, once, whether the request was written or not")
    func unanswered() {
        var unwritten = dialing(Self.dial(true))
        _ = unwritten.dialed()
        for var machine in [awaiting(), awaiting(Self.dial(false)), unwritten] {
            #expect(machine.answerTimedOut() == .fail(.unanswered))
            #expect(machine.answerTimedOut() == .none)
        }
    }

    @Test("one that is not wanted any more fails with the reason, at every stage, and does nothing afterwards")
    func cancelled() {
        for var machine in [idle(), dialing(), withholding(), awaiting(), awaiting(Self.dial(false))] {
            #expect(machine.cancelled(Self.timeout) == .fail(.cancelled(Self.timeout)))
            for (name, input) in Self.inputs { #expect(input(&machine) == .none, "\(name)") }
        }
    }

    @Test("an open stream belongs to its user, and cannot be cancelled")
    func cancelledTooLate() {
        var machine = awaiting()
        _ = machine.answered(.proxyResponse(error: nil))
        #expect(machine.cancelled(Self.timeout) == .none)
        #expect(machine.answerTimedOut() == .none)
    }

    private static let inputs: [(String, Input)] = [
        ("started", { $0.started() }),
        ("dial failed", { $0.dialFailed(reset, timedOut: false) }),
        ("dial timed out", { $0.dialFailed(timeout, timedOut: true) }),
        ("dialed", { $0.dialed() }),
        ("released", { $0.released() }),
        ("request sent", { $0.requestSent() }),
        ("accepted", { $0.answered(.proxyResponse(error: nil)) }),
        ("refused", { $0.answered(.proxyResponse(error: refusal)) }),
        ("malformed", { $0.malformed(.malformed) }),
        ("closed", { $0.connectionClosed() }),
        ("answer timed out", { $0.answerTimedOut() }),
        ("cancelled", { $0.cancelled(timeout) }),
    ]

    @Test(
        "before the start nothing but the start and a cancellation means anything",
        arguments: inputs.indices.dropFirst().dropLast()
    )
    func beforeStart(index: Int) {
        var machine = idle()
        #expect(Self.inputs[index].1(&machine) == .none, "\(Self.inputs[index].0)")
        #expect(machine.started() == .dial)
    }

    @Test("an answer or a written request means nothing while the dial runs")
    func whileDialing() {
        var machine = dialing()
        #expect(machine.answered(.proxyResponse(error: nil)) == .none)
        #expect(machine.requestSent() == .none)
        #expect(machine.answerTimedOut() == .none)
        #expect(machine.dialed() == .send(Self.proxy(false)))
        #expect(machine.dialFailed(Self.timeout, timedOut: true) == .none)
    }

    @Test("a stream that stands or failed stays so, whatever comes", arguments: 1...200 as ClosedRange<UInt64>)
    func final(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let zeroRTT = Bool.random(using: &random)
        var machine = idle(Self.proxy(zeroRTT))
        var outcome: Machine.Action?
        var dials = 0
        var sent = 0
        var done: [String] = []
        for _ in 0..<60 {
            let (name, input) = try #require(Self.inputs.randomElement(using: &random))
            done.append(name)
            let action = input(&machine)
            if outcome != nil {
                #expect(action == .none, "seed \(seed): \(done)")
                continue
            }
            switch action {
            case .none: break
            case .dial, .dialAfresh: dials += 1
            case .send: sent += 1
            case .ready, .fail: outcome = action
            }
        }
        #expect(dials <= 2, "seed \(seed): \(done)")
        #expect(sent <= 1, "seed \(seed): \(done)")
        if case .ready = outcome { #expect(sent == 1, "seed \(seed): \(done)") }
    }

    // MARK: On a warm connection

    private func warm(_ request: Message = proxy(false), isReleased: Bool = true) -> Machine {
        var machine = idle(request)
        _ = machine.startedWarm(isReleased: isReleased)
        return machine
    }

    @Test("on a warm connection the request is sent at once, or as soon as it is released")
    func warmRequest() {
        let request = Self.proxy(true)
        var machine = idle(request)
        #expect(machine.startedWarm(isReleased: true) == .send(request))
        #expect(machine.startedWarm(isReleased: true) == .none)
        #expect(machine.requestSent() == .ready(streamID: nil))
        var withheld = idle(request)
        #expect(withheld.startedWarm(isReleased: false) == .none)
        #expect(withheld.released() == .send(request))
    }

    @Test("a warm connection that dies before the engine said anything is replaced by a fresh one, once")
    func warmDeath() {
        for isReleased in [true, false] {
            var machine = warm(isReleased: isReleased)
            #expect(machine.connectionClosed() == .dialAfresh)
            let dialed = machine.dialed()
            #expect(dialed == (isReleased ? .send(Self.proxy(false)) : .none))
            #expect(machine.connectionClosed() == .fail(.closedByEngine))
        }
    }

    @Test("a warm connection that the engine closes long after the request is not replaced: that is its answer")
    func warmClose() {
        var soon = warm()
        #expect(soon.connectionClosed(after: .milliseconds(999)) == .dialAfresh)
        var late = warm()
        #expect(late.connectionClosed(after: .seconds(1)) == .fail(.closedByEngine))
    }

    @Test("the fresh connection has all the attempts of a stream that found none")
    func warmAttempts() {
        var machine = warm()
        #expect(machine.connectionClosed() == .dialAfresh)
        #expect(machine.dialFailed(Self.timeout, timedOut: true) == .dial)
        #expect(machine.dialFailed(Self.timeout, timedOut: true) == .fail(.dial(Self.timeout)))
    }

    @Test("a warm connection is not replaced once the stream is ready, refused or given up")
    func warmEnds() {
        let inputs: [Input] = [
            { $0.answered(.proxyResponse(error: nil)) }, { $0.answered(.proxyResponse(error: Self.refusal)) },
            { $0.cancelled(Self.timeout) }, { $0.malformed(.malformed) }, { $0.answerTimedOut() },
        ]
        for input in inputs {
            var machine = warm()
            _ = input(&machine)
            #expect(machine.connectionClosed() == .none)
        }
    }
}
