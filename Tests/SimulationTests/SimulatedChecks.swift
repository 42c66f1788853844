// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemon
import RstreamDaemonModel
import RstreamModel

/// Checks the upstreams of one tunnel: what `UpstreamChecks` does.
final class SimulatedChecks {
    let local: WantedTunnel.LocalSettings
    private let pool: SimulatedPool
    private unowned let process: SimulatedProcess
    private var isStopped = false

    init(_ local: WantedTunnel.LocalSettings, _ pool: SimulatedPool, _ process: SimulatedProcess) {
        (self.local, self.pool, self.process) = (local, pool, process)
        for target in local.targets { pause(for: .milliseconds(200), target.address) }
    }

    func stop() { isStopped = true }

    private func pause(for interval: Duration, _ address: UpstreamAddress) {
        let wait = interval * Double.random(in: 0.9...1.1, using: &process.world.random)
        process.enter(after: wait.milliseconds) { [self] in check(address) }
    }

    private func check(_ address: UpstreamAddress) {
        guard !isStopped, let health = local.options.health else { return }
        process.world.upstreams.dial(address, within: health.timeout, of: process) { [self] error in
            guard !isStopped else { return }
            pool.checked(address, error)
            pause(for: health.interval, address)
        }
    }
}
