// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamAdmin
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// `GET /metrics` (contract §8). Labels are names of the configuration and addresses that the engine has granted, never
/// values that a visitor can choose.
struct MetricsPage: Sendable {
    /// Bytes of a label that an engine has chosen: a name of the DNS, and some.
    private static let longestAddress = 320

    let statusStore: StatusStore
    /// Where the log's lines are dropped, if they can be.
    let sink: LogSink?

    func text(_ format: MetricsFormat) async -> String {
        // Reads /proc, which may block.
        let process = await BlockingThreads.kernel.run { ProcessFigures.now() }
        let state = statusStore.read { $0 }
        var page = PrometheusText(format)
        page.family("rstreamd_build_info", .info, "The running version as a label; always 1.")
        page.sample("rstreamd_build_info", [("version", rstreamVersion)], 1)
        writeSessions(state, &page)
        writeTunnels(state, &page)
        writeListeners(state, &page)
        if let dials = state.dials {
            write("rstreamd_dial_streams", "rstreamd_dial_stream", [(labels: [], totals: dials.totals)], &page)
        }
        writeReloads(state, &page)
        writeLog(&page)
        process.write(&page)
        page.end()
        return page.text
    }

    // MARK: Sessions

    private func writeSessions(_ state: StatusStore.State, _ page: inout PrometheusText) {
        let served = state.sessions.values.flatMap { entry in entry.contexts.map { ($0, [entry]) } }
        let sessions = Dictionary(served) { $0 + $1 }
        let contexts = state.contexts.sorted { $0.key < $1.key }
        page.family("rstreamd_session_online", .gauge, "Whether every session of the context is online.")
        for (context, entries) in sessions.sorted(by: { $0.key < $1.key }) {
            let isOnline = entries.allSatisfy { $0.snapshot.state == .online }
            page.sample("rstreamd_session_online", [("context", context)], isOnline ? 1 : 0)
        }
        page.family(
            "rstreamd_session_verification_disabled",
            .gauge,
            "Whether certificate verification is disabled for the context's engine or proxy (insecureSkipVerify)."
        )
        for (context, entries) in sessions.sorted(by: { $0.key < $1.key }) {
            let isDisabled = entries.contains { $0.snapshot.verification != .full }
            page.sample("rstreamd_session_verification_disabled", [("context", context)], isDisabled ? 1 : 0)
        }
        page.family("rstreamd_session_connects_total", .counter, "Attempts to connect to the engine, by outcome.")
        for (context, counters) in contexts {
            for outcome in ConnectOutcome.allCases {
                page.sample(
                    "rstreamd_session_connects_total",
                    [("context", context), ("outcome", outcome.rawValue)],
                    counters.connects[outcome, default: 0]
                )
            }
        }
        page.family("rstreamd_heartbeat_rtt_seconds", .histogram, "Time from a heartbeat to the engine's answer.")
        for (context, counters) in contexts {
            page.sample("rstreamd_heartbeat_rtt_seconds", [("context", context)], counters.roundTrips)
        }
        page.family(
            "rstreamd_prewarm_total",
            .counter,
            "Streams that took a warm connection (hit) or none (miss), and connections dropped unused (wasted, aged)."
        )
        for (context, counters) in contexts {
            let counts = counters.prewarm
            let results = [
                ("hit", counts.hits), ("miss", counts.misses), ("wasted", counts.wasted), ("aged", counts.aged),
            ]
            for (result, count) in results {
                page.sample("rstreamd_prewarm_total", [("context", context), ("result", result)], count)
            }
        }
        writeCanaries(sessions, contexts, &page)
        let ends = sessions.compactMapValues { $0.compactMap(\.tokenEnd).min() }.sorted { $0.key < $1.key }
        page.family(
            "rstreamd_token_expiry_timestamp_seconds",
            .gauge,
            "When the context's token expires, if the token says so."
        )
        for (context, end) in ends {
            page.sample("rstreamd_token_expiry_timestamp_seconds", [("context", context)], seconds: end.inSeconds)
        }
        let certificates = sessions.compactMapValues { $0.compactMap(\.certificateEnd).min() }.sorted {
            $0.key < $1.key
        }
        let family = "rstreamd_certificate_expiry_timestamp_seconds"
        page.family(family, .gauge, "When the context's client certificate expires.")
        for (context, end) in certificates {
            page.sample(family, [("context", context)], seconds: end.inSeconds)
        }
    }

