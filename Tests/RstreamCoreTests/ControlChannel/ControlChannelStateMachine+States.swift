// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire
import Testing

/// The instant that tests count from; nothing waits for it to pass.
let start = ContinuousClock.now

/// The instant so many seconds after ``start``.
func instant(_ seconds: Double) -> ContinuousClock.Instant {
    start + .seconds(seconds)
}

func granted(_ id: String?) -> TunnelProperties {
    var properties = TunnelProperties()
    properties.id = id
    return properties
}

/// An error as connections end with.
let reset = RstreamError(code: .engineUnreachable, origin: .engine, retry: .afterBackoff, what: "reset")

/// Tests call requests by names of up to 16 bytes, which are in their ids, and in the order of the names.
extension RequestID: ExpressibleByStringInterpolation {
    public init(stringLiteral name: String) {
        let bytes = Array(name.utf8.prefix(16)) + Array(repeating: 0, count: 16 - min(16, name.utf8.count))
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: number(bytes[..<8]), low: number(bytes[8...]))
    }
}

extension Message {
    static func accepted(_ liveness: WireLiveness?, clientID: String = "c1") -> Message {
        .openControlChannelResponse(.ok(clientID: clientID, serverDetails: nil, liveness: liveness))
    }

    static func tunnel(_ requestID: RequestID, _ outcome: OpenTunnelResponse.Outcome) -> Message {
        .openTunnelResponse(OpenTunnelResponse(requestID: "\(requestID)", outcome: outcome))
    }

    static func stream(_ streamID: String, of tunnelID: String = "t1") -> Message {
        .proxyConnectionRequest(ProxyConnectionRequest(tunnelID: tunnelID, streamID: streamID))
    }
}

/// Holds a machine, which cannot be copied, where a test wants several of them or captures one.
final class Holder {
    var machine: ControlChannelStateMachine

    init(_ machine: consuming ControlChannelStateMachine) {
        self.machine = machine
    }
}

extension ControlChannelStateMachine {
    /// A channel whose TLS is not up yet.
    static func connecting(heartbeat: UInt32? = 5_000, limits: ControlChannelLimits = ControlChannelLimits()) -> Self {
        Self(details: ClientDetails(agent: "a"), heartbeatMilliseconds: heartbeat, limits: limits)
    }

    /// A channel whose opening request was not answered yet.
    static func opening(heartbeat: UInt32? = 5_000, limits: ControlChannelLimits = ControlChannelLimits()) -> Self {
        var machine = connecting(heartbeat: heartbeat, limits: limits)
        _ = machine.connected()
        return machine
    }

    /// An open channel; liveness of 5 s and 15 s unless said otherwise.
    static func open(
        heartbeat: UInt32? = 5_000,
        liveness: WireLiveness? = WireLiveness(intervalMilliseconds: 5_000, timeoutMilliseconds: 15_000),
        limits: ControlChannelLimits = ControlChannelLimits()
    ) -> Self {
        var machine = opening(heartbeat: heartbeat, limits: limits)
        _ = machine.received(.accepted(liveness), at: start)
        return machine
    }

    /// An open channel with one open tunnel.
    static func serving(tunnel: String = "t1", limits: ControlChannelLimits = ControlChannelLimits()) -> Self {
        var machine = open(limits: limits)
        machine.grant(tunnel)
        return machine
    }

    mutating func grant(_ tunnelID: String) {
        _ = tunnelRequested("request of \(tunnelID)", TunnelProperties())
        _ = received(.tunnel("request of \(tunnelID)", .granted(granted(tunnelID))), at: start)
    }

    mutating func received(_ message: Message) -> ReceivedAction {
        received(message, at: start)
    }

    /// Closes the channel in order, and returns the cause of its end.
    mutating func closeAndReceiveAnswer() -> ChannelEnd? {
        _ = closeRequested()
        return received(.closeControlChannelResponse).end?.cause
    }
}

extension ControlChannelStateMachine.ReceivedAction {
    /// The end of a channel that has nothing to end with it.
    static func ends(_ cause: ChannelEnd) -> Self { .end(ControlChannelStateMachine.End(cause)) }

    var end: ControlChannelStateMachine.End? {
        if case .end(let end) = self { end } else { nil }
    }

    var isOpened: Bool {
        if case .opened = self { true } else { false }
    }

    /// The stream whose handshake starts.
    var startedStream: String? {
        if case .startStream(let request, _) = self { request.streamID } else { nil }
    }
}

extension ControlChannelStateMachine.NextStreamAction {
    var end: ControlChannelStateMachine.End? {
        if case .end(let end) = self { end } else { nil }
    }

    /// The stream whose handshake starts.
    var startedStream: String? {
        if case .start(let request, _) = self { request.streamID } else { nil }
    }
}

extension ControlChannelStateMachine.StreamFinishedAction {
    var end: ControlChannelStateMachine.End? {
        if case .end(let end) = self { end } else { nil }
    }

    var answer: ProxyConnectionResponse? {
        if case .answer(let response) = self { response } else { nil }
    }
}

extension ControlChannelStateMachine.EndAction {
    static func ends(_ cause: ChannelEnd) -> Self { .end(ControlChannelStateMachine.End(cause)) }

    var end: ControlChannelStateMachine.End? {
        if case .end(let end) = self { end } else { nil }
    }
}

extension ControlChannelStateMachine.CloseRequestedAction {
    static func ends(_ cause: ChannelEnd) -> Self { .end(ControlChannelStateMachine.End(cause)) }
}

extension ControlChannelStateMachine.HeartbeatTimerAction {
    static func ends(_ cause: ChannelEnd) -> Self { .end(ControlChannelStateMachine.End(cause)) }
}

extension ControlChannelStateMachine.LivenessTimerAction {
    static func ends(_ cause: ChannelEnd) -> Self { .end(ControlChannelStateMachine.End(cause)) }

    var end: ControlChannelStateMachine.End? {
        if case .end(let end) = self { end } else { nil }
    }
}

extension ControlChannelStateMachine.NetworkChangedAction {
    var end: ControlChannelStateMachine.End? {
        if case .end(let end) = self { end } else { nil }
    }
}

/// The action must refuse this stream.
func expectRefusal(
    of streamID: String,
    _ action: ControlChannelStateMachine.ReceivedAction,
    containing text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard case .refuseStream(let request, let refusal) = action else {
        Issue.record("not a refusal: \(action)", sourceLocation: sourceLocation)
        return
    }
    expect(refusal, of: request, isOf: streamID, containing: text, sourceLocation: sourceLocation)
}

/// The action must refuse this stream, which has waited.
func expectRefusal(
    of streamID: String,
    _ action: ControlChannelStateMachine.NextStreamAction,
    containing text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard case .refuse(let request, let refusal) = action else {
        Issue.record("not a refusal: \(action)", sourceLocation: sourceLocation)
        return
    }
    expect(refusal, of: request, isOf: streamID, containing: text, sourceLocation: sourceLocation)
}

private func expect(
    _ refusal: ControlChannelStateMachine.StreamRefusal,
    of request: ProxyConnectionRequest,
    isOf streamID: String,
    containing text: String,
    sourceLocation: SourceLocation
) {
    #expect(request.streamID == streamID, sourceLocation: sourceLocation)
    #expect(refusal.what.contains(text) || text.isEmpty, sourceLocation: sourceLocation)
    #expect(!refusal.what.isEmpty, sourceLocation: sourceLocation)
}
