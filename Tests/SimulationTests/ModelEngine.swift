// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamWire

/// The engine of a simulation: what the protocol says of an engine, and the ways in which it may fail. It shares messages
/// with the daemon and no decisions.
final class ModelEngine {
    private struct Channel {
        var isOpen = false
        /// What the tunnels hold, by their ids.
        var tunnels: [String: String] = [:]
        /// Tunnels whose grants are not sent yet.
        var unsent: Set<String> = []
        var lastHeard: Int
        /// How often each stream was asked for and not answered.
        var offered: [String: Int] = [:]
        /// Streams without any answer.
        var awaited: Set<String> = []
    }

    private struct Holder {
        let number: Int
        /// Of the tunnel.
        let name: String
        /// Nil for a session of before a restart.
        let link: Int?
        /// When the engine has noticed that such a session is gone.
        var until = Int.max

        var tunnelID: String { "t\(number)" }
    }

    /// What was negotiated.
    static let liveness = 15_000
    /// How long a connection may be silent before its first frame.
    private static let usualPatience = 8_000

    private(set) var isUp = true
    /// While it is down: whether its host is gone too, and says nothing.
    private(set) var isSilent = false
    var rejectsSessions: EngineErrorCode?
    var rejectsTunnels: EngineErrorCode?
    var swallowsRequests = false
    var lateness = 0
    var repeatsOffers = false
    var isImpatient = false
    /// Streams that are announced and not connected.
    private var expected: Set<String> = []
    /// Connections without a first frame.
    private var silent: Set<Int> = []
    /// The connections of private dials, by the streams that serve them.
    private var dialers: [String: Int] = [:]
    /// The two connections of a private dial.
    private var peers: [Int: Int] = [:]
    private unowned let world: SimulatedWorld
    private var channels: [Int: Channel] = [:]
    private var holders: [String: Holder] = [:]
    private var incarnation = 0
    private var lastID = 0

    init(_ world: SimulatedWorld) {
        self.world = world
    }

    // MARK: What a test asks

    /// The connection over which the tunnel of that name is served, and its host name.
    func place(of name: String) -> (link: Int, hostname: String?)? {
        guard let (hostname, holder) = newest(name), let link = holder.link else { return nil }
        return (link, hostname.hasPrefix("#") ? nil : hostname)
    }

    private func newest(_ name: String) -> (hostname: String, holder: Holder)? {
        holders.filter { $0.value.name == name && $0.value.link != nil }.max { $0.value.number < $1.value.number }
            .map { ($0.key, $0.value) }
    }

    var hasChannels: Bool { !channels.isEmpty }

    /// Whether a connection waits for its first frame.
    var hasSilentLinks: Bool { !silent.isEmpty }

    /// Streams that were asked for and not answered, while their channels live.
    var unanswered: [String] { channels.values.flatMap(\.awaited).sorted() }

    /// A visitor comes. Returns the id of the stream, if there is a tunnel.
    @discardableResult
    func visit(_ name: String) -> String? {
        guard isUp, let holder = newest(name)?.holder, let link = holder.link, channels[link] != nil else { return nil }
        lastID += 1
        let id = "s\(lastID)"
        expected.insert(id)
        channels[link]?.awaited.insert(id)
        let request = ProxyConnectionRequest(tunnelID: holder.tunnelID, streamID: id)
        for _ in 0..<(repeatsOffers ? 2 : 1) {
            channels[link]?.offered[id, default: 0] += 1
            send(.proxyConnectionRequest(request), on: link)
        }
        return id
    }

    // MARK: Trouble

    func stop(keepsMemory: Bool, isSilent: Bool) {
        guard isUp else { return }
        world.note("engine: down\(isSilent ? " with its host" : "")\(keepsMemory ? "" : ", and forgets")")
        (isUp, self.isSilent) = (false, isSilent)
        incarnation += 1
        (expected, silent, dialers, peers) = ([], [], [:], [:])
        channels = [:]
        let noticed = world.now + Self.liveness
        holders =
            keepsMemory
            ? holders.mapValues { Holder(number: $0.number, name: $0.name, link: nil, until: noticed) } : [:]
        world.network.engineDied(isSilent: isSilent)
    }

    func restart() {
        guard !isUp else { return }
        world.note("engine: up")
        isUp = true
    }

    func endTunnel(_ name: String) {
        guard let holder = newest(name)?.holder, let link = holder.link else { return }
        // What is said of one tunnel comes in order.
        guard channels[link]?.unsent.contains(holder.tunnelID) == false else { return }
        world.note("engine: ends \(name)")
        forget(holder.tunnelID, on: link)
        send(.closeTunnelResponse(tunnelID: holder.tunnelID), on: link)
    }

    func closeChannel() {
        guard let link = channels.filter({ $0.value.isOpen }).keys.min() else { return }
        world.note("engine: closes the channel on \(link)")
        send(.closeControlChannelResponse, on: link)
        drop(link, .end)
    }

    // MARK: Connections

    func accepted(_ link: Int) {
        silent.insert(link)
        let incarnation = incarnation
        world.enter(after: isImpatient ? 2_000 : Self.usualPatience, .world) { [self] in
            guard incarnation == self.incarnation, silent.remove(link) != nil else { return }
            world.network.close(link, at: .engine, .end)
        }
    }

    func lost(_ link: Int) {
        silent.remove(link)
        if let peer = peers.removeValue(forKey: link) {
            peers[peer] = nil
            world.network.close(peer, at: .engine, .end)
        }
        guard channels[link] != nil else { return }
        world.note("engine: has lost \(link)")
        free(link)
    }

    private func drop(_ link: Int, _ packet: SimulatedNetwork.Packet) {
        free(link)
        world.network.close(link, at: .engine, packet)
    }

