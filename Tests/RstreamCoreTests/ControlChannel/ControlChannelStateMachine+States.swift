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

extension ControlChannelStateMachine {
    /// A channel that has not been answered yet.
    static func opening(heartbeat: UInt32? = 5_000, limits: ControlChannelLimits = ControlChannelLimits()) -> Self {
        Self(details: ClientDetails(agent: "a"), heartbeatMilliseconds: heartbeat, limits: limits)
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

    mutating func received(_ message: Message) -> [Action] {
        received(message, at: start)
    }
}

extension ControlChannelStateMachine.Action {
    /// The request that a stream was started for.
    var startedStream: String? {
        if case .startStream(let request, _) = self { request.streamID } else { nil }
    }

    /// The request that comes to nothing without an answer.
    var droppedStream: String? {
        if case .dropStream(let request) = self { request.streamID } else { nil }
    }

    /// The answer to a stream, when it is one.
    var answer: ProxyConnectionResponse? {
        switch self {
        case .answerStream(let response): response
        case .refuseStream(let request, let refusal):
            ProxyConnectionResponse(
                streamID: request.streamID,
                error: EngineError(code: .serviceUnavailable, message: refusal.what)
            )
        default: nil
        }
    }

    var end: ChannelEnd? {
        if case .end(let cause) = self { cause } else { nil }
    }
}

/// The one answer among these actions, which must be an error of code 6000 for this stream.
func expectRefusal(
    of streamID: String,
    _ actions: [ControlChannelStateMachine.Action],
    containing text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(actions.count == 1, sourceLocation: sourceLocation)
    let answer = actions.first?.answer
    #expect(answer?.streamID == streamID, sourceLocation: sourceLocation)
    #expect(answer?.error?.code == .serviceUnavailable, sourceLocation: sourceLocation)
    #expect(answer?.error?.message.contains(text) == true || text.isEmpty, sourceLocation: sourceLocation)
    #expect(answer?.error?.message.isEmpty == false, sourceLocation: sourceLocation)
}
