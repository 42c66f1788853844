import RstreamCore
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

/// Drives one control channel with random inputs, each of which a real engine or shell could produce, and keeps its
/// own account of what must be true.
///
/// The account knows ids and sets only; it decides nothing the way the machine does. Inputs of the shell are well
/// typed: it reports what it was told to do, once. The engine may say anything.
struct ChannelWalk {
    typealias Action = ControlChannelStateMachine.Action

    /// What happened at all, so that a test can see that it was not nothing.
    struct Tally {
        var counts: [String: Int] = [:]

        mutating func note(_ event: String) { counts[event, default: 0] += 1 }
    }

    private final class Verdict {
        var isBroken = false
    }

    static let limits = ControlChannelLimits(
        openingStreams: 3,
        pendingStreams: 4,
        unwrittenAnswers: 12,
        abandonedTunnels: 3
    )

    let seed: UInt64
    /// Whether rare inputs that end the channel come at all.
    let isLethal: Bool
    var tally = Tally()
    private var random: SplitMix
    private var machine: ControlChannelStateMachine
    private var now = start
    private var step = 0
    var story: [String] = []
    private var nextID = 0
    private let verdict = Verdict()

    var isOpen = false
    var isClosing = false
    var isEnded = false
    /// Tunnel requests that somebody waits for.
    var requests: Set<RequestID> = []
    private var abandoned: [RequestID] = []
    var answered: [RequestID] = []
    var openTunnels: Set<String> = []
    var closingTunnels: Set<String> = []
    /// Streams that were asked for under a fresh id and have no answer yet.
    var unanswered: Set<String> = []
    var running: Set<String> = []
    /// Streams whose handshake was started, running or ended, until they are answered.
    var started: Set<String> = []
    /// Answers that were handed over and not written, in order; and which of them hold a place.
    var unwritten: [String] = []
    var placed: Set<String> = []
    var lastSequence: UInt64 = 0
    private var acknowledged: UInt64 = 0
    var isWritingHeartbeat = false

    init(seed: UInt64, isLethal: Bool) {
        self.seed = seed
        self.isLethal = isLethal
        random = SplitMix(seed: seed)
        machine = .opening(limits: Self.limits)
    }

    /// Runs this many inputs, and some more after an end, which must do nothing.
    mutating func run(steps: Int) {
        apply(
            "opening",
            machine.received(.accepted(WireLiveness(intervalMilliseconds: 5_000, timeoutMilliseconds: 60_000)), at: now)
        )
        var afterEnd = 0
        while step < steps, afterEnd < 60, !verdict.isBroken {
            step += 1
            if isEnded { afterEnd += 1 }
            now = now.advanced(by: .milliseconds(Int.random(in: 0...500, using: &random)))
            takeStep()
        }
        if !isEnded { settle() }
    }

    private mutating func takeStep() {
        // An engine that does not read would end the channel.
        if !isLethal, unwritten.count > Self.limits.unwrittenAnswers / 2 { return writeAnswer() }
        switch Int.random(in: 0..<100, using: &random) {
        case ..<12: requestTunnel()
        case ..<22: answerTunnel()
        case ..<26: abandonTunnel()
        case ..<30: closeTunnel()
        case ..<35: endTunnel()
        case ..<60: requestStream()
        case ..<74: finishStream()
        case ..<88: writeAnswer()
        case ..<95: beat()
        case ..<98: otherMessage()
        default: isLethal && Int.random(in: 0..<4, using: &random) == 0 ? kill() : otherMessage()
        }
    }

    // MARK: Tunnels

    private mutating func requestTunnel() {
        let id = RequestID(stringLiteral: fresh("r"))
        if isOpen, !isClosing, !isEnded { requests.insert(id) }
        let isTaken = requests.contains(id)
        let actions = machine.tunnelRequested(id, TunnelProperties())
        if isTaken {
            apply("request tunnel \(id)", actions)
        } else {
            note("late tunnel request")
            check(actions.count == 1, "a tunnel request that cannot be sent has one answer, not \(actions)")
            guard case .tunnelFailed(requestID: id, _) = actions.first else {
                return check(false, "a tunnel request that cannot be sent fails, not \(actions)")
            }
        }
    }