    private func writeCanaries(
        _ sessions: [String: [SessionEntry]],
        _ contexts: [(key: String, value: ContextCounters)],
        _ page: inout PrometheusText
    ) {
        let canaries = sessions.compactMapValues { entries -> [CanaryEntry]? in
            let canaries = entries.compactMap(\.canary)
            return canaries.isEmpty ? nil : canaries
        }.sorted { $0.key < $1.key }
        page.family(
            "rstreamd_canary_failing",
            .gauge,
            "Whether streams of the daemon's own do not come back through the engine."
        )
        for (context, entries) in canaries {
            let isFailing = entries.contains { $0.verdict.isFailing }
            page.sample("rstreamd_canary_failing", [("context", context)], isFailing ? 1 : 0)
        }
        page.family("rstreamd_canary_attempts_total", .counter, "Streams of the daemon's own, by what became of them.")
        for (context, counters) in contexts
        where !counters.canaries.isEmpty || canaries.contains(where: { $0.key == context }) {
            for result in CanaryOutcome.results {
                page.sample(
                    "rstreamd_canary_attempts_total",
                    [("context", context), ("result", result)],
                    counters.canaries[result, default: 0]
                )
            }
        }
        let family = "rstreamd_canary_duration_seconds"
        page.family(family, .gauge, "How long the last stream of the daemon's own took that came back.")
        for (context, entries) in canaries {
            guard let longest = entries.compactMap(\.duration).max() else { continue }
            page.sample(family, [("context", context)], seconds: longest.inSeconds)
        }
    }

    // MARK: Tunnels and listeners

    private func writeTunnels(_ state: StatusStore.State, _ page: inout PrometheusText) {
        let tunnels = (state.tunnels + state.leaving.filter(\.isLeaving))
            .map { (labels: [(name: "tunnel", value: $0.name)], entry: $0, totals: $0.configured.ledger.totals) }
        page.family("rstreamd_tunnel_online", .gauge, "Whether the tunnel is open at the engine.")
        for tunnel in tunnels {
            page.sample("rstreamd_tunnel_online", tunnel.labels, tunnel.entry.state == .online ? 1 : 0)
        }
        page.family("rstreamd_tunnels_by_hand", .gauge, "Tunnels that users have opened by hand.")
        page.sample("rstreamd_tunnels_by_hand", state.tunnels.count { $0.configured.byHand != nil })
        page.family(
            "rstreamd_tunnel_standby",
            .gauge,
            "Whether the tunnel waits because another tunnel, perhaps of another host, holds its name or port."
        )
        for tunnel in tunnels {
            page.sample("rstreamd_tunnel_standby", tunnel.labels, tunnel.entry.state == .standby ? 1 : 0)
        }
        page.family(
            "rstreamd_tunnel_enabled",
            .gauge,
            "Whether the tunnel is to be open; 0 when it is disabled, or has left the configuration."
        )
        for tunnel in tunnels {
            let isWanted = tunnel.entry.configured.isEnabled && state.tunnelIndices[tunnel.entry.name] != nil
            page.sample("rstreamd_tunnel_enabled", tunnel.labels, isWanted ? 1 : 0)
        }
        page.family(
            "rstreamd_tunnel_info",
            .info,
            "The tunnel's context, and its address while it is open; always 1."
        )
        for tunnel in tunnels {
            let address = tunnel.entry.current?.granted?.forwardingAddress.cut(toBytes: Self.longestAddress)
            let others = [(name: "context", value: tunnel.entry.configured.context), ("address", address ?? "")]
            page.sample("rstreamd_tunnel_info", tunnel.labels + others, 1)
        }
        writeUpstreams(state, &page)
        write("rstreamd_streams", "rstreamd_stream", tunnels.map { ($0.labels, $0.totals) }, &page)
        page.family(
            "rstreamd_stream_open_seconds",
            .histogram,
            "Time from the engine's offer of a stream until its first bytes move."
        )
        for tunnel in tunnels { page.sample("rstreamd_stream_open_seconds", tunnel.labels, tunnel.totals.opening) }
        page.family(
            "rstreamd_upstream_connect_seconds",
            .histogram,
            "Duration of successful dials of the upstream."
        )
        for tunnel in tunnels {
            page.sample("rstreamd_upstream_connect_seconds", tunnel.labels, tunnel.totals.connecting)
        }
    }

