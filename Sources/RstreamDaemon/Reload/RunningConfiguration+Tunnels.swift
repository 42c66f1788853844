// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// Carrying out a ``ReloadPlan``.
extension RunningConfiguration {
    /// The progress of a plan: what the finished steps have produced.
    private struct Transition {
        let next: DaemonConfiguration
        let drains: Bool
        let definitions: [String: TunnelDefinition]
        /// The contexts of the running tunnels.
        let contexts: [String: ContextDefinition]
        /// The sessions to run, by their index in the wanted list.
        var sessions: [Int: RunningSession] = [:]
        var changes: [Int: SessionChange] = [:]
        /// The wanted index of each running session that continues.
        var wantedIndex: [Int: Int] = [:]
        /// The acceptors of tunnels that move to another session.
        var movedAcceptors: [String: RelayAcceptor] = [:]
        var replaced: [ReplacedStreams] = []
    }

    mutating func carryOut(
        _ plan: ReloadPlan,
        of next: DaemonConfiguration,
        drains: Bool,
        in group: inout DiscardingTaskGroup
    ) -> [ReplacedStreams] {
        let wanted = Self.wanted(next)
        let before = runningSessions
        var transition = Transition(
            next: next,
            drains: drains,
            definitions: Dictionary(next.tunnels.map { ($0.name, $0) }) { first, _ in first },
            contexts: Dictionary(configuration.tunnels.map { ($0.name, $0.context) }) { first, _ in first }
        )
        for step in plan.steps { carryOut(step, before, wanted, &transition, in: &group) }
        let isRuleNew =
            configuration.admin.group != next.admin.group
            || configuration.limits.unixUpstreams != next.limits.unixUpstreams
        runningSessions = wanted.indices.compactMap { index in
            guard var running = transition.sessions[index] else { return nil }
            running.wanted = wanted[index]
            // Acceptors apply the rule for Unix sockets to each new stream.
            if isRuleNew { adjust(running, transition) }
            dependencies.statusStore.serves(running.session.id, contexts: wanted[index].contexts)
            if let change = transition.changes[index] { running.session.change(change) }
            return running
        }
        return transition.replaced
    }

    private func adjust(_ running: RunningSession, _ transition: Transition) {
        for (name, acceptor) in running.acceptors {
            guard let definition = transition.definitions[name] else { continue }
            acceptor.adjust(upstreams(of: definition), streamLimit: definition.streamLimit)
        }
    }

    private mutating func carryOut(
        _ step: ReloadPlan.Step,
        _ before: [RunningSession],
        _ wanted: [WantedSession<EngineIdentity>],
        _ transition: inout Transition,
        in group: inout DiscardingTaskGroup
    ) {
        let context = { (index: Int, transition: Transition) -> ContextDefinition? in
            wanted[index].tunnels.first.flatMap { transition.definitions[$0.name]?.context }
        }
        let policy = ReconnectPolicy(transition.next.reconnect)
        let canary = CanaryPolicy(transition.next.canary)
        switch step {
        case .keepSession(let old, let new), .renewSession(let old, let new):
            guard let context = context(new, transition) else { return }
            transition.changes[new] = SessionChange(
                contexts: wanted[new].contexts,
                client: client(context),
                renews: before[old].wanted.identity != wanted[new].identity,
                policy: policy,
                canary: canary
            )
            transition.wantedIndex[old] = new
            transition.sessions[new] = before[old]
        case .startSession(let new):
            guard let context = context(new, transition) else { return }
            let client = client(context)
            let session = EngineSession(
                contexts: wanted[new].contexts,
                client: client,
                policy: policy,
                hostnames: dependencies.state.hostnames,
                reconnects: (dependencies.state.reconnects, context),
                statusStore: dependencies.statusStore,
                addresses: dependencies.addresses,
                logger: dependencies.logger
            )
            transition.changes[new] = SessionChange(
                contexts: wanted[new].contexts,
                client: client,
                policy: policy,
                canary: canary
            )
            transition.sessions[new] = RunningSession(wanted: wanted[new], session: session)
            group.addTask { await session.run() }
        case .stopSession(let old):
            before[old].session.drain()
            before[old].session.finish()
        case .removeTunnel(let name, let old, let disposition):
            guard let acceptor = before[old].acceptors[name] else { return }
            remove(name, acceptor, transition.drains ? .drain : disposition, &transition)
            // Marked before any session opens a tunnel that may need the address.
            if let key = before[old].keys[name] { dependencies.addresses.unwanted(key) }
            guard let new = transition.wantedIndex[old] else { return }
            transition.sessions[new]?.acceptors[name] = nil
            transition.sessions[new]?.keys[name] = nil
            transition.changes[new]?.removals.append(name)
        case .updateTunnel(let name, _, let new, let disposition):
            guard let definition = transition.definitions[name],
                let acceptor = transition.sessions[new]?.acceptors[name]
            else {
                return
            }
            update(acceptor, definition, disposition, &transition)
        case .replaceTunnel(let name, let old, let new, let disposition, let closesFirst):
            guard let definition = transition.definitions[name], let acceptor = before[old].acceptors[name] else {
                return
            }
            update(acceptor, definition, disposition, &transition)
            if let key = before[old].keys[name] { dependencies.addresses.unwanted(key) }
            let tunnel = tunnel(of: definition, acceptor, transition.next)
            transition.sessions[new]?.keys[name] = tunnel.key
            transition.changes[new]?.replacements.append(.init(tunnel: tunnel, closesFirst: closesFirst))
        case .addTunnel(let name, let new):
            guard let definition = transition.definitions[name] else { return }
            let acceptor = transition.movedAcceptors[name] ?? acceptor(of: definition)
            let tunnel = tunnel(of: definition, acceptor, transition.next)
            transition.sessions[new]?.acceptors[name] = acceptor
            transition.sessions[new]?.keys[name] = tunnel.key
            transition.changes[new]?.additions.append(tunnel)
        }
    }

    /// Updates an acceptor; its open streams get `disposition`.
    private func update(
        _ acceptor: RelayAcceptor,
        _ definition: TunnelDefinition,
        _ disposition: StreamDisposition,
        _ transition: inout Transition
    ) {
        let upstreams = upstreams(of: definition)
        acceptor.logger = logger(of: definition)
        guard disposition != .keep else { return acceptor.adjust(upstreams, streamLimit: definition.streamLimit) }
        let streams = acceptor.update(upstreams, streamLimit: definition.streamLimit)
        transition.replaced.append(
            ReplacedStreams(owner: .tunnel(definition.name), streams: streams, disposition: disposition)
        )
    }

    private func remove(
        _ name: String,
        _ acceptor: RelayAcceptor,
        _ disposition: StreamDisposition,
        _ transition: inout Transition
    ) {
        let before = transition.contexts[name]
        if let definition = transition.definitions[name], definition.isOpened, definition.context.name == before?.name,
            definition.context.engine == before?.engine
        {
            // The tunnel moves to another session of the same context, and its streams stay.
            update(acceptor, definition, disposition, &transition)
            transition.movedAcceptors[name] = acceptor
        } else if disposition == .keep {
            acceptor.leave()
        } else {
            transition.replaced.append(
                ReplacedStreams(owner: .tunnel(name), streams: acceptor.retire(), disposition: disposition)
            )
        }
    }
}
