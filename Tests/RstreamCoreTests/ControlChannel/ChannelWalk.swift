// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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
struct ChannelWalk: ~Copyable {
    typealias Machine = ControlChannelStateMachine

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
    private var machine: Machine
    /// How many places may be taken: the highest limit that was in force while they were.
    var placeLimit = ChannelWalk.limits.openingStreams
    private var now = start
    private var step = 0
    /// The last inputs, for the complaint.
    var history: [String] = []
    private var nextID = 0
    private let verdict = Verdict()

    var isOpen = false
    var isClosing = false
    var isEnded = false
    /// Tunnel requests that a caller waits for.
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
        check(machine.connected() == .doNothing, "the opening request was sent twice")
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
        case ..<29: closeTunnel()
        case 29: Bool.random(using: &random) ? changeLimits() : timeOutTunnel()
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
        switch machine.tunnelRequested(id, TunnelProperties()) {
        case .sendRequest(let request):
            check(isTaken, "a tunnel was asked for on a channel that is not open")
            check(request.requestID == "\(id)", "another tunnel was asked for")
        case .fail:
            note("late tunnel request")
            check(!isTaken, "a tunnel request failed on an open channel")
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
        let action = machine.tunnelCloseRequested(id)
        check(
            action == (isFirst && !isEnded ? .sendRequest(tunnelID: id) : .doNothing),
            "closing \(id) gave \(action)"
        )
        if isFirst, !isEnded {
            openTunnels.remove(id)
            closingTunnels.insert(id)
        }
    }

    private mutating func timeOutTunnel() {
        let id = openTunnels.union(closingTunnels).sorted().randomElement(using: &random) ?? "nobody's"
        apply("close of \(id) timed out", machine.tunnelCloseTimedOut(id))
        if !isEnded { check(!closingTunnels.contains(id), "\(id) did not end") }
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
        let action = machine.received(.proxyConnectionRequest(request), at: now)
        if isDuplicate, !isEnded {
            note("duplicate stream")
            check(action == .doNothing, "a request under an id in use gave \(action)")
        }
        apply("stream \(id) of \(tunnelID)", action)
        if !isEnded, action == .doNothing, !isDuplicate { note("stream waits") }
    }

    private mutating func finishStream() {
        guard let id = running.sorted().randomElement(using: &random), !isEnded else { return }
        running.remove(id)
        let failure: String? = Int.random(in: 0..<3, using: &random) == 0 ? "no" : nil
        let action = machine.streamFinished(id, failure: failure)
        apply("stream \(id) finished", action)
        if !isEnded { check(action != .doNothing, "a handshake that ended has no answer") }
    }

    private mutating func writeAnswer() {
        guard !unwritten.isEmpty else { return }
        let id = unwritten.removeFirst()
        placed.remove(id)
        apply("answer of \(id) written", machine.answerWritten(id))
    }

    private mutating func changeLimits() {
        let (opening, pending) = (Int.random(in: 1...4, using: &random), Int.random(in: 0...5, using: &random))
        placeLimit = max(opening, running.union(placed).count)
        let before = started.count
        apply("limits \(opening), \(pending)", machine.limitsChanged(openingStreams: opening, pendingStreams: pending))
        if started.count > before { note("started by limits") }
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
        switch Int.random(in: 0..<5, using: &random) {
        case 4:
            guard isLethal || !isWritingHeartbeat else { return }
            apply("network changed", machine.networkChanged(at: now))
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
        case 8 where Int.random(in: 0..<4, using: &random) == 0: apply("abort", machine.abortRequested())
        case 6: apply("open timeout", machine.openTimedOut(after: .seconds(1)))
        case 7:
            now = now.advanced(by: .seconds(60))
            apply("silence", machine.livenessTimerFired(at: now))
        default:
            apply("close", machine.closeRequested())
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
        Issue.record("seed \(seed), step \(step): \(complaint()); after \(history)")
    }
}
