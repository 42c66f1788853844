// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay

/// A tunnel as it is configured.
struct ConfiguredTunnel: Sendable {
    let name: String
    let context: String
    /// Where its streams go: every address.
    let forward: String
    let properties: TunnelProperties
    /// By the configuration, or by an operator.
    var isEnabled: Bool
    /// What ends an operator's `disable` or `drain`.
    var disabledUntil: TunnelStatus.DisabledUntil?
    let ledger: StreamLedger
    /// Why it is closed although it is enabled; nil when it is not.
    var suspension: RstreamError?
    var upstreams = UpstreamPool()
    var byHand: ByHand?
}

/// A tunnel's state as its session publishes it.
struct TunnelSnapshot: Hashable, Sendable {
    var state = TunnelStatus.State.pending
    /// What the engine granted, while the tunnel is open.
    var granted: TunnelProperties?
    var nextAttemptAt: UTCTime?
    var error: RstreamError?
}

/// What the ``StatusStore`` holds about a tunnel.
struct TunnelEntry: Sendable {
    var configured: ConfiguredTunnel
    /// By session: a tunnel whose context changes is on two sessions for a while.
    var snapshots: [StatusStore.SessionID: TunnelSnapshot] = [:]
    var error: ErrorReport?
    var upstreamError: ErrorReport?
    /// The limits that refuse streams now.
    var limitErrors: [StreamLimit: ErrorReport] = [:]
    var since: UTCTime
    /// The state in the last event about the tunnel.
    var publishedState: TunnelStatus.State?
    /// Whether the daemon is stopping, so that the tunnel will not be opened again.
    var isStopping = false

    init(configured: ConfiguredTunnel, since: UTCTime) {
        self.configured = configured
        self.since = since
    }

    var name: String { configured.name }

    /// The error to show first.
    var problem: ErrorReport? { error ?? servingProblem }

    /// What is wrong although the tunnel is open.
    var servingProblem: ErrorReport? { upstreamError ?? limitErrors[.owner] ?? limitErrors[.daemon] }

    /// The snapshot of the session that serves the tunnel, or is to serve it.
    var current: TunnelSnapshot? {
        snapshots.values.first { $0.state != .draining && $0.state != .closed } ?? snapshots.values.first
    }

    /// The state to show: of its session, unless the tunnel is disabled or the daemon stops.
    ///
    /// One that is closed because its upstreams are unhealthy waits for them.
    var state: TunnelStatus.State {
        guard configured.isEnabled else {
            return current?.state == .draining || configured.ledger.activeCount > 0 ? .draining : .disabled
        }
        guard isStopping else {
            guard configured.suspension != nil else { return current?.state ?? .pending }
            return current?.state == .draining || configured.ledger.activeCount > 0 ? .draining : .pending
        }
        return isLeaving ? .draining : .closed
    }

    /// Whether a tunnel that is to go still has streams or is open at an engine.
    var isLeaving: Bool { configured.ledger.activeCount > 0 || !snapshots.isEmpty }
}
