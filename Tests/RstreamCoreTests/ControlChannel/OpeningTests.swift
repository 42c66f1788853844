// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire
import Testing

@Suite("a control channel is opened with one request and one answer")
struct OpeningTests {
    private typealias Machine = ControlChannelStateMachine

    @Test("the first frame states who we are and the interval we ask for, and no timeout")
    func request() {
        let details = ClientDetails(agent: "a", token: Secret("t"), protocolVersion: "1.4.5")
        var machine = ControlChannelStateMachine(
            details: details,
            heartbeatMilliseconds: 5_000,
            limits: ControlChannelLimits()
        )
        #expect(
            machine.connected()
                == .sendRequest(
                    OpenControlChannelRequest(
                        details: details,
                        liveness: WireLiveness(intervalMilliseconds: 5_000, timeoutMilliseconds: 0)
                    )
                )
        )
        #expect(machine.connected() == .doNothing, "the request is sent once")
    }

    @Test("without heartbeats the first frame holds no liveness")
    func requestWithoutHeartbeats() {
        var machine = ControlChannelStateMachine(
            details: ClientDetails(),
            heartbeatMilliseconds: nil,
            limits: ControlChannelLimits()
        )
        guard case .sendRequest(let request) = machine.connected() else {
            Issue.record("another first frame")
            return
        }
        #expect(request.liveness == nil)
    }

    @Test("an answer with liveness opens the channel, and the first heartbeat is due at once")
    func negotiated() {
        var machine = ControlChannelStateMachine.opening()
        let server = ServerDetails(agent: "engine")
        let liveness = WireLiveness(intervalMilliseconds: 5_000, timeoutMilliseconds: 15_000)
        let action = machine.received(
            .openControlChannelResponse(.ok(clientID: "c1", serverDetails: server, liveness: liveness))
        )
        guard case .opened(let accepted) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(accepted.clientID == "c1")
        #expect(accepted.serverDetails == server)
        #expect(accepted.liveness == .negotiated(interval: .seconds(5), timeout: .seconds(15)))
        #expect(accepted.heartbeatAfter == .zero)
        #expect(accepted.livenessAfter == .seconds(15))
    }

    @Test("an answer without liveness opens a legacy channel, which has no liveness timer")
    func legacy() {
        var machine = ControlChannelStateMachine.opening()
        let accepted = Machine.Accepted(
            clientID: "c1",
            serverDetails: nil,
            liveness: .legacy(interval: .seconds(5))
        )
        #expect(machine.received(.accepted(nil)) == .opened(accepted))
        #expect(accepted.heartbeatAfter == .zero)
        #expect(accepted.livenessAfter == nil)
        #expect(machine.livenessTimerFired(at: instant(10_000)) == .doNothing)
    }

    @Test("a channel without heartbeats has no timers")
    func disabled() {
        var machine = ControlChannelStateMachine.opening(heartbeat: nil)
        let accepted = Machine.Accepted(clientID: "c1", serverDetails: nil, liveness: .disabled)
        #expect(machine.received(.accepted(nil)) == .opened(accepted))
        #expect(accepted.heartbeatAfter == nil)
        #expect(accepted.livenessAfter == nil)
        #expect(machine.heartbeatTimerFired(at: instant(5)) == .doNothing)
        #expect(machine.livenessTimerFired(at: instant(10_000)) == .doNothing)
    }

    @Test("an error ends it with the engine's own words")
    func refused() {
        var machine = ControlChannelStateMachine.opening()
        let error = EngineError(code: .unauthorized, message: "no")
        #expect(machine.received(.openControlChannelResponse(.error(error))) == .ends(.refused(error)))
        let told = ChannelEnd.refused(error).error
        #expect(told.engineCode == .unauthorized)
        #expect(told.retry == .afterReload)
        #expect(told.what.contains("engine error 1000: no"))
    }

    @Test("a protocol version that the engine does not take is not tried again at once", arguments: [2010, 2020, 2030])
    func protocolVersion(number: Int) {
        var machine = ControlChannelStateMachine.opening()
        let error = EngineError(code: EngineErrorCode(rawValue: number), message: "version")
        let action = machine.received(.openControlChannelResponse(.error(error)))
        #expect(action == .ends(.refused(error)))
        #expect(action.end?.cause.error.retry == .afterReload)
        #expect(action.end?.cause.error.engineCode?.rawValue == number)
        #expect(action.end?.cause.error.fix?.contains("release") == true)
    }

    @Test("an empty answer is a violation")
    func empty() {
        var machine = ControlChannelStateMachine.opening()
        #expect(
            machine.received(.openControlChannelResponse(.empty))
                == .ends(.violation(.unexpectedAnswer(awaited: "OpenControlChannelRsp", got: "an empty one")))
        )
    }

    @Test(
        "another message instead of the answer is a violation",
        arguments: [
            .unknown, .heartbeat(Heartbeat(acknowledgement: 1)), .closeControlChannelResponse, .serverMessage("hello"),
            .stream("s1"), .tunnel("r1", .empty), .proxyResponse(error: nil), .closeTunnelResponse(tunnelID: "t1"),
            .openControlChannelRequest(OpenControlChannelRequest(details: ClientDetails(), liveness: nil)),
        ] as [Message]
    )
    func other(message: Message) {
        var machine = ControlChannelStateMachine.opening()
        #expect(
            machine.received(message)
                == .ends(.violation(.unexpectedAnswer(awaited: "OpenControlChannelRsp", got: message.kind)))
        )
    }

    @Test("liveness that was not agreed on is a violation")
    func wrongLiveness() {
        var machine = ControlChannelStateMachine.opening()
        let liveness = WireLiveness(intervalMilliseconds: 4_999, timeoutMilliseconds: 15_000)
        #expect(
            machine.received(.accepted(liveness))
                == .ends(.violation(.livenessInterval(requested: 5_000, answered: 4_999)))
        )
    }

    @Test("bytes that are no frame are a violation, in every phase")
    func malformed() {
        for error in [FrameError.malformed, .tooLarge(length: 65_536)] {
            for holder in [Holder(.opening()), Holder(.open()), Holder(.serving())] {
                #expect(holder.machine.malformed(error).end?.cause == .violation(.frame(error)))
                #expect(holder.machine.malformed(error) == .doNothing)
            }
        }
        #expect(ChannelEnd.violation(.frame(.tooLarge(length: 65_536))).error.code == .frameTooLarge)
        #expect(ChannelEnd.violation(.frame(.malformed)).error.code == .protocolViolation)
    }

    @Test("a web server in the place of the engine is said to be one")
    func webServer() {
        // "<!DO"
        let error = ChannelEnd.violation(.frame(.tooLarge(length: 1_008_813_135))).error
        #expect(error.what == "the address answers as a web server, not as an rstream engine")
        #expect(error.code == .protocolViolation)
        #expect(error.fix?.contains("port") == true)
    }

    @Test("an answer that does not come in time ends it; one that came does not")
    func timeout() {
        var machine = ControlChannelStateMachine.opening()
        #expect(machine.openTimedOut(after: .seconds(30)) == .ends(.openTimeout(.seconds(30))))
        #expect(machine.received(.accepted(nil)) == .doNothing)
        #expect(ChannelEnd.openTimeout(.seconds(30)).error.code == .operationTimeout)

        var open = ControlChannelStateMachine.open()
        #expect(open.openTimedOut(after: .seconds(30)) == .doNothing)
    }

    @Test("before TLS is up nothing is sent, and an engine that speaks first breaks the protocol")
    func connecting() {
        let holder = { Holder(.connecting()) }
        #expect(holder().machine.openTimedOut(after: .seconds(30)) == .doNothing)
        #expect(holder().machine.heartbeatTimerFired(at: start) == .doNothing)
        #expect(holder().machine.closeRequested() == .ends(.closedByUs(answered: false)))
        #expect(holder().machine.connectionLost(reset) == .ends(.lost(reset)))
        #expect(
            holder().machine.received(.accepted(nil)).end?.cause
                == .violation(.unexpectedAnswer(awaited: "nothing", got: Message.accepted(nil).kind))
        )
    }

    @Test("limits that change before the channel is open hold when it is")
    func earlyLimits() {
        var machine = ControlChannelStateMachine.opening()
        #expect(machine.limitsChanged(openingStreams: 1, pendingStreams: 0) == [])
        _ = machine.received(.accepted(nil))
        machine.grant("t1")
        #expect(machine.received(.stream("s1")).startedStream == "s1")
        expectRefusal(of: "s2", machine.received(.stream("s2")))
    }

    @Test("a second answer is ignored on an open channel")
    func secondAnswer() {
        var machine = ControlChannelStateMachine.open()
        #expect(machine.received(.accepted(nil)) == .doNothing)
        #expect(machine.received(.openControlChannelResponse(.error(EngineError(code: .unauthorized)))) == .doNothing)
    }

    @Test("a tunnel that is asked for before the channel is open fails at once")
    func tunnelTooEarly() {
        var machine = ControlChannelStateMachine.opening()
        let action = machine.tunnelRequested("r1", TunnelProperties())
        guard case .fail(let error) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(error.code == .controlClosed)
        #expect(machine.received(.accepted(nil)).isOpened)
        // Nothing was sent, so nothing is answered.
        #expect(machine.received(.tunnel("r1", .granted(granted("t1")))) == .doNothing)
    }

    @Test("a close before the answer ends it without a request")
    func closeWhileOpening() {
        var machine = ControlChannelStateMachine.opening()
        #expect(machine.closeRequested() == .ends(.closedByUs(answered: false)))
        #expect(machine.received(.accepted(nil)) == .doNothing)
    }

    @Test(
        "kinds that make no sense on an open channel are ignored",
        arguments: [
            .unknown, .closeControlChannelRequest, .closeTunnelRequest(tunnelID: "t1"), .proxyResponse(error: nil),
            .streamResponse(.empty), .datagramChannelClose(streamID: "s1", error: nil),
            .openTunnelRequest(OpenTunnelRequest(requestID: "r1", properties: TunnelProperties())),
            .proxyConnectionResponse(ProxyConnectionResponse(streamID: "s1")),
            .proxyRequest(ProxyRequest(details: ClientDetails(), streamID: "s1", zeroRTT: nil)),
            .streamRequest(StreamRequest(details: ClientDetails(), tunnelIDOrName: "t1", zeroRTT: nil)),
        ] as [Message]
    )
    func ignored(message: Message) {
        var machine = ControlChannelStateMachine.serving()
        #expect(machine.received(message) == .doNothing)
        // The channel and its tunnel are as before.
        #expect(machine.received(.stream("s1")).startedStream == "s1")
    }

    @Test("the engine's words to people are passed on")
    func serverMessage() {
        var machine = ControlChannelStateMachine.open()
        #expect(machine.received(.serverMessage("hello")) == .logServerMessage("hello"))
    }
}
