// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire
import Testing

@Suite("inbound streams of a control channel")
struct InboundStreamTests {
    private static let small = ControlChannelLimits(openingStreams: 2, pendingStreams: 2, unwrittenAnswers: 3)

    @Test("a stream of an open tunnel is dialed at once, with what the engine sent")
    func start() {
        var machine = ControlChannelStateMachine.serving()
        let request = ProxyConnectionRequest(
            tunnelID: "t1",
            streamID: "s1",
            secret: Secret("k"),
            source: IPAddress("192.0.2.10")
        )
        #expect(machine.received(.proxyConnectionRequest(request)) == .startStream(request, .engine))
    }

    @Test("a stream that was handed over is answered without an error")
    func success() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.received(.stream("s1"))
        #expect(
            machine.streamFinished("s1", failure: nil) == .answer(ProxyConnectionResponse(streamID: "s1"))
        )
        #expect(machine.answerWritten("s1") == .doNothing)
    }

    @Test("a stream that failed is answered with code 6000 and the reason")
    func failure() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.received(.stream("s1"))
        let error = EngineError(code: .serviceUnavailable, message: "no route")
        #expect(
            machine.streamFinished("s1", failure: "no route")
                == .answer(ProxyConnectionResponse(streamID: "s1", error: error))
        )
    }

    @Test("a stream whose handshake was answered, or never began, is not answered again")
    func oneAnswer() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.received(.stream("s1"))
        #expect(machine.streamFinished("s1", failure: nil).answer != nil)
        #expect(machine.streamFinished("s1", failure: "late") == .doNothing)
        #expect(machine.streamFinished("nobody's", failure: nil) == .doNothing)
        #expect(machine.answerWritten("nobody's") == .doNothing)
    }

    @Test("a place is not freed by the news of an answer that was never given")
    func answerNeverGiven() {
        let limits = ControlChannelLimits(openingStreams: 1, pendingStreams: 1)
        var machine = ControlChannelStateMachine.serving(limits: limits)
        _ = machine.received(.stream("s1"))
        _ = machine.received(.stream("s2"))
        #expect(machine.answerWritten("s1") == .doNothing)
        #expect(machine.answerWritten("s2") == .doNothing)
    }

    @Test("a stream of a tunnel that is not known is answered with an error, and not dialed")
    func unknownTunnel() {
        var machine = ControlChannelStateMachine.serving()
        expectRefusal(of: "s1", machine.received(.stream("s1", of: "nobody's")))
    }

    @Test("a stream of a tunnel that is closing is answered with an error, and not dialed")
    func closingTunnel() {
        var machine = ControlChannelStateMachine.serving()
        _ = machine.tunnelCloseRequested("t1")
        expectRefusal(of: "s1", machine.received(.stream("s1")))
    }

    @Test("a stream without an id ends the channel: no answer could name it")
    func missingID() {
        var machine = ControlChannelStateMachine.serving()
        #expect(machine.received(.stream("")).end?.cause == .violation(.missingStreamID))
    }

    @Test("a request under the id of a stream that is being opened is ignored")
    func duplicateOfRunning() {
        var machine = ControlChannelStateMachine.serving()
        #expect(machine.received(.stream("s1")).startedStream == "s1")
        #expect(machine.received(.stream("s1")) == .doNothing)
        // An answer would end the stream that has the id, whatever the second request is about.
        #expect(machine.received(.stream("s1", of: "nobody's")) == .doNothing)
        _ = machine.streamFinished("s1", failure: nil)
        #expect(machine.received(.stream("s1")) == .doNothing)
        _ = machine.answerWritten("s1")
        #expect(machine.received(.stream("s1")).startedStream == "s1")
    }

    @Test("a request under the id of a stream that waits is ignored")
    func duplicateOfWaiting() {
        var machine = ControlChannelStateMachine.serving(limits: Self.small)
        for id in ["s1", "s2", "s3"] { _ = machine.received(.stream(id)) }
        #expect(machine.received(.stream("s3")) == .doNothing)
        #expect(machine.received(.stream("s3", of: "nobody's")) == .doNothing)
        _ = machine.streamFinished("s1", failure: nil)
        #expect(machine.answerWritten("s1").startedStream == "s3")
    }

    @Test("a refusal that is written late does not free the place of a stream under the same id")
    func refusedThenStarted() {
        let limits = ControlChannelLimits(openingStreams: 1, pendingStreams: 0, unwrittenAnswers: 8)
        var machine = ControlChannelStateMachine.serving(limits: limits)
        expectRefusal(of: "s1", machine.received(.stream("s1", of: "nobody's")))
        // The refusal has not left yet: the id is still in use.
        #expect(machine.received(.stream("s1")) == .doNothing)
        #expect(machine.answerWritten("s1") == .doNothing)
        #expect(machine.received(.stream("s1")).startedStream == "s1")
        expectRefusal(of: "s2", machine.received(.stream("s2")))
        #expect(machine.answerWritten("s2") == .doNothing)
        expectRefusal(of: "s3", machine.received(.stream("s3")))
    }

    @Test("64 streams are dialed, 256 wait, and each one more is answered with an error, which ends nothing")
    func limits() {
        var machine = ControlChannelStateMachine.serving()
        for index in 0..<64 {
            #expect(machine.received(.stream("s\(index)")).startedStream == "s\(index)")
        }
        for index in 64..<320 {
            #expect(machine.received(.stream("s\(index)")) == .doNothing)
        }
        for index in 320..<420 {
            expectRefusal(of: "s\(index)", machine.received(.stream("s\(index)")))
            #expect(machine.answerWritten("s\(index)") == .doNothing)
        }
    }

    @Test("a place that becomes free goes to the stream that waited longest")
    func order() {
        var machine = ControlChannelStateMachine.serving(limits: Self.small)
        for id in ["s1", "s2", "s3", "s4"] { _ = machine.received(.stream(id)) }
        expectRefusal(of: "s5", machine.received(.stream("s5")))
        // The place is free when the answer was written, not when the handshake ended.
        #expect(machine.streamFinished("s2", failure: nil).answer != nil)
        #expect(machine.answerWritten("s2").startedStream == "s3")
        #expect(machine.streamFinished("s3", failure: "no").answer != nil)
        #expect(machine.answerWritten("s3").startedStream == "s4")
        #expect(machine.streamFinished("s1", failure: nil).answer != nil)
        #expect(machine.answerWritten("s1") == .doNothing)
    }

    @Test("a stream that waited for longer than its tunnel lived is answered with an error, and so is the next")
    func waitedTooLong() {
        var machine = ControlChannelStateMachine.serving(limits: Self.small)
        machine.grant("t2")
        for id in ["s1", "s2", "s3"] { _ = machine.received(.stream(id)) }
        _ = machine.received(.stream("s4", of: "t2"))
        _ = machine.tunnelCloseRequested("t1")
        _ = machine.streamFinished("s1", failure: nil)
        expectRefusal(of: "s3", machine.answerWritten("s1"))
        // The refusal held the place until it was written; then the next in line starts.
        #expect(machine.answerWritten("s3").startedStream == "s4")
    }

    @Test("an engine that reads none of our answers is stalled, and the channel ends")
    func unwrittenAnswers() {
        var machine = ControlChannelStateMachine.open(limits: Self.small)
        for id in ["s1", "s2", "s3"] { expectRefusal(of: id, machine.received(.stream(id))) }
        let last = machine.received(.stream("s4"))
        #expect(last.end?.droppedStreams.map(\.streamID) == ["s4"])
        #expect(last.end?.cause == .stalled)
    }

    @Test("answers of handshakes count as unwritten too")
    func unwrittenHandshakes() {
        let limits = ControlChannelLimits(openingStreams: 4, pendingStreams: 0, unwrittenAnswers: 1)
        var machine = ControlChannelStateMachine.serving(limits: limits)
        for id in ["s1", "s2"] { _ = machine.received(.stream(id)) }
        #expect(machine.streamFinished("s1", failure: nil).answer != nil)
        #expect(machine.streamFinished("s2", failure: nil).end?.cause == .stalled)
    }

    @Test("answers that were written do not count any more")
    func writtenAnswers() {
        var machine = ControlChannelStateMachine.open(limits: Self.small)
        for index in 0..<100 {
            expectRefusal(of: "s\(index)", machine.received(.stream("s\(index)")))
            #expect(machine.answerWritten("s\(index)") == .doNothing)
        }
    }

    @Test("higher limits start streams that wait, in order; lower limits let streams that run end first")
    func otherLimits() {
        var machine = ControlChannelStateMachine.serving(limits: Self.small)
        machine.grant("t2")
        for id in ["s1", "s2", "s3"] { _ = machine.received(.stream(id)) }
        _ = machine.received(.stream("s4", of: "t2"))
        _ = machine.tunnelCloseRequested("t2")
        let actions = machine.limitsChanged(openingStreams: 4, pendingStreams: 0)
        #expect(actions.map(\.startedStream) == ["s3", nil])
        expectRefusal(of: "s4", actions.last ?? .doNothing)
        expectRefusal(of: "s5", machine.received(.stream("s5")))
        #expect(machine.limitsChanged(openingStreams: 1, pendingStreams: 1) == [])
        #expect(machine.answerWritten("s4") == .doNothing)
        #expect(machine.received(.stream("s6")) == .doNothing)
        for id in ["s1", "s2"] {
            #expect(machine.streamFinished(id, failure: nil).answer != nil)
            #expect(machine.answerWritten(id) == .doNothing)
        }
        #expect(machine.streamFinished("s3", failure: nil).answer != nil)
        #expect(machine.answerWritten("s3").startedStream == "s6")
    }

    @Test("an engine that stalls while streams are refused because of new limits ends the channel, and nothing follows")
    func stalledByLimits() {
        let limits = ControlChannelLimits(openingStreams: 1, pendingStreams: 4, unwrittenAnswers: 1)
        var machine = ControlChannelStateMachine.serving(limits: limits)
        for id in ["s1", "s2", "s3", "s4", "s5"] { _ = machine.received(.stream(id)) }
        _ = machine.tunnelCloseRequested("t1")
        let actions = machine.limitsChanged(openingStreams: 9, pendingStreams: 9)
        #expect(actions.count == 2)
        expectRefusal(of: "s2", actions.first ?? .doNothing)
        let end = actions.last?.end
        #expect(end?.cause == .stalled)
        #expect(end?.handshakes == ["s1"])
        #expect(end?.droppedStreams.map(\.streamID) == ["s3", "s4", "s5"])
    }

    @Test("a redirect is dialed where it says, port 443 unless given")
    func redirect() throws {
        var machine = ControlChannelStateMachine.serving()
        for (id, endpoint) in [("s1", "other.example"), ("s2", " other.example:443 "), ("s3", "[::1]:8443")] {
            let request = ProxyConnectionRequest(
                tunnelID: "t1",
                streamID: id,
                secret: Secret("k"),
                proxyEndpoint: endpoint
            )
            let address = try EngineAddress(id == "s3" ? "[::1]:8443" : "other.example:443")
            #expect(machine.received(.proxyConnectionRequest(request)) == .startStream(request, .redirect(address)))
        }
    }

    @Test(
        "a redirect that cannot be trusted or dialed is answered with an error, and takes no place",
        arguments: [
            (nil, "other.example:443", "secret"),
            (Secret(""), "other.example:443", "secret"),
            (Secret(" \t"), "other.example:443", "secret"),
            (Secret("k"), "", "no endpoint"),
            (Secret("k"), "  ", "no endpoint"),
            (Secret("k"), "https://other.example", "endpoint"),
            (Secret("k"), "other.example:0", "endpoint"),
            (Secret("k"), "user@other.example", "endpoint"),
        ] as [(Secret?, String, String)]
    )
    func badRedirect(secret: Secret?, endpoint: String, reason: String) {
        let limits = ControlChannelLimits(openingStreams: 1, pendingStreams: 0)
        var machine = ControlChannelStateMachine.serving(limits: limits)
        let request = ProxyConnectionRequest(
            tunnelID: "t1",
            streamID: "s1",
            secret: secret,
            proxyEndpoint: endpoint
        )
        expectRefusal(of: "s1", machine.received(.proxyConnectionRequest(request)), containing: reason)
        #expect(machine.received(.stream("s2")).startedStream == "s2")
    }

    @Test("without a redirect a secret is not needed")
    func noSecret() {
        var machine = ControlChannelStateMachine.serving()
        #expect(machine.received(.stream("s1")).startedStream == "s1")
    }
}
