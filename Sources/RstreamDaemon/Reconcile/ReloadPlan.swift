package import RstreamDaemonModel
internal import RstreamModel

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
        /// What becomes of the streams that run now: `keep` also where they are not touched, nil when there was no tunnel.
        package let disposition: StreamDisposition?
        /// How many streams run now.
        package let streams: Int
        /// What is different, as the table names it.
        package let keys: [ConfigurationKey]

        package init(
            tunnel: String,
            action: Action,
            disposition: StreamDisposition?,
            streams: Int,
            keys: [ConfigurationKey] = []
        ) {
            self.tunnel = tunnel
            self.action = action
            self.disposition = disposition
            self.streams = streams
            self.keys = keys
        }
    }

    /// A context whose session reconnects; streams stay.
    package struct Renewal: Hashable, Sendable {
        package let context: String
        /// What is different, as the table names it.
        package let keys: [ConfigurationKey]

        package init(context: String, keys: [ConfigurationKey] = []) {
            (self.context, self.keys) = (context, keys)
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
        ///
        /// `keep` leaves streams alone, here and below.
        case removeTunnel(String, running: Int, StreamDisposition)
        case updateTunnel(String, running: Int, wanted: Int, StreamDisposition)
        /// `closesFirst`: its address is wanted, or is still held by one that goes, so the old tunnel has to go before the
        /// new one can come.
        case replaceTunnel(String, running: Int, wanted: Int, StreamDisposition, closesFirst: Bool)
        case addTunnel(String, wanted: Int)
    }

    /// By name of the tunnel; unchanged ones are left out.
    package private(set) var changes: [Change] = []
    /// In the order in which they are to be carried out.
    package private(set) var steps: [Step] = []
    /// Contexts whose session reconnects, or that get one of their own.
    package private(set) var renewals: [Renewal] = []
    private let contextKeys: [String: [ConfigurationKey]]

    /// The names of those contexts.
    package var renewed: [String] { renewals.map(\.context) }

    /// Whether the reload would do nothing at all.
    package var isEmpty: Bool {
        changes.isEmpty && renewals.isEmpty
            && steps.allSatisfy { step in
                if case .keepSession = step { true } else { false }
            }
    }

    /// Compares; `streams` tells how many streams a running tunnel has, `contextKeys` what is different about a context.
    package init<Identity>(
        running: [WantedSession<Identity>],
        wanted: [WantedSession<Identity>],
        contextKeys: [String: [ConfigurationKey]] = [:],
        streams: (String) -> Int
    ) {
        self.contextKeys = contextKeys
        let pairs = Self.pairs(running, wanted)
        for (old, new) in pairs {
            if running[old].identity == wanted[new].identity {
                steps.append(.keepSession(running: old, wanted: new))
            } else {
                steps.append(.renewSession(running: old, wanted: new))
                renew(wanted[new].context)
            }
        }
        let started = wanted.indices.filter { new in !pairs.contains { $0.wanted == new } }
        steps += started.map { .startSession(wanted: $0) }
        compareTunnels(running, wanted, pairs, streams)
        let stopped = running.indices.filter { old in !pairs.contains { $0.running == old } }
        steps += stopped.map { .stopSession(running: $0) }
        changes.sort { $0.tunnel < $1.tunnel }
    }

    private mutating func renew(_ context: String) {
        guard !renewals.contains(where: { $0.context == context }) else { return }
        renewals.append(Renewal(context: context, keys: contextKeys[context] ?? []))
    }

    /// Which running session goes on as which wanted one. A session follows the names of its contexts: of those the one
    /// that is shown the same, else one at the same engine. Where no name is left, what is shown tells.
    private static func pairs<Identity>(
        _ running: [WantedSession<Identity>],
        _ wanted: [WantedSession<Identity>]
    ) -> [(running: Int, wanted: Int)] {
        let identities = Dictionary(running.indices.map { (running[$0].identity, $0) }) { first, _ in first }
        var names: [String: [Int]] = [:]
        for old in running.indices {
            for context in running[old].contexts { names[context, default: []].append(old) }
        }
        func named(_ new: Int) -> [Int] { wanted[new].contexts.flatMap { names[$0] ?? [] } }
        let rules: [(Int) -> [Int]] = [
            { new in named(new).filter { running[$0].identity == wanted[new].identity } },
            { new in named(new).filter { running[$0].engine == wanted[new].engine } },
            { new in identities[wanted[new].identity].map { [$0] } ?? [] },
        ]
        var successors: [Int: Int] = [:]
        var taken: Set<Int> = []
        for candidates in rules {
            for new in wanted.indices where successors[new] == nil {
                guard let old = candidates(new).first(where: { !taken.contains($0) }) else { continue }
                taken.insert(old)
                successors[new] = old
            }
        }
        return wanted.indices.compactMap { new in successors[new].map { ($0, new) } }
    }

    /// A tunnel that is in both configurations and not the same.
    private struct Difference {
        let tunnel: WantedTunnel
        let before: WantedTunnel
        let old: Int
        let new: Int
        /// Its session is another one.
        let moves: Bool
        let keys: [ConfigurationKey]

        var replaces: Bool { moves || keys.contains { $0.effect.replaces } }
        var disposition: StreamDisposition {
            keys.contains { $0.effect.concernsStreams } ? tunnel.local.disposition : .keep
        }
    }

    private typealias Claims = [EngineLocation: Set<AddressClaim>]

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
        var differences: [Difference] = []
        // Addresses that are wanted and were not, and those that are given up, by whatever session of an engine.
        var (coming, going): (Claims, Claims) = ([:], [:])
        func note(_ claim: AddressClaim?, of session: WantedSession<Identity>, in claims: inout Claims) {
            if let claim { claims[session.engine, default: []].insert(claim) }
        }
        for new in wanted.indices {
            for tunnel in wanted[new].tunnels {
                guard let (old, past) = before.removeValue(forKey: tunnel.name) else {
                    additions.append(.addTunnel(tunnel.name, wanted: new))
                    note(tunnel.claim, of: wanted[new], in: &coming)
                    changes.append(Change(tunnel: tunnel.name, action: .add, disposition: nil, streams: 0))
                    continue
                }
                let moves = successor[old] != new
                var keys = tunnel.changedKeys(from: past)
                if moves {
                    if tunnel.context != past.context {
                        keys.append(.tunnelContext)
                    } else if running[old].engine != wanted[new].engine {
                        keys.append(contentsOf: engineKeys(of: tunnel.context))
                    } else {
                        renew(tunnel.context)
                    }
                }
                guard moves || !keys.isEmpty else { continue }
                let difference = Difference(tunnel: tunnel, before: past, old: old, new: new, moves: moves, keys: keys)
                if difference.replaces {
                    note(tunnel.claim, of: wanted[new], in: &coming)
                    note(past.claim, of: running[old], in: &going)
                }
                differences.append(difference)
            }
        }
        for (old, tunnel) in before.values { note(tunnel.claim, of: running[old], in: &going) }
        for difference in differences {
            let (name, old, new, disposition) = (
                difference.tunnel.name, difference.old, difference.new, difference.disposition
            )
            if difference.moves {
                steps.append(.removeTunnel(name, running: old, disposition))
                additions.append(.addTunnel(name, wanted: new))
            } else if difference.replaces {
                let engine = running[old].engine
                let isHeld = difference.tunnel.claim.map { going[engine]?.contains($0) == true } ?? false
                let isWanted = difference.before.claim.map { coming[engine]?.contains($0) == true } ?? false
                steps.append(
                    .replaceTunnel(name, running: old, wanted: new, disposition, closesFirst: isHeld || isWanted)
                )
            } else {
                steps.append(.updateTunnel(name, running: old, wanted: new, disposition))
            }
            // One that only follows its session is told with that.
            guard !difference.keys.isEmpty else { continue }
            changes.append(
                Change(
                    tunnel: name,
                    action: difference.replaces ? .replace : .update,
                    disposition: disposition,
                    streams: streams(name),
                    keys: difference.keys
                )
            )
        }
        for (name, (old, tunnel)) in before.sorted(by: { $0.key < $1.key }) {
            steps.append(.removeTunnel(name, running: old, tunnel.local.disposition))
            changes.append(
                Change(tunnel: name, action: .remove, disposition: tunnel.local.disposition, streams: streams(name))
            )
        }
        // What goes makes room, at the engine and under the limits, for what comes.
        steps += additions
    }

    /// What is different about the way to a context's engine.
    private func engineKeys(of context: String) -> [ConfigurationKey] {
        let keys = (contextKeys[context] ?? []).filter { $0.effect == .replace }
        return keys.isEmpty ? [.contextEngine] : keys
    }
}
