// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

/// What is known about a configuration's daemon after a call to it.
enum DaemonPresence: Hashable {
    /// It answers; this is its process id.
    case answers(process: Int)
    /// It may run and use its addresses, but did not answer.
    case unknown
    /// It does not run. `unit` would run it, if this is that unit's configuration.
    case gone(unit: UnitState?)

    /// For a daemon that gave no answer. One without an admin socket never does; only systemd knows whether it runs.
    init(after error: AdminClientError, hasSocket: Bool, unit: UnitState?) {
        guard case .absent = error, unit?.mayRun != true, hasSocket || unit != nil else {
            self = .unknown
            return
        }
        self = .gone(unit: unit)
    }
}
