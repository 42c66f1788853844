// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// What sessions publish about themselves and their tunnels.
extension StatusStore {
    func makeSession(
        contexts: [String],
        engine: String,
        verification: TransportOptions.Verification = .full
    ) -> SessionID {
        decisions.decide { state, _ in
            state.nextSession += 1
            let id = SessionID(number: state.nextSession)
            var entry = SessionEntry(contexts: contexts, engine: engine, since: now())
            entry.snapshot.verification = verification
            state.sessions[id] = entry
            state.addCounters(of: contexts)
            return id
        }
    }

    /// Sets the contexts that share a session.
    func serves(_ id: SessionID, contexts: [String]) {
        change { state in
            state.sessions[id]?.contexts = contexts
            state.addCounters(of: contexts)
        }
    }

    func update(_ id: SessionID, _ snapshot: SessionSnapshot) {
        change { state in
            guard var entry = state.sessions[id], entry.snapshot != snapshot else { return }
            let isNewState = entry.snapshot.state != snapshot.state
            entry.error = errorReport(snapshot.error, before: entry.error)
            entry.snapshot = snapshot
            if isNewState { entry.since = now() }
            state.sessions[id] = entry
            guard isNewState else { return }
            state.pendingEvents.append(
                event("session.\(snapshot.state.rawValue)") { event in
                    event.session = String(id.number)
                    event.context = entry.context
                    event.error = entry.error
                }
            )
        }
    }

    func connected(_ id: SessionID, _ outcome: ConnectOutcome) {
        decisions.decide { state, _ in
            for context in state.sessions[id]?.contexts ?? [] {
                state.contexts[context]?.connects[outcome, default: 0] += 1
            }
        }
    }

    func heartbeatAnswered(_ id: SessionID, after roundTrip: Duration) {
        decisions.decide { state, _ in
            state.sessions[id]?.roundTrip = roundTrip
            for context in state.sessions[id]?.contexts ?? [] {
                state.contexts[context]?.roundTrips.observe(roundTrip)
            }
        }
    }

    /// Counts what became of the session's warm connections and of streams; `warm` of them are there now.
    func prewarmed(_ id: SessionID, _ added: PrewarmCounts, warm: Int) {
        decisions.decide { state, _ in
            guard var entry = state.sessions[id] else { return }
            entry.prewarm = entry.prewarm + added
            entry.warm = warm
            state.sessions[id] = entry
            for context in entry.contexts {
                let before = state.contexts[context]?.prewarm ?? PrewarmCounts()
                state.contexts[context]?.prewarm = before + added
            }
        }
    }

    /// Sets what an operator should do about a session's credential, if anything, and when the credential ends.
    func note(_ id: SessionID, _ note: String?, tokenEnd: UTCTime? = nil, certificateEnd: UTCTime? = nil) {
        change { state in
            state.sessions[id]?.note = note
            state.sessions[id]?.tokenEnd = tokenEnd
            state.sessions[id]?.certificateEnd = certificateEnd
        }
    }

    func remove(_ id: SessionID) {
        change { state in
            guard let entry = state.sessions.remove(id) else { return }
            for index in state.leaving.indices { state.leaving[index].snapshots[id] = nil }
            updateLeaving(&state)
            for index in state.tunnels.indices where state.tunnels[index].snapshots.removeValue(forKey: id) != nil {
                updateTunnel(state.tunnels[index].name, &state)
            }
            guard entry.snapshot.state != .closed else { return }
            state.pendingEvents.append(
                event("session.closed") { event in
                    event.session = String(id.number)
                    event.context = entry.context
                }
            )
        }
    }

    // MARK: Tunnels

    /// Sets a session's snapshot of the tunnel of that name; nil when the session no longer has one.
    func update(_ id: SessionID, tunnel name: String, _ snapshot: TunnelSnapshot?) {
        change { state in
            if let index = state.tunnelIndices[name] {
                guard state.tunnels[index].snapshots[id] != snapshot else { return }
                state.tunnels[index].snapshots[id] = snapshot
                updateTunnel(name, &state)
            } else if let index = state.leaving.firstIndex(where: { $0.name == name }) {
                state.leaving[index].snapshots[id] = snapshot
                updateLeaving(&state)
            }
        }
    }

    /// Publishes the state of a tunnel, its error and its place in the status line, after something about it has
    /// changed.
    func updateTunnel(_ name: String, _ state: inout State) {
        guard let index = state.tunnelIndices[name] else { return }
        var entry = state.tunnels[index]
        entry.error = errorReport(entry.configured.suspension ?? entry.current?.error, before: entry.error)
        if let event = stateChanged(entry.state, of: &entry) { state.pendingEvents.append(event) }
        state.tunnels[index] = entry
        state.counters.update(entry)
    }

    /// Publishes the states of tunnels that have left the configuration.
    func updateLeaving(_ state: inout State) {
        for index in state.leaving.indices {
            let next: TunnelStatus.State = state.leaving[index].isLeaving ? .draining : .closed
            if let event = stateChanged(next, of: &state.leaving[index]) { state.pendingEvents.append(event) }
        }
    }

    /// The event for a tunnel's state, if it differs from the one published last.
    private func stateChanged(_ state: TunnelStatus.State, of entry: inout TunnelEntry) -> Event? {
        guard state != entry.publishedState else { return nil }
        entry.publishedState = state
        entry.since = now()
        let entry = entry
        return event("tunnel.\(state.rawValue)") { event in
            event.tunnel = entry.name
            event.context = entry.configured.context
            if state == .online { event.forwardingAddress = entry.current?.granted?.forwardingAddress }
            event.error = entry.error
            if entry.configured.byHand != nil { event.byHand = true }
        }
    }
}