    private mutating func answerTunnel() {
        let id: RequestID
        switch Int.random(in: 0..<10, using: &random) {
        case ..<6: id = requests.sorted().randomElement(using: &random) ?? "nobody's"
        case ..<8: id = abandoned.randomElement(using: &random) ?? "nobody's"
        case 8: id = answered.randomElement(using: &random) ?? "nobody's"
        default: id = "nobody's"
        }
        let outcome: OpenTunnelResponse.Outcome =
            switch Int.random(in: 0..<10, using: &random) {
            case ..<6: .granted(granted(fresh("t")))
            case 6: .granted(granted(openTunnels.union(closingTunnels).sorted().randomElement(using: &random)))
            case 7: .error(EngineError(code: .capacityExhausted))
            case 8: .granted(granted(""))
            default: .empty
            }
        let kind = if case .granted(let properties) = outcome { properties.id ?? "no id" } else { "no tunnel" }
        apply("answer \(id) with \(kind)", machine.received(.tunnel(id, outcome), at: now))
        if !isEnded { check(!requests.contains(id), "a tunnel request has no answer although the engine's came") }
    }

    private mutating func abandonTunnel() {
        guard let id = requests.sorted().randomElement(using: &random), !isEnded else { return }
        requests.remove(id)
        abandoned.append(id)
        machine.tunnelAbandoned(id)
        note("abandoned")
    }

    private mutating func closeTunnel() {
        let id = openTunnels.union(closingTunnels).sorted().randomElement(using: &random) ?? "nobody's"
        let isFirst = openTunnels.contains(id)
        let actions = machine.tunnelCloseRequested(id)
        if isEnded { return apply("close tunnel after the end", actions) }
        check(
            actions == (isFirst ? [.send(.closeTunnelRequest(tunnelID: id))] : []),
            "closing \(id) gave \(actions)"
        )
        if isFirst {
            openTunnels.remove(id)
            closingTunnels.insert(id)
        }
    }

    private mutating func endTunnel() {
        let all = openTunnels.union(closingTunnels)
        let id = all.sorted().randomElement(using: &random) ?? "nobody's"
        // Not every one, or no tunnel would live.
        guard closingTunnels.contains(id) || Int.random(in: 0..<3, using: &random) == 0 else { return }
        apply("engine ends \(id)", machine.received(.closeTunnelResponse(tunnelID: id), at: now))
        if !isEnded { check(!openTunnels.contains(id) && !closingTunnels.contains(id), "\(id) did not end") }
    }

    // MARK: Streams

    private mutating func requestStream() {
        var id = fresh("s")
        let inUse = unanswered.union(unwritten)
        if Int.random(in: 0..<8, using: &random) == 0, let used = inUse.sorted().randomElement(using: &random) {
            id = used
        }
        if isLethal, Int.random(in: 0..<200, using: &random) == 0 { id = "" }
        let tunnelID =
            switch Int.random(in: 0..<12, using: &random) {
            case 0: "nobody's"
            case 1: closingTunnels.sorted().first ?? "nobody's"
            default: openTunnels.sorted().randomElement(using: &random) ?? "nobody's"
            }
        let endpoint: String? =
            switch Int.random(in: 0..<12, using: &random) {
            case 0: "other.example"
            case 1: "not an address"
            default: nil
            }
        let request = ProxyConnectionRequest(
            tunnelID: tunnelID,
            streamID: id,
            secret: Bool.random(using: &random) ? Secret("k") : nil,
            proxyEndpoint: endpoint
        )
        let isDuplicate = inUse.contains(id)
        if !isEnded, !id.isEmpty, !isDuplicate { unanswered.insert(id) }
        let actions = machine.received(.proxyConnectionRequest(request), at: now)
        if isDuplicate, !isEnded {
            note("duplicate stream")
            check(actions.isEmpty, "a request under an id in use gave \(actions)")
        }
        apply("stream \(id) of \(tunnelID)", actions)
        if !isEnded, actions.isEmpty, !isDuplicate { note("stream waits") }
    }

