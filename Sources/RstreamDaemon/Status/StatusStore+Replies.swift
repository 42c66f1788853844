internal import Glibc
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay

/// What the admin API answers from the status store.
extension StatusStore {
    /// Everything at once; `active` streams are open in the whole daemon.
    func status(active: Int) -> DaemonStatus {
        let (state, totals) = read { state in (state, state.streamTotals) }
        return DaemonStatus(
            daemon: DaemonFacts(
                version: rstreamVersion,
                pid: Int(getpid()),
                state: state.daemon,
                startedAt: startedAt,
                configFiles: state.files,
                lastReload: state.lastReload
            ),
            sessions: state.sessionStatuses,
            tunnels: state.tunnelStatuses,
            listeners: state.listenerStatuses,
            streams: StreamCounts(active: active, total: totals.total, failed: totals.failed)
        )
    }

    var sessionStatuses: [SessionStatus] { read { $0 }.sessionStatuses }
    var tunnelStatuses: [TunnelStatus] { read { $0 }.tunnelStatuses }

    func knows(tunnel: String) -> Bool {
        read { $0.places[tunnel] != nil || $0.leaving.contains { $0.facts.name == tunnel && $0.isLeaving } }
    }

    /// The open streams of one tunnel, or of all tunnels and listeners, in the order in which they were opened.
    func streamStatuses(of tunnel: String?) -> [StreamStatus] {
        let state = read { $0 }
        var streams: [(id: UInt64, status: StreamStatus)] = []
        for record in state.tunnels + state.leaving where tunnel == nil || record.facts.name == tunnel {
            for snapshot in record.facts.ledger.snapshots {
                streams.append((snapshot.id, StreamStatus(snapshot, tunnel: record.facts.name)))
            }
        }
        if tunnel == nil {
            for record in state.listeners {
                for snapshot in record.ledger.snapshots {
                    streams.append((snapshot.id, StreamStatus(snapshot, listener: record.name)))
                }
            }
        }
        return streams.sorted { $0.id < $1.id }.map(\.status)
    }

    /// The streams of one tunnel, or of all tunnels and listeners, that have ended, as far as their events are kept.
    func endedStreams(of tunnel: String?) -> [Event] {
        events.read(from: EventRing.oldest).events.filter { event in
            event.outcome != nil && (tunnel == nil || event.tunnel == tunnel)
        }
    }

    /// Why the daemon is not ready: every enabled tunnel that is not online, and every listener that does not listen. Long
    /// lists are cut.
    var unreadiness: [String] {
        let state = read { $0 }
        let waiting = state.tunnels.filter { $0.facts.isEnabled && $0.state != .online }
        var reasons = waiting.prefix(20).map { record in
            "tunnel \(record.facts.name) is \(record.state.rawValue)" + (record.error.map { ": \($0.message)" } ?? "")
        }
        if waiting.count > 20 { reasons.append("and \(waiting.count - 20) more tunnels are not online") }
        let deaf = state.listeners.filter { !$0.service.listener.isListening }
        reasons += deaf.prefix(20).map { record in
            "listener \(record.name) does not listen" + (record.error.map { ": \($0.message)" } ?? "")
        }
        if deaf.count > 20 { reasons.append("and \(deaf.count - 20) more listeners do not listen") }
        return reasons
    }
}

extension StatusStore.State {
    var sessionStatuses: [SessionStatus] {
        sessions.inOrder.map { id, record in
            SessionStatus(
                id: String(id.number),
                context: record.context,
                engine: record.engine,
                state: record.facts.state,
                clientId: record.facts.clientID,
                since: record.since,
                attempt: record.facts.attempt,
                nextAttemptAt: record.facts.nextAttemptAt,
                lastError: record.error,
                heartbeatRttSeconds: record.roundTrip?.inSeconds,
                tokenExpiresAt: record.tokenEnd,
                certificateExpiresAt: record.certificateEnd,
                verification: record.facts.verification
            )
        }
    }

    var tunnelStatuses: [TunnelStatus] {
        (tunnels + leaving.filter(\.isLeaving)).map { record in
            let totals = record.facts.ledger.totals
            let granted = record.shown?.granted
            return TunnelStatus(
                name: record.facts.name,
                context: record.facts.context,
                state: places[record.facts.name] == nil ? .draining : record.state,
                id: granted?.id,
                forward: record.facts.forward,
                forwardingAddress: granted?.forwardingAddress,
                properties: PropertiesReport(granted ?? record.facts.wanted),
                since: record.since,
                nextAttemptAt: record.shown?.nextAttemptAt,
                streams: StreamCounts(totals),
                bytes: ByteCounts(received: totals.received, sent: totals.sent),
                drain: drain(of: .tunnel(record.facts.name)).map { DrainStatus(streams: $0.count, cutAt: $0.cutAt) },
                lastError: record.trouble
            )
        }
    }

    /// The one that cuts streams first.
    func drain(of owner: StreamOwner) -> StreamDrain? {
        drains.filter { $0.owner == owner && $0.count > 0 }.min { $0.cutAt < $1.cutAt }
    }

    var listenerStatuses: [ListenerStatus] {
        listeners.map { record in
            let totals = record.ledger.totals
            return ListenerStatus(
                name: record.name,
                context: record.context,
                state: record.service.listener.isListening ? .listening : .waiting,
                listen: record.listen,
                addresses: record.service.listener.places,
                dial: record.dial,
                streams: StreamCounts(totals),
                bytes: ByteCounts(received: totals.received, sent: totals.sent),
                lastError: record.trouble
            )
        }
    }

    /// Over all tunnels and listeners that there were.
    var streamTotals: (total: Int, failed: Int) {
        let all = (tunnels + leaving).map(\.facts.ledger.totals) + listeners.map(\.ledger.totals)
        return all.reduce(into: gone) { sum, totals in
            sum.total += totals.total
            sum.failed += totals.failed
        }
    }
}

extension StreamCounts {
    init(_ totals: StreamTotals) {
        self.init(active: totals.active, total: totals.total, failed: totals.failed)
    }
}

extension StreamStatus {
    init(_ stream: StreamSnapshot, tunnel: String? = nil, listener: String? = nil) {
        self.init(
            id: String(stream.id),
            tunnel: tunnel,
            listener: listener,
            state: State(stream.state),
            source: stream.source?.description,
            openedAt: stream.openedAt,
            bytes: ByteCounts(received: stream.received, sent: stream.sent)
        )
    }
}

extension StreamStatus.State {
    init(_ state: StreamState) {
        self =
            switch state {
            case .opening: .opening
            case .holding: .holding
            case .relaying: .relaying
            case .draining: .draining
            }
    }
}