    private func free(_ link: Int) {
        channels[link] = nil
        holders = holders.filter { $0.value.link != link }
    }

    private func watch(_ link: Int) {
        let incarnation = incarnation
        let heard = channels[link]?.lastHeard ?? world.now
        world.enter(at: heard + Self.liveness + 1, .world) { [self] in
            guard incarnation == self.incarnation, let channel = channels[link] else { return }
            guard world.now - channel.lastHeard > Self.liveness else { return watch(link) }
            world.note("engine: \(link) is silent")
            drop(link, .reset)
        }
    }

    private func send(_ message: Message, on link: Int) {
        guard world.network.isOpen(link, at: .engine) else { return }
        world.network.send(message, on: link, from: .engine)
    }

    /// Answers a request, perhaps late.
    private func answer(_ message: Message, on link: Int) {
        guard lateness > 0 else { return send(message, on: link) }
        let incarnation = incarnation
        world.enter(after: lateness, .world) { [self] in
            guard incarnation == self.incarnation else { return }
            if case .openTunnelResponse(let response) = message, case .granted(let properties) = response.outcome {
                channels[link]?.unsent.remove(properties.id ?? "")
            }
            send(message, on: link)
        }
    }

    // MARK: Messages

    func received(_ message: Message, on link: Int) {
        channels[link]?.lastHeard = world.now
        silent.remove(link)
        switch message {
        case .openControlChannelRequest: opened(link)
        case .openTunnelRequest(let request): tunnelRequested(request, on: link)
        case .closeTunnelRequest(let tunnelID):
            forget(tunnelID, on: link)
            answer(.closeTunnelResponse(tunnelID: tunnelID), on: link)
        case .closeControlChannelRequest:
            send(.closeControlChannelResponse, on: link)
            drop(link, .end)
        case .proxyConnectionResponse(let response): answered(response, on: link)
        case .heartbeat(let heartbeat):
            send(.heartbeat(Heartbeat(acknowledgement: heartbeat.sequence)), on: link)
        case .proxyRequest(let request): connected(request.streamID, on: link)
        case .streamRequest(let request): dialed(request.tunnelIDOrName, on: link)
        default: world.complain("the engine received \(message.kind)")
        }
    }

    private func opened(_ link: Int) {
        if swallowsRequests { return }
        if let code = rejectsSessions {
            answer(.openControlChannelResponse(.error(EngineError(code: code, message: "no"))), on: link)
            return
        }
        channels[link] = Channel(isOpen: true, lastHeard: world.now)
        watch(link)
        let liveness = WireLiveness(intervalMilliseconds: 5_000, timeoutMilliseconds: UInt32(Self.liveness))
        answer(.openControlChannelResponse(.ok(clientID: "c", serverDetails: nil, liveness: liveness)), on: link)
    }

    private func tunnelRequested(_ request: OpenTunnelRequest, on link: Int) {
        if swallowsRequests { return }
        lastID += 1
        var properties = request.properties
        if properties.publish != false { properties.hostname = properties.hostname ?? "chosen\(lastID)" }
        let place = properties.hostname ?? "#\(lastID)"
        let outcome: OpenTunnelResponse.Outcome
        if let code = rejectsTunnels {
            outcome = .error(EngineError(code: code, message: "no"))
        } else if channels[link] == nil {
            return world.complain("a tunnel was asked for before the channel was open")
        } else if let holder = holders[place], holder.until > world.now {
            if world.plan.isCalm { world.complain("\(place) was asked for while another tunnel has it") }
            outcome = .error(EngineError(code: .resourceConflict, message: "in use"))
        } else {
            let holder = Holder(number: lastID, name: properties.name ?? "", link: link)
            holders[place] = holder
            channels[link]?.tunnels[holder.tunnelID] = place
            if lateness > 0 { channels[link]?.unsent.insert(holder.tunnelID) }
            properties.id = holder.tunnelID
            outcome = .granted(properties)
        }
        answer(.openTunnelResponse(OpenTunnelResponse(requestID: request.requestID, outcome: outcome)), on: link)
    }

    private func forget(_ tunnelID: String, on link: Int) {
        guard let host = channels[link]?.tunnels.removeValue(forKey: tunnelID) else { return }
        if holders[host]?.tunnelID == tunnelID { holders[host] = nil }
    }

    private func answered(_ response: ProxyConnectionResponse, on link: Int) {
        let id = response.streamID
        guard let channel = channels[link] else { return }
        guard let left = channel.offered[id], left > 0 else {
            return world.complain("\(id) was answered, and not asked for, or answered twice")
        }
        channels[link]?.offered[id] = left - 1
        channels[link]?.awaited.remove(id)
        // No connection will come.
        guard let error = response.error, let dialer = dialers.removeValue(forKey: id) else { return }
        expected.remove(id)
        send(.streamResponse(.error(error)), on: dialer)
    }

    // MARK: Streams

    private func connected(_ id: String, on link: Int) {
        let isWanted = expected.remove(id) != nil
        let error = EngineError(code: .invalidStream, message: "no such stream")
        send(.proxyResponse(error: isWanted ? nil : error), on: link)
        guard isWanted, let dialer = dialers.removeValue(forKey: id) else { return }
        (peers[link], peers[dialer]) = (dialer, link)
        send(.streamResponse(.connected(streamID: id)), on: dialer)
    }

    private func dialed(_ name: String, on link: Int) {
        guard let id = visit(name) else {
            let error = EngineError(code: .tunnelNotFound, message: "no such tunnel")
            return send(.streamResponse(.error(error)), on: link)
        }
        dialers[id] = link
    }
}
