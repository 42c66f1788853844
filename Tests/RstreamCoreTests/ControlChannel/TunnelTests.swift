// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire
import Testing

@Suite("tunnels of a control channel")
struct TunnelTests {
    @Test("a tunnel is asked for with its properties")
    func request() {
        var machine = ControlChannelStateMachine.open()
        var properties = TunnelProperties()
        properties.name = "web"
        #expect(
            machine.tunnelRequested("r1", properties)
                == .sendRequest(OpenTunnelRequest(requestID: "\("r1" as RequestID)", properties: properties))
        )
    }

    @Test("several requests may be outstanding, and answers come in any order")
    func anyOrder() {
        var machine = ControlChannelStateMachine.open()
        for id in ["r1", "r2", "r3"] as [RequestID] { _ = machine.tunnelRequested(id, TunnelProperties()) }
        let error = EngineError(code: .capacityExhausted, message: "full")
        #expect(
            machine.received(.tunnel("r3", .granted(granted("t3")))) == .openTunnel("r3", granted("t3"))
        )
        let failed = machine.received(.tunnel("r1", .error(error)))
        guard case .failTunnel("r1", let told, unused: nil) = failed else {
            Issue.record("\(failed)")
            return
        }
        #expect(told.engineCode == .capacityExhausted)
        #expect(told.retry == .afterBackoff)
        #expect(
            machine.received(.tunnel("r2", .granted(granted("t2")))) == .openTunnel("r2", granted("t2"))
        )
    }

    @Test("the engine's properties are passed on as they are")
    func properties() {
        var machine = ControlChannelStateMachine.open()
        var wanted = TunnelProperties()
        wanted.name = "web"
        _ = machine.tunnelRequested("r1", wanted)
        var effective = granted("t1")
        effective.hostname = "h.example"
        #expect(
            machine.received(.tunnel("r1", .granted(effective))) == .openTunnel("r1", effective)
        )
    }

    @Test("an answer to an unknown request is ignored")
    func unknownRequest() {
        var machine = ControlChannelStateMachine.open()
        for outcome in [.granted(granted("t1")), .empty, .error(EngineError(code: .unauthorized))]
            as [OpenTunnelResponse.Outcome]
        {
            #expect(machine.received(.tunnel("nobody's", outcome)) == .doNothing)
        }
        expectRefusal(of: "s1", machine.received(.stream("s1", of: "t1")))
    }

    @Test(
        "an answer that grants nothing fails that request only",
        arguments: [.empty, .granted(granted(nil)), .granted(granted(""))] as [OpenTunnelResponse.Outcome]
    )
    func broken(outcome: OpenTunnelResponse.Outcome) {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.tunnelRequested("r2", TunnelProperties())
        let action = machine.received(.tunnel("r2", outcome))
        guard case .failTunnel("r2", let error, unused: nil) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(error.code == .protocolViolation)
        #expect(error.retry == .afterBackoff)
        #expect(machine.received(.stream("s1")).startedStream == "s1")
    }

    @Test("a grant under the id of another open tunnel fails, and the other one stays")
    func duplicateID() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.tunnelRequested("r2", TunnelProperties())
        let action = machine.received(.tunnel("r2", .granted(granted("t1"))))
        guard case .failTunnel("r2", let error, unused: nil) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(error.code == .protocolViolation)
        #expect(machine.received(.stream("s1")).startedStream == "s1")
    }

    @Test("a second answer to the same request is ignored")
    func duplicateAnswer() {
        var machine = ControlChannelStateMachine.open()
        _ = machine.tunnelRequested("r1", TunnelProperties())
        #expect(machine.received(.tunnel("r1", .granted(granted("t1")))) == .openTunnel("r1", granted("t1")))
        #expect(machine.received(.tunnel("r1", .granted(granted("t2")))) == .doNothing)
        #expect(machine.received(.tunnel("r1", .error(EngineError(code: .unauthorized)))) == .doNothing)
        expectRefusal(of: "s1", machine.received(.stream("s1", of: "t2")))
    }

    @Test("a tunnel that is granted after its request was abandoned is closed")
    func lateGrant() {
        var machine = ControlChannelStateMachine.open()
        _ = machine.tunnelRequested("r1", TunnelProperties())
        machine.tunnelAbandoned("r1")
        #expect(
            machine.received(.tunnel("r1", .granted(granted("t1")))) == .giveBackTunnel(tunnelID: "t1")
        )
        // Once: it is not ours, and its end is nobody's news.
        #expect(machine.received(.tunnel("r1", .granted(granted("t1")))) == .doNothing)
        #expect(machine.received(.closeTunnelResponse(tunnelID: "t1")) == .doNothing)
    }

    @Test("a late grant under the id of an open tunnel does not close that one")
    func lateGrantOfOpenTunnel() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.tunnelRequested("r2", TunnelProperties())
        machine.tunnelAbandoned("r2")
        #expect(machine.received(.tunnel("r2", .granted(granted("t1")))) == .doNothing)
        #expect(machine.received(.stream("s1")).startedStream == "s1")
    }

    @Test(
        "a late answer without a tunnel is ignored",
        arguments: [
            .error(EngineError(code: .unauthorized)), .empty, .granted(granted(nil)), .granted(granted("")),
        ] as [OpenTunnelResponse.Outcome]
    )
    func lateRefusal(outcome: OpenTunnelResponse.Outcome) {
        var machine = ControlChannelStateMachine.open()
        _ = machine.tunnelRequested("r1", TunnelProperties())
        machine.tunnelAbandoned("r1")
        #expect(machine.received(.tunnel("r1", outcome)) == .doNothing)
    }

    @Test("giving up what was never asked for, or was answered, changes nothing")
    func needlessAbandon() {
        var machine = ControlChannelStateMachine.serving()
        machine.tunnelAbandoned("nobody's")
        machine.tunnelAbandoned("request of t1")
        #expect(machine.received(.tunnel("nobody's", .granted(granted("t2")))) == .doNothing)
        #expect(machine.received(.tunnel("request of t1", .granted(granted("t2")))) == .doNothing)
        #expect(machine.received(.stream("s1")).startedStream == "s1")
    }

    @Test("only so many abandoned requests are remembered, the latest")
    func abandonedLimit() {
        var machine = ControlChannelStateMachine.open(limits: ControlChannelLimits(abandonedTunnels: 2))
        for id in ["r1", "r2", "r3"] as [RequestID] {
            _ = machine.tunnelRequested(id, TunnelProperties())
            machine.tunnelAbandoned(id)
        }
        #expect(machine.received(.tunnel("r1", .granted(granted("t1")))) == .doNothing)
        #expect(
            machine.received(.tunnel("r2", .granted(granted("t2")))) == .giveBackTunnel(tunnelID: "t2")
        )
        #expect(
            machine.received(.tunnel("r3", .granted(granted("t3")))) == .giveBackTunnel(tunnelID: "t3")
        )
    }

    @Test("closing asks the engine once, and the tunnel ends with its answer")
    func close() {
        var machine = ControlChannelStateMachine.serving()
        #expect(machine.tunnelCloseRequested("t1") == .sendRequest(tunnelID: "t1"))
        #expect(machine.tunnelCloseRequested("t1") == .doNothing)
        #expect(machine.received(.closeTunnelResponse(tunnelID: "t1")) == .endTunnel(tunnelID: "t1", nil))
        #expect(machine.received(.closeTunnelResponse(tunnelID: "t1")) == .doNothing)
        #expect(machine.tunnelCloseRequested("t1") == .doNothing)
    }

    @Test("a tunnel that the engine ends by itself is a loss to retry")
    func unpromptedClose() {
        var machine = ControlChannelStateMachine.serving()
        let action = machine.received(.closeTunnelResponse(tunnelID: "t1"))
        guard case .endTunnel(tunnelID: "t1", let error?) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(error.code == .tunnelClosed)
        #expect(error.retry == .afterBackoff)
        #expect(machine.received(.closeTunnelResponse(tunnelID: "t1")) == .doNothing)
    }

    @Test("the end of a tunnel that is not known is ignored, and not asked for")
    func unknownClose() {
        var machine = ControlChannelStateMachine.open()
        #expect(machine.received(.closeTunnelResponse(tunnelID: "nobody's")) == .doNothing)
        #expect(machine.tunnelCloseRequested("nobody's") == .doNothing)
    }

    @Test("an id may be granted again when its tunnel has ended")
    func reuse() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.received(.closeTunnelResponse(tunnelID: "t1"))
        _ = machine.tunnelRequested("r2", TunnelProperties())
        #expect(
            machine.received(.tunnel("r2", .granted(granted("t1")))) == .openTunnel("r2", granted("t1"))
        )
    }
}
