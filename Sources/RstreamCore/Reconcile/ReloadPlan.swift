package import RstreamModel

/// What a reload would change: wanted minus running, decided before anything is touched (contract §5).
///
/// The plan is a value. A dry run prints ``changes``, a reload carries out ``steps``, and both come from one
/// comparison, so what was promised is what happens. Equal plans come from equal configurations, in whatever order
/// these stand.
package struct ReloadPlan: Hashable, Sendable {
    /// What happens to one tunnel.
    package enum Action: String, Hashable, Sendable {
        case add
        /// New streams are relayed in another way; the engine does not notice.
        case update
        /// Another tunnel takes its place at the engine.
        case replace
        case remove
    }

    /// One line for an operator.
    package struct Change: Hashable, Sendable {
        package let tunnel: String
        package let action: Action
        /// What becomes of the streams that run now; nil when there was no tunnel.
        package let fate: StreamFate?
        /// How many streams run now.
        package let streams: Int

        package init(tunnel: String, action: Action, fate: StreamFate?, streams: Int) {
            self.tunnel = tunnel
            self.action = action
            self.fate = fate
            self.streams = streams
        }
    }

    /// One thing to do. Sessions are named by their place in the running and in the wanted list.
    package enum Step: Hashable, Sendable {
        /// A session that stays as it is, under its wanted place from here on.
        case keepSession(running: Int, wanted: Int)
        /// Same engine, shown something else: reconnects and reopens its tunnels, streams stay.
        case renewSession(running: Int, wanted: Int)
        case startSession(wanted: Int)
        /// A session nobody wants; its tunnels are removed by steps of their own.
        case stopSession(running: Int)
        case removeTunnel(String, running: Int, StreamFate)
        case updateTunnel(String, running: Int, wanted: Int, StreamFate)
        /// `closesFirst`: both claim one address, so the old tunnel has to go before the new one can come.
        case replaceTunnel(String, running: Int, wanted: Int, StreamFate, closesFirst: Bool)
        case addTunnel(String, wanted: Int)
    }

    /// By name of the tunnel; unchanged ones are left out.
    package private(set) var changes: [Change] = []
    /// In the order in which they are to be carried out.
    package private(set) var steps: [Step] = []
    /// Contexts whose session reconnects.
    package private(set) var renewed: [String] = []

    /// Whether the reload would do nothing at all.
    package var isEmpty: Bool {
        changes.isEmpty
            && steps.allSatisfy { step in
                if case .keepSession = step { true } else { false }
            }
    }

    /// Compares; `streams` tells how many streams a running tunnel has.
    package init<Identity>(
        running: [WantedSession<Identity>],
        wanted: [WantedSession<Identity>],
        streams: (String) -> Int
    ) {
        let pairs = Self.pairs(running, wanted)
        for (old, new) in pairs {
            if running[old].identity == wanted[new].identity {
                steps.append(.keepSession(running: old, wanted: new))
            } else {
                steps.append(.renewSession(running: old, wanted: new))
                renewed.append(wanted[new].context)
            }
        }
        let started = wanted.indices.filter { new in !pairs.contains { $0.wanted == new } }
        steps += started.map { .startSession(wanted: $0) }
        compareTunnels(running, wanted, pairs, streams)
        let stopped = running.indices.filter { old in !pairs.contains { $0.running == old } }
        steps += stopped.map { .stopSession(running: $0) }
        changes.sort { $0.tunnel < $1.tunnel }
    }

    /// Which running session goes on as which wanted one: the same identity, else the same context at the same engine.
    private static func pairs<Identity>(
        _ running: [WantedSession<Identity>],
        _ wanted: [WantedSession<Identity>]
    ) -> [(running: Int, wanted: Int)] {
        var pairs: [(running: Int, wanted: Int)] = []
        var taken: Set<Int> = []
        let places = Dictionary(running.indices.map { (running[$0].identity, $0) }) { first, _ in first }
        for new in wanted.indices {
            guard let old = places[wanted[new].identity], taken.insert(old).inserted else { continue }
            pairs.append((old, new))
        }
        for new in wanted.indices where !pairs.contains(where: { $0.wanted == new }) {
            let old = running.indices.first { old in
                !taken.contains(old) && running[old].context == wanted[new].context
                    && running[old].engine == wanted[new].engine
            }
            guard let old else { continue }
            taken.insert(old)
            pairs.append((old, new))
        }
        return pairs.sorted { $0.wanted < $1.wanted }
    }

    private mutating func compareTunnels<Identity>(
        _ running: [WantedSession<Identity>],
        _ wanted: [WantedSession<Identity>],
        _ pairs: [(running: Int, wanted: Int)],
        _ streams: (String) -> Int
    ) {
        let successor = Dictionary(uniqueKeysWithValues: pairs.map { ($0.running, $0.wanted) })
        var before: [String: (session: Int, tunnel: WantedTunnel)] = [:]
        for old in running.indices {
            for tunnel in running[old].tunnels { before[tunnel.name] = (old, tunnel) }
        }
        var additions: [Step] = []
        for new in wanted.indices {
            for tunnel in wanted[new].tunnels {
                guard let (old, predecessor) = before.removeValue(forKey: tunnel.name) else {
                    additions.append(.addTunnel(tunnel.name, wanted: new))
                    changes.append(Change(tunnel: tunnel.name, action: .add, fate: nil, streams: 0))
                    continue
                }
                let (name, fate) = (tunnel.name, tunnel.local.fate)
                let action: Action
                if successor[old] != new {
                    action = .replace
                    steps.append(.removeTunnel(name, running: old, fate))
                    additions.append(.addTunnel(name, wanted: new))
                } else if tunnel.properties != predecessor.properties {
                    action = .replace
                    let closesFirst = tunnel.claimsAddress(of: predecessor)
                    steps.append(.replaceTunnel(name, running: old, wanted: new, fate, closesFirst: closesFirst))
                } else if tunnel.local != predecessor.local {
                    action = .update
                    steps.append(.updateTunnel(name, running: old, wanted: new, fate))
                } else {
                    continue
                }
                changes.append(Change(tunnel: name, action: action, fate: fate, streams: streams(name)))
            }
        }
        for (name, (old, tunnel)) in before.sorted(by: { $0.key < $1.key }) {
            steps.append(.removeTunnel(name, running: old, tunnel.local.fate))
            changes.append(Change(tunnel: name, action: .remove, fate: tunnel.local.fate, streams: streams(name)))
        }
        // What goes makes room, at the engine and under the limits, for what comes.
        steps += additions
    }
}
