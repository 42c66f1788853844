// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import Rstream
internal import RstreamCore
internal import RstreamModel

/// What a reload changes in a session that runs.
extension EngineSession {
    func changed(_ change: SessionChange, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        name(after: change.contexts)
        state.client = change.client
        state.channel?.limit(change.client.options.limits)
        checkToken(state, &group)
        if let policy = change.policy {
            state.session.policyChanged(policy)
            for key in state.openTunnels { state.tunnels[key]?.machine.policyChanged(policy) }
        }
        canaryChanged(to: change.canary, &state, &group)
        for replacement in change.replacements { state.tunnels[replacement.tunnel.key] = replacement.tunnel }
        for var tunnel in change.additions {
            tunnel.address.hand(to: &tunnel.machine)
            state.tunnels[tunnel.key] = tunnel
        }
        let actions = state.sessionTunnels.changed(
            removals: change.removals,
            replacements: change.replacements.map {
                .init($0.tunnel.key, named: $0.tunnel.name, closesFirst: $0.closesFirst)
            },
            additions: change.additions.map { .init($0.key, named: $0.name) }
        )
        run(actions, &state, &group)
        if change.renews {
            logger.info("reconnecting, context changed")
            perform(state.session.renewRequested(), &state, &group)
        }
        // A session counts as serving when a tunnel is open; this one may have no tunnel left to open.
        if state.sessionTunnels.isEmpty { serving(&state, &group) }
    }

    /// Carries out what ``SessionTunnelsStateMachine`` decided. The result of an action is reported to the machine
    /// before the next one.
    func run(
        _ actions: [SessionTunnelsStateMachine<TunnelKey>.Action],
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        for action in actions {
            switch action {
            case .claim(let key):
                let isFree = addresses.mayOpen(key) { [send] in send.yield(.addressFree(key)) }
                run(state.sessionTunnels.claimed(key, isFree: isFree), &state, &group)
            case .claimBeside(let key, let old):
                let isFree = addresses.mayOpen(key, beside: old)
                run(state.sessionTunnels.claimed(key, isFree: isFree), &state, &group)
            case .inherit(let key, let old):
                guard let predecessor = state.tunnels[old]?.machine else { continue }
                state.tunnels[key]?.machine.inherit(from: predecessor)
            case .open(let key): channelOpened(key, &state, &group)
            case .close(let key): decide(key, &state, &group) { machine, _ in machine.drainRequested() }
            case .forget(let key):
                state.forget(key)
                addresses.gone(key)
            case .publish(let name): publish(name, state)
            }
        }
    }

    /// The session has ended: its tunnels hold nothing any more.
    func giveUp(_ state: State) {
        for key in state.tunnels.keys { addresses.gone(key) }
    }

    /// The session ended before it received this change.
    func giveUp(_ change: SessionChange) {
        for tunnel in change.replacements.map(\.tunnel) + change.additions { addresses.gone(tunnel.key) }
    }
}
