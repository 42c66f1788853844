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
            dropWaiting(name, &state)
            if let key = state.wanted(name) { remove(key, &state, &group) }
        }
        // Everything that goes goes first: what comes may want the address of any of them.
        let successors = change.replacements.filter(\.closesFirst).map { leave($0.tunnel, &state, &group) }
        for tunnel in successors { enter(tunnel, &state, &group) }
        for replacement in change.replacements where !replacement.closesFirst {
            replace(replacement.tunnel, &state, &group)
        }
        for tunnel in change.additions {
            var tunnel = tunnel
            tunnel.address.hand(to: &tunnel.machine)
            enter(tunnel, &state, &group)
        }
        if change.renews {
            logger.info("reconnecting, because the context changed")
            perform(state.session.renewRequested(), &state, &group)
        }
        // A session that waits for a tunnel to be open may have none left.
        if state.isIdle { serving(&state, &group) }
    }

    /// Takes a tunnel, at once or when what holds its name or address is gone, be it another session's.
    private func enter(_ tunnel: SessionTunnel, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        let (name, key) = (tunnel.name, tunnel.key)
        let isFree = addresses.mayOpen(key) { [send] in send.yield(.addressFree(name, key)) }
        guard !isFree else { return add(tunnel, &state, &group) }
        state.waiting[name] = tunnel
        publish(name, state)
    }

    /// What a tunnel waited for is gone.
    func addressFree(_ name: String, _ key: TunnelKey, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        guard let tunnel = state.waiting[name], tunnel.key == key else { return }
        state.waiting[name] = nil
        enter(tunnel, &state, &group)
    }

    /// Nobody wants the one that waits under that name any more.
    @discardableResult
    func dropWaiting(_ name: String, _ state: inout State) -> SessionTunnel? {
        guard let tunnel = state.waiting.removeValue(forKey: name) else { return nil }
        addresses.gone(tunnel.key)
        return tunnel
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
        if let waiting = dropWaiting(successor.name, &state) {
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
        guard state.waiting[tunnel.name] == nil, let old = state.wanted(tunnel.name),
            addresses.mayOpen(tunnel.key, beside: old)
        else {
            let successor = leave(tunnel, &state, &group)
            return enter(successor, &state, &group)
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

    /// Forgets a tunnel that has ended for good, and lets in what waits for it.
    func prune(_ key: TunnelKey, _ state: inout State) {
        guard let tunnel = state.tunnels[key], tunnel.machine.state == .closed else { return }
        state.forget(key)
        addresses.gone(key)
    }

    /// The session has ended: it holds nothing, and takes nothing.
    func giveUp(_ state: State) {
        for key in state.tunnels.keys { addresses.gone(key) }
        for tunnel in state.waiting.values { addresses.gone(tunnel.key) }
    }

    /// The session has ended before it heard of these.
    func giveUp(_ change: SessionChange) {
        for tunnel in change.replacements.map(\.tunnel) + change.additions { addresses.gone(tunnel.key) }
    }
}