    private mutating func finishStream() {
        guard let id = running.sorted().randomElement(using: &random), !isEnded else { return }
        running.remove(id)
        let failure: String? = Int.random(in: 0..<3, using: &random) == 0 ? "no" : nil
        let actions = machine.streamFinished(id, failure: failure)
        apply("stream \(id) finished", actions)
        if !isEnded { check(actions.count == 1, "a handshake that ended gave \(actions)") }
    }

    private mutating func writeAnswer() {
        guard !unwritten.isEmpty else { return }
        let id = unwritten.removeFirst()
        placed.remove(id)
        apply("answer of \(id) written", machine.answerWritten(id))
    }

    /// Lets every handshake end and every answer be written; then every stream must have been answered.
    private mutating func settle() {
        var rounds = 0
        while !isEnded, !running.isEmpty || !unwritten.isEmpty, rounds < 1_000 {
            rounds += 1
            if unwritten.isEmpty { finishStream() } else { writeAnswer() }
        }
        check(unanswered.isEmpty, "streams were never answered: \(unanswered.sorted())")
        note("settled")
    }

    // MARK: Heartbeats, other messages, ends

    private mutating func beat() {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: apply("heartbeat timer", machine.heartbeatTimerFired(at: now))
        case 1:
            machine.heartbeatWritten()
            isWritingHeartbeat = false
        case 2:
            guard acknowledged < lastSequence else { return }
            acknowledged = UInt64.random(in: (acknowledged + 1)...lastSequence, using: &random)
            apply("acknowledge", machine.received(.heartbeat(Heartbeat(acknowledgement: acknowledged)), at: now))
            if isWritingHeartbeat { note("acknowledged while writing") }
        default:
            // A write that hangs would end the channel.
            guard isLethal || !isWritingHeartbeat else { return }
            apply("liveness timer", machine.livenessTimerFired(at: now))
        }
        if !isLethal {
            machine.heartbeatWritten()
            isWritingHeartbeat = false
        }
    }

    private mutating func otherMessage() {
        let messages: [Message] = [
            .unknown, .serverMessage("hello"), .proxyResponse(error: nil), .streamResponse(.empty),
            .closeControlChannelRequest,
            .accepted(nil), .closeTunnelResponse(tunnelID: "nobody's"),
            .datagramChannelClose(streamID: "s", error: nil),
        ]
        apply("other message", machine.received(messages.randomElement(using: &random) ?? .unknown, at: now))
    }

    private mutating func kill() {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: apply("connection lost", machine.connectionLost(reset))
        case 1: apply("bad frame", machine.malformed(.malformed))
        case 2: apply("bad heartbeat", machine.received(.heartbeat(Heartbeat(sequence: 1)), at: now))
        case 3: apply("future", machine.received(.heartbeat(Heartbeat(acknowledgement: lastSequence + 1)), at: now))
        case 4: apply("closing answer", machine.received(.closeControlChannelResponse, at: now))
        case 5: apply("close timeout", machine.closeTimedOut())
        case 6: apply("open timeout", machine.openTimedOut(after: .seconds(1)))
        case 7:
            now = now.advanced(by: .seconds(60))
            apply("silence", machine.livenessTimerFired(at: now))
        default:
            let actions = machine.closeRequested()
            apply("close", actions)
            if !isEnded { isClosing = true }
        }
    }

    // MARK: Helpers

    private mutating func fresh(_ kind: String) -> String {
        nextID += 1
        return "\(kind)\(nextID)"
    }

    mutating func note(_ event: String) { tally.note(event) }

    /// Records the first complaint; what follows it is mostly its echo.
    func check(_ holds: Bool, _ complaint: @autoclosure () -> String) {
        guard !holds, !verdict.isBroken else { return }
        verdict.isBroken = true
        Issue.record("seed \(seed), step \(step): \(complaint()); after \(story)")
    }
}
