// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport

/// What happens to one simulated daemon, and when: everything that a seed decides but the delays of single packets.
///
/// A plan is a list, so that a run that fails can be shrunk: an item is left out, and if the run still fails, it was not
/// needed.
struct SimulatedPlan {
    struct Item: CustomStringConvertible {
        /// In milliseconds.
        let time: Int
        let event: Event

        var description: String { "\(time) ms: \(event)" }
    }

    /// Durations are in milliseconds.
    enum Event {
        case visit(tunnel: Int)
        /// A program connects to the listener, and leaves after a while.
        case dial(leavingAfter: Int)
        /// Nothing arrives in one direction, and everything afterwards.
        case blackHole(toEngine: Bool, lasting: Int)
        case slowNetwork(by: Int, lasting: Int)
        /// The connection of the message that comes so many messages later is reset; who learns of it.
        case reset(message: Int, Learning)
        case restartEngine(down: Int, keepsMemory: Bool, isSilent: Bool)
        case rejectSessions(EngineErrorCode, lasting: Int)
        case rejectTunnels(EngineErrorCode, lasting: Int)
        /// The engine takes requests and says nothing.
        case swallowRequests(lasting: Int)
        case answerLate(by: Int, lasting: Int)
        /// The engine asks for each stream twice.
        case repeatOffers(lasting: Int)
        /// The engine closes connections that are silent for a moment.
        case losePatience(lasting: Int)
        case endTunnel(Int)
        case closeChannel
        /// All services of a tunnel, or the one at a port.
        case upstream(tunnel: Int, port: Int?, ModelUpstreams.Behaviour, lasting: Int)
        case suspend(lasting: Int)
        case crash(newest: Bool, down: Int)
        /// The host's time of day changes.
        case jump(by: Int)
        case networkChange
        case retry
        case changeFiles
        case renew
        case edit(SimulatedConfiguration.Edit)
        case reload
        /// The program at its path takes over.
        case upgrade
        /// systemd restarts the service.
        case restart
        /// The service is stopped, and started after a while.
        case stop(down: Int?)
    }

    /// Who learns that a connection was reset.
    enum Learning: CaseIterable {
        case both
        case daemon
        case engine
        /// A router has forgotten the connection and drops its packets.
        case neither
    }

    let seed: UInt64
    var sessions = 1
    /// Tunnels of each session.
    var tunnels = 2
    /// Services of each tunnel.
    var services = 1
    /// Whether the services of the first tunnel are checked, and it is closed without a healthy one.
    var hasChecks = false
    /// Whether streams may last for a minute.
    var hasLongStreams = false
    /// Whether streams wait for services that refuse them.
    var holds = false
    /// Whether nothing happens but visits, edits and reloads.
    var isCalm = false
    var items: [Item]

    var allTunnels: Int { sessions * tunnels }

    /// From here on nothing goes wrong any more.
    static let quiet = 90_000

    init(seed: UInt64, sessions: Int = 1, tunnels: Int = 2, items: [Item]) {
        (self.seed, self.sessions, self.tunnels, self.items) = (seed, sessions, tunnels, items)
    }

