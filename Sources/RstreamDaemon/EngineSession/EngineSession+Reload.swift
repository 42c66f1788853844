internal import Logging
internal import Rstream
internal import RstreamCore
internal import RstreamModel

/// What a reload changes about a session that runs.
extension EngineSession {
    func changed(_ change: SessionChange, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        name(after: change.contexts)
        state.client = change.client
        state.channel?.limit(change.client.options.limits)
        lookAtToken(state, &group)
        state.session.policyChanged(change.policy)
        for key in state.keys { state.tunnels[key]?.machine.policyChanged(change.policy) }
        for name in change.removals {
            state.dropWaiting(name)
            if let key = state.wanted(name) { remove(key, &state, &group) }
        }
        // Everything that goes goes first: what comes may want the address of any of them.
        let successors = change.replacements.filter(\.closesFirst).map { leave($0.tunnel, &state, &group) }
        let leaving = state.leaving
        for tunnel in successors { enter(tunnel, leaving, &state, &group) }
        for replacement in change.replacements where !replacement.closesFirst {
            replace(replacement.tunnel, &state, &group)
        }
        for tunnel in change.additions {
            var tunnel = tunnel
            tunnel.address.hand(to: &tunnel.machine)
            enter(tunnel, leaving, &state, &group)
        }
        if change.renews {
            logger.info("reconnecting, because the context changed")
            perform(state.session.renewRequested(), &state, &group)
        }
        // A session that waits for a tunnel to be open may have none left.
        if state.tunnels.isEmpty { serving(&state, &group) }
    }

    /// Takes a tunnel, at once or when the engine has said that what holds its name or address is closed.
    private func enter(
        _ tunnel: SessionTunnel,
        _ leaving: Leaving,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        let holders = leaving.holders(before: tunnel)
        guard !holders.isEmpty else { return add(tunnel, &state, &group) }
        state.wait(tunnel, behind: holders)
        publish(tunnel.name, state)
    }

    private func add(_ tunnel: SessionTunnel, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        channelOpened(state.insert(tunnel), &state, &group)
    }

    /// Has the tunnel that `successor` replaces go. Returns the successor with what it takes over.
    private func leave(
        _ successor: SessionTunnel,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) -> SessionTunnel {
        var successor = successor
        if let waiting = state.dropWaiting(successor.name) {
            // Nobody has asked for the one that waits, and nobody will.
            successor.machine.inherit(from: waiting.machine)
        } else if let old = state.wanted(successor.name), let predecessor = state.tunnels[old] {
            successor.machine.inherit(from: predecessor.machine)
            remove(old, &state, &group)
        }
        return successor
    }

    /// Opens a tunnel beside the one that it replaces, which goes when that is settled.
    private func replace(_ tunnel: SessionTunnel, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        guard state.waiting[tunnel.name] == nil, let old = state.wanted(tunnel.name) else {
            let successor = leave(tunnel, &state, &group)
            return enter(successor, state.leaving, &state, &group)
        }
        var tunnel = tunnel
        if let predecessor = state.tunnels[old] { tunnel.machine.inherit(from: predecessor.machine) }
        tunnel.predecessor = old
        add(tunnel, &state, &group)
        // Without a channel nothing is served by the old one either.
        if state.channel == nil { remove(old, &state, &group) }
    }

    /// A tunnel was granted or refused: what it replaces has no more to do.
    func settled(_ key: TunnelKey, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        guard let predecessor = state.tunnels[key]?.predecessor else { return }
        state.tunnels[key]?.predecessor = nil
        remove(predecessor, &state, &group)
        if let name = state.tunnels[key]?.name { publish(name, state) }
    }

    func remove(_ key: TunnelKey, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        // What it was to replace has nobody else to end it.
        settled(key, &state, &group)
        decide(key, &state, &group) { machine, _ in machine.drainRequested() }
    }

    /// Forgets a tunnel that has ended for good, and lets its successor in.
    func prune(_ key: TunnelKey, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        guard let tunnel = state.tunnels[key], tunnel.machine.state == .closed else { return }
        state.forget(key)
        for tunnel in state.gone(key) { add(tunnel, &state, &group) }
    }
}
