// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
internal import RstreamModel

/// What a reload changes about sessions and tunnels: wanted minus running, decided before anything is changed
/// (contract §5).
///
/// A dry run reports ``changes``, a reload carries out ``steps``, and both come from one comparison, so they agree. The
/// order of tunnels in a configuration has no influence on the plan.
package struct ReloadPlan: Hashable, Sendable {
    /// What happens to one tunnel or listener.
    package enum Action: String, Hashable, Sendable, CaseIterable {
        case add
        /// New streams are relayed by the new settings; the engine does not notice.
        case update
        /// Another tunnel replaces it at the engine.
        case replace
        case remove
    }

    /// The change of one tunnel.
    package struct Change: Hashable, Sendable {
        package let tunnel: String
        package let action: Action
        /// What happens to open streams; nil when there was no tunnel.
        package let disposition: StreamDisposition?
        /// The number of open streams.
        package let streams: Int
        /// The keys in which it differs.
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
        /// The keys in which it differs.
        package let keys: [ConfigurationKey]

        package init(context: String, keys: [ConfigurationKey] = []) {
            (self.context, self.keys) = (context, keys)
        }
    }

    /// One step of a reload. Sessions are identified by their index in the running and in the wanted list.
    package enum Step: Hashable, Sendable {
        /// The session stays as it is.
        case keepSession(running: Int, wanted: Int)
        /// The session reconnects with another credential or transport and reopens its tunnels; streams stay.
        case renewSession(running: Int, wanted: Int)
        case startSession(wanted: Int)
        /// Separate steps remove its tunnels.
        case stopSession(running: Int)
        case removeTunnel(String, running: Int, StreamDisposition)
        case updateTunnel(String, running: Int, wanted: Int, StreamDisposition)
        /// `closesFirst`: another tunnel wants the old address, or still has the new one, so the old tunnel has to be
        /// closed before the new one is opened.
        case replaceTunnel(String, running: Int, wanted: Int, StreamDisposition, closesFirst: Bool)
        case addTunnel(String, wanted: Int)
    }

    /// Sorted by tunnel, without unchanged ones.
    package private(set) var changes: [Change] = []
    /// In the order in which they have to be carried out.
    package private(set) var steps: [Step] = []
    /// Contexts whose session reconnects, or that get a session of their own.
    package private(set) var renewals: [Renewal] = []
    private let contextKeys: [String: [ConfigurationKey]]

    /// The names of the contexts in ``renewals``.
    package var renewed: [String] { renewals.map(\.context) }

    /// Whether the reload changes nothing.
    package var isEmpty: Bool {
        changes.isEmpty && renewals.isEmpty
            && steps.allSatisfy { step in
                if case .keepSession = step { true } else { false }
            }
    }

    /// Compares two configurations. `streams` returns the number of open streams of a running tunnel; `contextKeys` are
    /// the keys in which each context differs.
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

    /// Which running session continues as which wanted one: first one with a common context and the same identity, then
    /// one with a common context at the same engine, then one with the same identity.
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

    /// A tunnel that is in both configurations and differs.
    private struct Difference {
        let tunnel: WantedTunnel
        let before: WantedTunnel
        let old: Int
        let new: Int
        /// Whether it moves to another session.
        let moves: Bool
        let keys: [ConfigurationKey]

        var effects: [ReloadEffect] { keys.map { moves ? $0.effect : $0.effectWithinSession } }
        var replaces: Bool { moves || effects.contains(where: \.replaces) }
        var disposition: StreamDisposition {
            effects.contains(where: \.concernsStreams) ? tunnel.local.disposition : .keep
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
        // Addresses that become claimed and those that are given up, by engine, on any session.
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
                if tunnel.context != past.context {
                    keys.append(.tunnelContext)
                } else if moves {
                    if running[old].engine != wanted[new].engine {
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
            // A tunnel that only follows its session is not a change of its own.
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
        // Last, because removals free addresses at the engine and room under its limits.
        steps += additions
    }

    /// The keys in which the engine or transport of a context differs.
    private func engineKeys(of context: String) -> [ConfigurationKey] {
        let keys = (contextKeys[context] ?? []).filter { $0.effect == .replace }
        return keys.isEmpty ? [.contextEngine] : keys
    }
}

/// The plans of a reload for tunnels and for listeners.
package struct ReloadPlans: Hashable, Sendable {
    package let tunnels: ReloadPlan
    package let listeners: ListenerPlan

    package init(tunnels: ReloadPlan, listeners: ListenerPlan) {
        (self.tunnels, self.listeners) = (tunnels, listeners)
    }

    var isEmpty: Bool { tunnels.isEmpty && listeners.changes.isEmpty }

    /// The number of changes that an operator sees.
    var count: Int { tunnels.changes.count + tunnels.renewals.count + listeners.changes.count }
}