    /// What becomes of the upstreams of a tunnel that has left is of no interest.
    private func writeUpstreams(_ state: StatusStore.State, _ page: inout PrometheusText) {
        let upstreams = state.tunnels.flatMap { entry in
            entry.configured.upstreams.snapshots().map { upstream in
                let labels: PrometheusText.Labels = [
                    ("tunnel", entry.name), ("upstream", upstream.address.description),
                ]
                return (labels: labels, upstream: upstream)
            }
        }
        func write(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (UpstreamSnapshot) -> Int) {
            page.family(name, kind, help)
            for (labels, upstream) in upstreams { page.sample(name, labels, value(upstream)) }
        }
        write(
            "rstreamd_upstream_reachable",
            .gauge,
            "Whether the tunnel's upstream is reachable, by the latest dials and checks."
        ) { $0.isReachable ? 1 : 0 }
        write(
            "rstreamd_upstream_usable",
            .gauge,
            "Whether the upstream gets streams: it is neither ejected nor unhealthy."
        ) { $0.state == .healthy ? 1 : 0 }
        write("rstreamd_upstream_streams_active", .gauge, "Streams that are connected to the upstream, or dial it.") {
            $0.active
        }
        write("rstreamd_upstream_streams_total", .counter, "Streams that were sent to the upstream.") { $0.total }
        write(
            "rstreamd_upstream_streams_failed_total",
            .counter,
            "Streams that the upstream did not take, or did not serve."
        ) { $0.failed }
    }

    private func writeListeners(_ state: StatusStore.State, _ page: inout PrometheusText) {
        guard !state.listeners.isEmpty else { return }
        let listeners = state.listeners.map { entry in
            (labels: [(name: "listener", value: entry.name)], entry: entry)
        }
        page.family("rstreamd_listener_listening", .gauge, "Whether the listener accepts connections.")
        for listener in listeners {
            let isListening = listener.entry.service.listener.isListening
            page.sample("rstreamd_listener_listening", listener.labels, isListening ? 1 : 0)
        }
        page.family(
            "rstreamd_listener_reachable",
            .gauge,
            "Whether the listener's tunnel is reachable, by the latest dials."
        )
        for listener in listeners {
            page.sample("rstreamd_listener_reachable", listener.labels, listener.entry.error == nil ? 1 : 0)
        }
        write(
            "rstreamd_listener_streams",
            "rstreamd_listener_stream",
            listeners.map { ($0.labels, $0.entry.ledger.totals) },
            &page
        )
    }

    private func write(
        _ streams: String,
        _ stream: String,
        _ owners: [(labels: PrometheusText.Labels, totals: StreamTotals)],
        _ page: inout PrometheusText
    ) {
        page.family("\(streams)_active", .gauge, "Streams that are open now, including those being opened.")
        for owner in owners { page.sample("\(streams)_active", owner.labels, owner.totals.active) }
        page.family("\(streams)_total", .counter, "Streams that have ended, by outcome.")
        for owner in owners {
            for outcome in StreamOutcome.allCases {
                let labels = owner.labels + [(name: "outcome", value: outcome.rawValue)]
                page.sample("\(streams)_total", labels, owner.totals.ended[outcome, default: 0])
            }
        }
        page.family("\(streams)_refused_total", .counter, "Streams that were refused, by reason.")
        for owner in owners {
            for reason in RefusalReason.allCases {
                let labels = owner.labels + [(name: "reason", value: reason.rawValue)]
                page.sample("\(streams)_refused_total", labels, owner.totals.refused[reason, default: 0])
            }
        }
        page.family("\(stream)_bytes_total", .counter, "Bytes of streams, including open ones.")
        for owner in owners {
            let (received, sent) = (owner.totals.received, owner.totals.sent)
            page.sample("\(stream)_bytes_total", owner.labels + [(name: "direction", value: "received")], received)
            page.sample("\(stream)_bytes_total", owner.labels + [(name: "direction", value: "sent")], sent)
        }
    }

    // MARK: Reloads

    private func writeReloads(_ state: StatusStore.State, _ page: inout PrometheusText) {
        page.family("rstreamd_reloads_total", .counter, "Reloads, by outcome.")
        for outcome in ReloadReply.Outcome.allCases {
            let labels = [(name: "outcome", value: outcome.rawValue)]
            page.sample("rstreamd_reloads_total", labels, state.reloads[outcome, default: 0])
        }
        page.family(
            "rstreamd_config_last_reload_successful",
            .gauge,
            "Whether the last reload was not refused; 1 before the first."
        )
        page.sample("rstreamd_config_last_reload_successful", state.refusedReload == nil ? 1 : 0)
        page.family(
            "rstreamd_config_last_reload_success_timestamp_seconds",
            .gauge,
            "When the daemon last loaded a configuration, at the start or by a reload."
        )
        page.sample(
            "rstreamd_config_last_reload_success_timestamp_seconds",
            seconds: state.lastGoodLoad.inSeconds
        )
    }

    // MARK: The log

    private func writeLog(_ page: inout PrometheusText) {
        page.family(
            "rstreamd_log_dropped_lines_total",
            .counter,
            "Log lines that were dropped because the log was read too slowly."
        )
        page.sample("rstreamd_log_dropped_lines_total", sink?.dropped ?? 0)
    }
}

extension UTCTime {
    /// Seconds since 1970.
    fileprivate var inSeconds: Double { Double(milliseconds) / 1_000 }
}
