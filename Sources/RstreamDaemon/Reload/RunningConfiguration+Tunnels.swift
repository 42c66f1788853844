internal import Logging
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// Sessions and tunnels: carrying out a ``ReloadPlan``.
extension RunningConfiguration {
    /// What is being carried out.
    private struct Work {
        let next: DaemonConfiguration
        let drains: Bool
        let definitions: [String: TunnelDefinition]
        /// The contexts that tunnels had until now.
        let contexts: [String: ContextDefinition]
        var after: [Int: RunningSession] = [:]
        var changes: [Int: SessionChange] = [:]
        /// Where each session that goes on is now.
        var place: [Int: Int] = [:]
        /// Of tunnels that move from one session to another.
        var movers: [String: RelayAcceptor] = [:]
        var retired: [ReplacedStreams] = []
    }

    mutating func carryOut(
        _ plan: ReloadPlan,
        of next: DaemonConfiguration,
        drains: Bool,
        in group: inout DiscardingTaskGroup
    ) -> [ReplacedStreams] {
        let wanted = Self.wanted(next)
        let before = runningSessions
        var work = Work(
            next: next,
            drains: drains,
            definitions: Dictionary(next.tunnels.map { ($0.name, $0) }) { first, _ in first },
            contexts: Dictionary(configuration.tunnels.map { ($0.name, $0.context) }) { first, _ in first }
        )
        for step in plan.steps { carryOut(step, before, wanted, &work, in: &group) }
        let isRuleNew =
            configuration.admin.group != next.admin.group
            || configuration.limits.unixUpstreams != next.limits.unixUpstreams
        runningSessions = wanted.indices.compactMap { index in
            guard var running = work.after[index] else { return nil }
            running.wanted = wanted[index]
            // Whose sockets may be used is asked anew for every stream that comes.
            if isRuleNew { adjust(running, work) }
            parts.statusStore.serves(running.session.id, contexts: wanted[index].contexts)
            if let change = work.changes[index] { running.session.change(change) }
            return running
        }
        return work.retired
    }

    private func adjust(_ running: RunningSession, _ work: Work) {
        for (name, acceptor) in running.acceptors {
            guard let definition = work.definitions[name] else { continue }
            acceptor.adjust(upstream(of: definition), streamLimit: definition.streamLimit)
        }
    }

    private mutating func carryOut(
        _ step: ReloadPlan.Step,
        _ before: [RunningSession],
        _ wanted: [WantedSession<EngineIdentity>],
        _ work: inout Work,
        in group: inout DiscardingTaskGroup
    ) {
        let context = { (index: Int, work: Work) -> ContextDefinition? in
            wanted[index].tunnels.first.flatMap { work.definitions[$0.name]?.context }
        }
        let policy = ReconnectPolicy(work.next.reconnect)
        switch step {
        case .keepSession(let old, let new), .renewSession(let old, let new):
            guard let context = context(new, work) else { return }
            work.changes[new] = SessionChange(
                contexts: wanted[new].contexts,
                client: client(context),
                renews: before[old].wanted.identity != wanted[new].identity,
                policy: policy
            )
            work.place[old] = new
            work.after[new] = before[old]
        case .startSession(let new):
            guard let context = context(new, work) else { return }
            let client = client(context)
            let session = EngineSession(
                contexts: wanted[new].contexts,
                client: client,
                policy: policy,
                hostnames: parts.state.hostnames,
                reconnects: (parts.state.reconnects, context),
                statusStore: parts.statusStore,
                addresses: parts.addresses,
                logger: parts.logger
            )
            work.changes[new] = SessionChange(contexts: wanted[new].contexts, client: client, policy: policy)
            work.after[new] = RunningSession(wanted: wanted[new], session: session)
            group.addTask { await session.run() }
        case .stopSession(let old):
            before[old].session.drain()
            before[old].session.finish()
        case .removeTunnel(let name, let old, let disposition):
            guard let acceptor = before[old].acceptors[name] else { return }
            remove(name, acceptor, work.drains ? .drain : disposition, &work)
            // Told to all sessions before any of them does what it says.
            if let key = before[old].keys[name] { parts.addresses.unwanted(key) }
            guard let new = work.place[old] else { return }
            work.after[new]?.acceptors[name] = nil
            work.after[new]?.keys[name] = nil
            work.changes[new]?.removals.append(name)
        case .updateTunnel(let name, _, let new, let disposition):
            guard let definition = work.definitions[name], let acceptor = work.after[new]?.acceptors[name] else {
                return
            }
            update(acceptor, definition, disposition, &work)
        case .replaceTunnel(let name, let old, let new, let disposition, let closesFirst):
            guard let definition = work.definitions[name], let acceptor = before[old].acceptors[name] else { return }
            update(acceptor, definition, disposition, &work)
            if let key = before[old].keys[name] { parts.addresses.unwanted(key) }
            let tunnel = tunnel(of: definition, acceptor, work.next)
            work.after[new]?.keys[name] = tunnel.key
            work.changes[new]?.replacements.append(.init(tunnel: tunnel, closesFirst: closesFirst))
        case .addTunnel(let name, let new):
            guard let definition = work.definitions[name] else { return }
            let acceptor = work.movers[name] ?? acceptor(of: definition)
            let tunnel = tunnel(of: definition, acceptor, work.next)
            work.after[new]?.acceptors[name] = acceptor
            work.after[new]?.keys[name] = tunnel.key
            work.changes[new]?.additions.append(tunnel)
        }
    }

    /// The streams that run go by `disposition`; where that is `keep` nothing happens to them.
    private func update(
        _ acceptor: RelayAcceptor,
        _ definition: TunnelDefinition,
        _ disposition: StreamDisposition,
        _ work: inout Work
    ) {
        let upstream = upstream(of: definition)
        guard disposition != .keep else { return acceptor.adjust(upstream, streamLimit: definition.streamLimit) }
        let streams = acceptor.update(upstream, streamLimit: definition.streamLimit)
        work.retired.append(
            ReplacedStreams(owner: .tunnel(definition.name), streams: streams, disposition: disposition)
        )
    }

    private func remove(_ name: String, _ acceptor: RelayAcceptor, _ disposition: StreamDisposition, _ work: inout Work)
    {
        let before = work.contexts[name]
        if let definition = work.definitions[name], definition.isEnabled, definition.context.name == before?.name,
            definition.context.engine == before?.engine
        {
            // It comes back in another session of the same context, and its streams need not know.
            update(acceptor, definition, disposition, &work)
            work.movers[name] = acceptor
        } else if disposition == .keep {
            acceptor.leave()
        } else {
            work.retired.append(
                ReplacedStreams(owner: .tunnel(name), streams: acceptor.retire(), disposition: disposition)
            )
        }
    }
}
