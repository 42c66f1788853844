// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// The checks of upstreams, and what follows from them for tunnels (contract §3.3, `upstream.health`).
extension RunningConfiguration {
    /// The configuration with the tunnels suspended that have no healthy upstream, as far as is known now, and are to
    /// be closed then. Plans are made from what this returns, so that they and their execution agree.
    func judged(_ next: DaemonConfiguration) -> DaemonConfiguration {
        var next = next
        for index in next.tunnels.indices {
            next.tunnels[index].isSuspended = isSuspended(next.tunnels[index])
        }
        return next
    }

    private func isSuspended(_ definition: TunnelDefinition) -> Bool {
        guard definition.isEnabled, definition.options.health?.onUnhealthy == .close else { return false }
        let unhealthy = pool(definition.name).unhealthy
        return definition.targets.allSatisfy { unhealthy.contains($0.address) }
    }

    /// Starts the checks of `next`, and stops those that it does not have.
    mutating func startChecks(_ next: DaemonConfiguration, in group: inout DiscardingTaskGroup) {
        var wanted: [String: UpstreamChecks] = [:]
        for definition in next.tunnels where definition.isEnabled && definition.options.health != nil {
            let upstreams = upstreams(of: definition)
            if let running = checks[definition.name], running.upstreams == upstreams {
                wanted[definition.name] = running
                continue
            }
            let new = UpstreamChecks(
                upstreams,
                pool: pool(definition.name),
                slots: dependencies.checkSlots,
                group: dependencies.group
            )
            guard let new else { continue }
            wanted[definition.name] = new
            group.addTask { await new.run() }
        }
        for (name, running) in checks where wanted[name] !== running { running.stop() }
        checks = wanted
    }

    /// Ends all checks, for a stop.
    func stopChecks() {
        for running in checks.values { running.stop() }
    }
}

extension UpstreamPool {
    /// Why the tunnel is closed while none of its upstreams is healthy.
    var suspension: RstreamError {
        let reasons = snapshots().compactMap { $0.lastCheck?.error?.what }
        let more = reasons.count > 2 ? "; and \(reasons.count - 2) more" : ""
        return RstreamError(
            code: .upstreamUnreachable,
            origin: .upstream,
            retry: .afterBackoff,
            what: "closed until an upstream is healthy: \(reasons.prefix(2).joined(separator: "; "))\(more)",
            fix: "start the service; the tunnel opens by itself when checks find it healthy"
        )
    }
}
