// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// The replies of the admin API.
extension StatusStore {
    /// The whole status; `active` is the number of open streams of the daemon.
    func status(active: Int) -> DaemonStatus {
        let (state, totals) = read { state in (state, state.streamTotals) }
        return DaemonStatus(
            daemon: DaemonFacts(
                version: rstreamVersion,
                pid: Int(getpid()),
                state: state.daemon,
                startedAt: startedAt,
                configFiles: state.files,
                lastReload: state.lastReload,
                previous: state.previous.values.sorted { $0.until > $1.until }
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
        read { $0.tunnelIndices[tunnel] != nil || $0.leaving.contains { $0.name == tunnel && $0.isLeaving } }
    }

    /// The open streams of one tunnel, or of all tunnels, listeners and dials, in the order in which they were opened.
    func streamStatuses(of tunnel: String?) -> [StreamStatus] {
        let state = read { $0 }
        var streams: [(id: UInt64, status: StreamStatus)] = []
        for entry in state.tunnels + state.leaving where tunnel == nil || entry.name == tunnel {
            for snapshot in entry.configured.ledger.snapshots {
                streams.append((snapshot.id, StreamStatus(snapshot, tunnel: entry.name)))
            }
        }
        if tunnel == nil {
            for entry in state.listeners {
                for snapshot in entry.ledger.snapshots {
                    streams.append((snapshot.id, StreamStatus(snapshot, listener: entry.name)))
                }
            }
            streams += (state.dials?.snapshots ?? []).map { ($0.id, StreamStatus($0)) }
        }
        return streams.sorted { $0.id < $1.id }.map(\.status)
    }

    /// The ended streams of one tunnel, or of all tunnels, listeners and dials, as far as the event ring still has
    /// them.
    func endedStreams(of tunnel: String?) -> [Event] {
        events.read(from: EventRing.oldest).events.filter { event in
            event.outcome != nil && (tunnel == nil || event.tunnel == tunnel)
        }
    }

    /// Why the daemon is not ready: enabled tunnels that are neither online nor on standby and listeners that do not
    /// listen, at most twenty of each by name, with the errors unless they are not for the reader.
    func notReadyReasons(withErrors: Bool = true) -> [String] {
        func because(_ error: ErrorReport?) -> String { withErrors ? error.map { ": \($0.message)" } ?? "" : "" }
        let state = read { $0 }
        let waiting = state.tunnels.filter { $0.configured.isEnabled && !$0.state.isServed }
        var reasons = waiting.prefix(20).map { entry in
            "tunnel \(entry.name) is \(entry.state.rawValue)" + because(entry.error)
        }
        if waiting.count > 20 { reasons.append("and \(waiting.count - 20) more tunnels are not online") }
        let unbound = state.listeners.filter { !$0.service.listener.isListening }
        reasons += unbound.prefix(20).map { entry in
            "listener \(entry.name) is not listening" + because(entry.error)
        }
        if unbound.count > 20 { reasons.append("and \(unbound.count - 20) more listeners are not listening") }
        return reasons
    }
}

extension StatusStore.State {
    var sessionStatuses: [SessionStatus] {
        sessions.inOrder.map { id, entry in
            SessionStatus(
                id: String(id.number),
                context: entry.context,
                engine: entry.engine,
                state: entry.snapshot.state,
                clientId: entry.snapshot.clientID,
                since: entry.since,
                attempt: entry.snapshot.attempt,
                nextAttemptAt: entry.snapshot.nextAttemptAt,
                lastError: entry.error,
                heartbeatRttSeconds: entry.roundTrip?.inSeconds,
                tokenExpiresAt: entry.tokenEnd,
                certificateExpiresAt: entry.certificateEnd,
                verification: entry.snapshot.verification,
                prewarm: PrewarmStatus(
                    warm: entry.warm,
                    hit: entry.prewarm.hits,
                    miss: entry.prewarm.misses,
                    wasted: entry.prewarm.wasted,
                    aged: entry.prewarm.aged
                ),
                canary: entry.canary.map(CanaryStatus.init)
            )
        }
    }

    var tunnelStatuses: [TunnelStatus] {
        (tunnels + leaving.filter(\.isLeaving)).map { entry in
            let totals = entry.configured.ledger.totals
            let granted = entry.current?.granted
            return TunnelStatus(
                name: entry.name,
                context: entry.configured.context,
                state: tunnelIndices[entry.name] == nil ? .draining : entry.state,
                disabledUntil: entry.configured.disabledUntil,
                id: granted?.id,
                forward: entry.configured.forward,
                upstreams: entry.configured.upstreams.snapshots().map { UpstreamStatus($0, at: .now) },
                forwardingAddress: granted?.forwardingAddress,
                properties: PropertiesReport(granted ?? entry.configured.properties),
                since: entry.since,
                nextAttemptAt: entry.current?.nextAttemptAt,
                streams: StreamCounts(totals),
                bytes: ByteCounts(received: totals.received, sent: totals.sent),
                drain: drain(of: .tunnel(entry.name)).map { DrainStatus(streams: $0.count, cutAt: $0.cutAt) },
                lastError: entry.problem,
                byHand: entry.configured.byHand
            )
        }
    }

    /// The drain that cuts streams first.
    func drain(of owner: StreamOwner) -> StreamDrain? {
        drains.filter { $0.owner == owner && $0.count > 0 }.min { $0.cutAt < $1.cutAt }
    }

    var listenerStatuses: [ListenerStatus] {
        listeners.map { entry in
            let totals = entry.ledger.totals
            return ListenerStatus(
                name: entry.name,
                context: entry.context,
                state: entry.service.listener.isListening ? .listening : .waiting,
                listen: entry.listen,
                addresses: entry.service.listener.places,
                dial: entry.dial,
                streams: StreamCounts(totals),
                bytes: ByteCounts(received: totals.received, sent: totals.sent),
                lastError: entry.problem
            )
        }
    }

    /// Over all tunnels and listeners since the start.
    var streamTotals: (total: Int, failed: Int) {
        let all =
            (tunnels + leaving).map(\.configured.ledger.totals) + listeners.map(\.ledger.totals)
            + [dials?.totals].compactMap(\.self)
        return all.reduce(into: retiredTotals) { sum, totals in
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

extension UpstreamStatus {
    /// The report of a snapshot that was taken at `now`.
    init(_ upstream: UpstreamSnapshot, at now: UTCTime) {
        func time(_ age: Duration) -> UTCTime { now.advanced(by: .zero - age) }
        let (state, ejectedUntil): (State, UTCTime?) =
            switch upstream.state {
            case .healthy: (.healthy, nil)
            case .unhealthy: (.unhealthy, nil)
            case .ejected(let rest): (.ejected, now.advanced(by: rest))
            }
        self.init(
            forward: upstream.address.description,
            weight: upstream.weight,
            backup: upstream.isBackup,
            state: state,
            ejectedUntil: ejectedUntil,
            share: upstream.share,
            streams: StreamCounts(active: upstream.active, total: upstream.total, failed: upstream.failed),
            lastCheck: upstream.lastCheck.map { check in
                UpstreamCheckStatus(
                    at: time(check.age),
                    passed: check.error == nil,
                    durationSeconds: check.duration.inSeconds
                )
            },
            lastError: upstream.problem.map { ErrorReport($0.error, at: time($0.age)) }
        )
    }
}

extension StreamStatus {
    init(_ stream: StreamSnapshot, tunnel: String? = nil, listener: String? = nil) {
        self.init(
            id: String(stream.id),
            tunnel: tunnel,
            listener: listener,
            dial: stream.origin.dialed,
            state: State(rawValue: stream.state.rawValue),
            source: stream.origin.source?.description,
            openedAt: stream.openedAt,
            bytes: ByteCounts(received: stream.received, sent: stream.sent)
        )
    }
}