    /// The plan of a seed.
    init(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let sessions = Int.random(in: 1...2, using: &random)
        let tunnels = Int.random(in: 1...2, using: &random)
        self.init(seed: seed, sessions: sessions, tunnels: tunnels, items: [])
        services = Int.random(in: 1...3, using: &random)
        hasChecks = Int.random(in: 0..<4, using: &random) == 0
        hasLongStreams = Bool.random(using: &random)
        holds = Bool.random(using: &random)
        var items: [Item] = []
        for _ in 0..<Int.random(in: 2...8, using: &random) {
            items += visits(from: Int.random(in: 0..<Self.quiet, using: &random), within: 2_000, using: &random)
        }
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let time = Int.random(in: 0..<Self.quiet, using: &random)
            items.append(Item(time: time, event: .dial(leavingAfter: Int.random(in: 10...60_000, using: &random))))
        }
        // Three kinds of trouble, one or more of them in each world.
        let kinds = Int.random(in: 1...7, using: &random)
        isCalm = kinds == 2
        if kinds & 1 != 0 { items += troubles(using: &random) }
        if kinds & 2 != 0 { items += reloads(using: &random) }
        if kinds & 4 != 0 { items += signals(using: &random) }
        self.items = items.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element)
    }

    /// Visitors that come at about the same time.
    private func visits(from start: Int, within length: Int, using random: inout SplitMix) -> [Item] {
        (0..<Int.random(in: 1...4, using: &random)).map { _ in
            let tunnel = Int.random(in: 0..<allTunnels, using: &random)
            return Item(time: start + Int.random(in: 0..<length, using: &random), event: .visit(tunnel: tunnel))
        }
    }

    private func troubles(using random: inout SplitMix) -> [Item] {
        (0..<Int.random(in: 1...8, using: &random)).flatMap { _ in
            let time = Int.random(in: 0..<(Self.quiet - 5_000), using: &random)
            // Short troubles and long ones; all are over when it gets quiet.
            let longest = Bool.random(using: &random) ? 2_000 : 45_000
            let lasting = Int.random(in: 50...min(longest, Self.quiet - time), using: &random)
            let event = Self.event(lasting: lasting, tunnels: allTunnels, using: &random)
            return [Item(time: time, event: event)] + visits(from: time, within: lasting, using: &random)
        }
    }

    /// Edits of the files, each with a reload soon afterwards, or before the next edit.
    private func reloads(using random: inout SplitMix) -> [Item] {
        (0..<Int.random(in: 1...6, using: &random)).flatMap { _ in
            let time = Int.random(in: 0..<(Self.quiet - 5_000), using: &random)
            var items = [Item(time: time, event: .edit(Self.edit(using: &random)))]
            if Bool.random(using: &random) { items.append(Item(time: time, event: .edit(Self.edit(using: &random)))) }
            let after = Bool.random(using: &random) ? 100 : 4_000
            items.append(Item(time: time + Int.random(in: 0...after, using: &random), event: .reload))
            return items
        }
    }

    /// Take-overs and other signals, and what happens at about the same time: soon enough to meet a take-over in each of
    /// its states.
    private func signals(using random: inout SplitMix) -> [Item] {
        (0..<Int.random(in: 1...3, using: &random)).flatMap { _ in
            let start = Int.random(in: 0..<(Self.quiet - 50_000), using: &random)
            let first: Event
            switch Int.random(in: 0..<8, using: &random) {
            case 0...3: first = .upgrade
            case 4...6: first = .restart
            default: first = .stop(down: 500)
            }
            return [Item(time: start, event: first)]
                + (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    let latest = [100, 500, 4_000].randomElement(using: &random) ?? 500
                    let time = start + Int.random(in: 0...latest, using: &random)
                    return Item(time: time, event: Self.meanwhile(using: &random))
                }
        }
    }

    private static func meanwhile(using random: inout SplitMix) -> Event {
        let isYes = Bool.random(using: &random)
        let lasting = Int.random(in: 20...(isYes ? 1_000 : 45_000), using: &random)
        switch Int.random(in: 0..<14, using: &random) {
        case 0...2: return .crash(newest: isYes, down: 500)
        case 3: return .stop(down: 500)
        case 4: return .reload
        case 5: return .edit(edit(using: &random))
        case 6: return isYes ? .upgrade : .restart
        case 7...8: return .blackHole(toEngine: Bool.random(using: &random), lasting: lasting)
        case 9...10: return .rejectTunnels(isYes ? .unauthorized : .serviceUnavailable, lasting: lasting)
        case 11: return .swallowRequests(lasting: lasting)
        case 12: return .rejectSessions(isYes ? .unauthorized : .serviceUnavailable, lasting: lasting)
        default: return .restartEngine(down: lasting, keepsMemory: isYes, isSilent: Bool.random(using: &random))
        }
    }

    private static func edit(using random: inout SplitMix) -> SimulatedConfiguration.Edit {
        let tunnel = Int.random(in: 0..<8, using: &random)
        switch Int.random(in: 0..<18, using: &random) {
        case 0: return .retarget(tunnel)
        case 1: return .limit(tunnel, Int.random(in: 0...2, using: &random))
        case 2: return .dispose(tunnel, StreamDisposition.allCases.randomElement(using: &random) ?? .drain)
        case 3: return .hold(tunnel, milliseconds: Int.random(in: 0...5_000, using: &random))
        case 4...5: return .rename(tunnel)
        case 6: return .exchange(tunnel)
        case 7: return .release(tunnel)
        case 8: return .label(tunnel)
        case 9: return .remove(tunnel)
        case 10: return .restore
        case 11: return .toggle(tunnel)
        case 12: return .move(tunnel)
        case 13: return .token(tunnel)
        case 14: return .shareToken
        case 15: return .port(Int.random(in: 1...2, using: &random))
        case 16: return .spoil
        default: return .correct
        }
    }

    private static func event(lasting: Int, tunnels: Int, using random: inout SplitMix) -> Event {
        let tunnel = Int.random(in: 0..<tunnels, using: &random)
        let isYes = Bool.random(using: &random)
        switch Int.random(in: 0..<30, using: &random) {
        case 0...3: return .blackHole(toEngine: isYes, lasting: lasting)
        case 4: return .slowNetwork(by: Int.random(in: 100...3_000, using: &random), lasting: lasting)
        case 5...8:
            let message = Int.random(in: 1...40, using: &random)
            return .reset(message: message, Learning.allCases.randomElement(using: &random) ?? .both)
        case 9...11:
            return .restartEngine(down: lasting, keepsMemory: isYes, isSilent: Bool.random(using: &random))
        case 12:
            let code: EngineErrorCode = isYes ? .unauthorized : .serviceUnavailable
            return .rejectSessions(code, lasting: lasting)
        case 13:
            let code: EngineErrorCode = isYes ? .unauthorized : .capacityExhausted
            return .rejectTunnels(code, lasting: lasting)
        case 14: return .swallowRequests(lasting: lasting)
        case 15: return .answerLate(by: Int.random(in: 100...40_000, using: &random), lasting: lasting)
        case 16: return isYes ? .repeatOffers(lasting: lasting) : .losePatience(lasting: lasting)
        case 17: return .endTunnel(tunnel)
        case 18: return .closeChannel
        case 19...20, 26...29:
            let port = Bool.random(using: &random) ? nil : Int.random(in: 80...82, using: &random)
            return .upstream(tunnel: tunnel, port: port, isYes ? .refuses : .isSilent, lasting: lasting)
        case 21: return .suspend(lasting: lasting)
        case 22: return .crash(newest: isYes, down: lasting)
        case 23: return .jump(by: Int.random(in: -86_400_000...86_400_000, using: &random))
        case 24: return isYes ? .networkChange : .retry
        default: return isYes ? .changeFiles : .renew
        }
    }

    /// Whether one process may take over from another.
    var hasTakeOver: Bool {
        items.contains {
            switch $0.event {
            case .upgrade, .restart: true
            default: false
            }
        }
    }

    /// Whether the engine rejects something in a way that a retry does not change, so that the long wait may run.
    var hasRejection: Bool {
        items.contains {
            switch $0.event {
            case .rejectSessions(.unauthorized, _), .rejectTunnels(.unauthorized, _): true
            default: false
            }
        }
    }
}
