internal import Logging
internal import Rstream
internal import RstreamCore
internal import RstreamModel

/// What a reload changes about a session that runs.
extension EngineSession {
    func changed(_ change: SessionChange, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        state.client = change.client
        lookAtToken(&state)
        state.session.policyChanged(change.policy)
        for key in state.keys { state.tunnels[key]?.machine.policyChanged(change.policy) }
        for name in change.removals {
            if let key = state.ending(before: name) { state.tunnels[key]?.successor = nil }
            if let key = state.wanted(name) { remove(key, &state, &group) }
        }
        for replacement in change.replacements { replace(replacement, &state, &group) }
        for tunnel in change.additions { admit(tunnel, &state, &group) }
        if change.renews {
            logger.info("reconnecting, because the context changed")
            perform(state.session.renewRequested(), &state, &group)
        }
        // A session that waits for a tunnel to be open may have none left.
        if state.tunnels.isEmpty { perform(state.session.serving(), &state, &group) }
    }

    /// Takes a tunnel that is new in the configuration, or enabled again.
    private func admit(_ tunnel: SessionTunnel, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        var tunnel = tunnel
        tunnel.address.hand(to: &tunnel.machine)
        guard let old = state.leaving(tunnel.name) else { return add(tunnel, &state, &group) }
        // The engine has yet to say that the one before is closed, which holds the address until then.
        state.tunnels[old]?.successor = SessionTunnel.Successor(tunnel)
        publish(tunnel.name, state)
    }

    func add(_ tunnel: SessionTunnel, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        channelOpened(state.insert(tunnel), &state, &group)
    }

    func replace(
        _ replacement: SessionChange.Replacement,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        var tunnel = replacement.tunnel
        if let key = state.ending(before: tunnel.name), let waiting = state.tunnels[key]?.successor?.tunnel {
            // Nobody has asked for the one that waits, and nobody will.
            tunnel.machine.inherit(from: waiting.machine)
            state.tunnels[key]?.successor = SessionTunnel.Successor(tunnel)
            return publish(tunnel.name, state)
        }
        guard let old = state.wanted(tunnel.name), let predecessor = state.tunnels[old] else {
            return add(tunnel, &state, &group)
        }
        tunnel.machine.inherit(from: predecessor.machine)
        if replacement.closesFirst {
            state.tunnels[old]?.successor = SessionTunnel.Successor(tunnel)
            remove(old, &state, &group)
        } else {
            tunnel.predecessor = old
            add(tunnel, &state, &group)
            // Without a channel nothing is served by the old one either.
            if state.channel == nil { remove(old, &state, &group) }
        }
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
        if let successor = tunnel.successor { add(successor.tunnel, &state, &group) }
    }
}
