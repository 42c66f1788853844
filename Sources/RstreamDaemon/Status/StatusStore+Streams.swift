// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay

/// What streams tell about the tunnel or listener they belong to, and the drains of those.
extension StatusStore {
    /// Sets the error that keeps streams from a tunnel's upstream or a listener's tunnel; nil when they reach it again.
    func reachabilityChanged(_ owner: StreamOwner, _ error: RstreamError?) {
        let report = error.map { ErrorReport($0, at: now()) }
        change { state in
            switch owner {
            case .tunnel(let name):
                guard let index = state.tunnelIndices[name],
                    state.tunnels[index].upstreamError?.message != report?.message
                else { return }
                state.tunnels[index].upstreamError = report
                state.counters.update(state.tunnels[index])
            case .listener(let name):
                guard let index = state.listeners.firstIndex(where: { $0.name == name }) else { return }
                state.listeners[index].isListening = error?.code != .listenerUnavailable
                let isNewError = state.listeners[index].error?.message != report?.message
                if isNewError { state.listeners[index].error = report }
                state.counters.update(state.listeners[index])
                guard isNewError else { return }
            }
            state.pendingEvents.append(
                event("\(owner.kind).\(error == nil ? "reachable" : "unreachable")") { event in
                    owner.mark(&event)
                    event.error = report
                }
            )
        }
    }

    /// Sets the error of a limit that refuses streams of a tunnel or listener; nil when it no longer does.
    func limitChanged(_ owner: StreamOwner, _ limit: StreamLimit, _ error: RstreamError?) {
        let report = error.map { ErrorReport($0, at: now()) }
        change { state in
            switch owner {
            case .tunnel(let name):
                guard let index = state.tunnelIndices[name] else { return }
                state.tunnels[index].limitErrors[limit] = report
                state.counters.update(state.tunnels[index])
            case .listener(let name):
                guard let index = state.listeners.firstIndex(where: { $0.name == name }) else { return }
                state.listeners[index].limitErrors[limit] = report
                state.counters.update(state.listeners[index])
            }
        }
    }

    /// Has every ledger check whether its limits still refuse streams.
    func settleRefusals(at now: ContinuousClock.Instant) {
        let ledgers = read { state in
            (state.tunnels + state.leaving).map(\.configured.ledger) + state.listeners.map(\.ledger)
                + [state.dials].compactMap(\.self)
        }
        for ledger in ledgers { ledger.settleRefusals(at: now) }
    }

    /// Updates a tunnel that may have been waiting for this stream to end.
    func streamEnded(_ owner: StreamOwner) {
        guard case .tunnel(let name) = owner else { return }
        let isAwaited = read { state in
            state.leaving.contains { $0.name == name }
                || state.tunnelIndices[name].map { state.tunnels[$0].publishedState == .draining } == true
        }
        guard isAwaited else { return }
        change { state in
            updateLeaving(&state)
            updateTunnel(name, &state)
        }
    }

    // MARK: Drains

    func drainBegan(_ drain: StreamDrain) {
        decisions.decide { state, _ in state.drains.append(drain) }
    }

    func drainEnded(_ drain: StreamDrain) {
        decisions.decide { state, _ in state.drains.removeAll { $0 === drain } }
    }

    /// The running drains of a tunnel or listener.
    func drains(of owner: StreamOwner) -> [StreamDrain] {
        read { state in state.drains.filter { $0.owner == owner } }
    }

    /// The drain that cuts streams first.
    func drain(of owner: StreamOwner) -> StreamDrain? { read { $0.drain(of: owner) } }
}
