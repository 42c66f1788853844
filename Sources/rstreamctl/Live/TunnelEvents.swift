// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// Which of the daemon's events are those of a tunnel by hand, also over take-overs.
struct TunnelEvents: Hashable, Sendable {
    private let tunnel: String
    private var since: UTCTime?
    /// The number of the last event of any tunnel, to go on after; 0 before the first.
    private(set) var lastID = 0

    init(of tunnel: String) { self.tunnel = tunnel }

    /// The daemon has opened the tunnel.
    mutating func opened(_ tunnel: TunnelStatus) { since = tunnel.since }

    /// Takes the next event. Returns whether it is one of the tunnel: the daemon still holds events of earlier tunnels
    /// of that name.
    mutating func take(_ event: Event) -> Bool {
        lastID = event.id
        guard event.tunnel == tunnel, let since else { return false }
        return event.time >= since
    }
}
