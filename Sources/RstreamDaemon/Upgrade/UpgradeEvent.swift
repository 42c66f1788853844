// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Systemd

/// What happens during a take-over, for the request loop of the daemon that runs.
enum UpgradeEvent: Sendable {
    /// SIGUSR2.
    case requested
    /// SIGTERM, because systemd restarts the service.
    case restart(RestartReply)
    case restartTimePassed
    /// What systemd plans; nil where it does not say.
    case planned(attempt: Int, UnitPlan?)
    /// The attempt tells late events of an earlier one apart.
    case link(attempt: Int, UpgradeLink.Event)
    case processEnded(attempt: Int, ChildProcess.End)
    case deadlinePassed(attempt: Int)
    /// A tunnel is closed at the engine.
    case released(attempt: Int, tunnel: String)
    /// After the take-over: the last stream has ended.
    case drained
    /// After the take-over: what is left has to be told again.
    case reportDue
}

/// What happens while this program takes over, for its request loop.
enum SuccessionEvent: Sendable {
    case link(UpgradeLink.Event)
    /// A session or a tunnel has changed.
    case changed
    case deadlinePassed
}
