// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamDaemonModel
internal import RstreamRelay
internal import Synchronization

/// Checks the upstreams of one tunnel, each at its own pace, and tells their pool what it finds.
///
/// Its members guard themselves. The loops end with ``stop()``.
final class UpstreamChecks: Sendable {
    /// What is checked and how. Checks go on over a reload that leaves it as it is.
    let upstreams: [Upstream]
    private let health: UpstreamHealthOptions
    private let pool: UpstreamPool
    private let slots: CheckSlots
    private let group: any EventLoopGroup
    private let pauses: [CancellablePause]
    private let isStopped = Atomic(false)

    /// Nil where the upstreams are not to be checked.
    init?(_ upstreams: [Upstream], pool: UpstreamPool, slots: CheckSlots, group: any EventLoopGroup) {
        guard let health = upstreams.first?.options.health else { return nil }
        self.upstreams = upstreams
        self.health = health
        self.pool = pool
        self.slots = slots
        self.group = group
        pauses = upstreams.map { _ in CancellablePause(on: group.any()) }
    }

    /// Checks until it is stopped.
    func run() async {
        await withTaskGroup(of: Void.self) { tasks in
            for (upstream, pause) in zip(upstreams, pauses) {
                tasks.addTask { await self.check(upstream, pause) }
            }
        }
    }

    /// Ends the loops; what a check finds that still runs is not told.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        for pause in pauses { pause.stop() }
    }

    private func check(_ upstream: Upstream, _ pause: CancellablePause) async {
        var random = SystemRandomNumberGenerator()
        // The first checks of many tunnels are not made in the same moment.
        var wait = min(health.interval, .seconds(1)) * Double.random(in: 0...0.2, using: &random)
        while await pause.pause(for: wait) {
            await slots.enter()
            let start = ContinuousClock.now
            let error = await upstream.check(health, on: group.any())
            slots.leave()
            guard !isStopped.load(ordering: .relaxed) else { return }
            pool.checked(upstream.address, error, after: start.duration(to: .now))
            wait = health.interval * Double.random(in: 0.9...1.1, using: &random)
        }
    }
}
