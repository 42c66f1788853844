// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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
        case endTunnel(Int)
        case closeChannel
        case refuseUpstream(tunnel: Int, lasting: Int)
        case silenceUpstream(tunnel: Int, lasting: Int)
        case suspend(lasting: Int)
        case crash(down: Int)
        /// The host's time of day changes.
        case jump(by: Int)
        case networkChange
        case retry
        case changeFiles
        case renew
        /// A reload replaces the tunnel by one with the same address.
        case replace(tunnel: Int)
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
        var items: [Item] = []
        for _ in 0..<Int.random(in: 5...20, using: &random) {
            let time = Int.random(in: 0..<Self.quiet, using: &random)
            items.append(Item(time: time, event: .visit(tunnel: Int.random(in: 0..<allTunnels, using: &random))))
        }
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let time = Int.random(in: 0..<(Self.quiet - 5_000), using: &random)
            // Short troubles and long ones; all are over when it gets quiet.
            let longest = Bool.random(using: &random) ? 2_000 : 45_000
            let lasting = Int.random(in: 50...min(longest, Self.quiet - time), using: &random)
            items.append(Item(time: time, event: Self.event(lasting: lasting, tunnels: allTunnels, using: &random)))
        }
        self.items = items.sorted { $0.time < $1.time }
    }

    private static func event(lasting: Int, tunnels: Int, using random: inout SplitMix) -> Event {
        let tunnel = Int.random(in: 0..<tunnels, using: &random)
        let isYes = Bool.random(using: &random)
        switch Int.random(in: 0..<26, using: &random) {
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
        case 16: return .repeatOffers(lasting: lasting)
        case 17: return .endTunnel(tunnel)
        case 18: return .closeChannel
        case 19 where isYes: return .refuseUpstream(tunnel: tunnel, lasting: lasting)
        case 19: return .silenceUpstream(tunnel: tunnel, lasting: lasting)
        case 20: return .suspend(lasting: lasting)
        case 21: return .crash(down: lasting)
        case 22: return .jump(by: Int.random(in: -86_400_000...86_400_000, using: &random))
        case 23: return isYes ? .networkChange : .retry
        case 24: return isYes ? .changeFiles : .renew
        default: return .replace(tunnel: tunnel)
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
