// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// Receives what a tunnel's pool of upstreams decides.
///
/// Called on event loops, at changes only; it must not block.
package protocol UpstreamObserver: Sendable {
    func upstreamsChanged(_ effect: UpstreamPoolStateMachine.Effect)
}

/// The upstreams of one tunnel, and how they are: the shell of ``UpstreamPoolStateMachine``.
///
/// It outlives acceptors, so that a tunnel that is replaced, or closed for a while, does not forget what is known of
/// its upstreams. Guarded by one mutex, taken a few times while a stream opens, once when it ends, and for each query.
package final class UpstreamPool: Sendable {
    private let decisions: OrderedEffects<UpstreamPoolStateMachine, UpstreamPoolStateMachine.Effect>

    package init(observer: (any UpstreamObserver)? = nil) {
        decisions = OrderedEffects(UpstreamPoolStateMachine()) { observer?.upstreamsChanged($0) }
    }

    /// From now on `upstreams` are in force. They share the options of the first.
    func configure(_ upstreams: [Upstream]) -> UpstreamLineup {
        let options = upstreams.first?.options ?? UpstreamOptions()
        let number = decisions.decide { machine, _ in
            machine.configured(
                upstreams.map { ($0.address, $0.weight, $0.isBackup) },
                balance: options.balance,
                health: options.health
            )
            return machine.lineup
        }
        return UpstreamLineup(number: number, pool: self, upstreams)
    }

    /// The same where no stream goes to them yet, so that their state can be shown and their checks count.
    package func adopt(_ upstreams: [Upstream]) { _ = configure(upstreams) }

    /// Forgets how the upstreams are: nothing dials or checks them any more.
    package func rest() {
        decisions.decide { machine, _ in machine.rested() }
    }

    /// Whether any upstream is healthy, as far as is known.
    package var isServable: Bool { decisions.read(\.isServable) }

    /// Addresses of upstreams that their checks have found unhealthy.
    package var unhealthy: Set<UpstreamAddress> {
        decisions.read { machine in
            Set(machine.members.filter { !$0.health.isGood }.map(\.address))
        }
    }

    /// What a check has found: why the upstream did not pass it, or nil.
    package func checked(
        _ address: UpstreamAddress,
        _ error: RstreamError?,
        after duration: Duration,
        at now: ContinuousClock.Instant = .now
    ) {
        decisions.decide { machine, effects in
            effects += machine.checked(address, error, after: duration, at: now)
        }
    }

    /// The upstreams in the order of the list.
    package func snapshots(at now: ContinuousClock.Instant = .now) -> [UpstreamSnapshot] {
        let (members, shares) = decisions.read { ($0.members, $0.shares(at: now)) }
        return zip(members, shares).map { UpstreamSnapshot($0, share: $1, at: now) }
    }

    // MARK: Streams

    func pick(
        for visitor: UInt64?,
        besides tried: UpstreamSet,
        in lineup: Int,
        at now: ContinuousClock.Instant
    ) -> UpstreamPoolStateMachine.Pick {
        decisions.decide { machine, _ in machine.pick(for: visitor, besides: tried, in: lineup, at: now) }
    }

    func connected(_ lease: UpstreamPoolStateMachine.Lease, at now: ContinuousClock.Instant = .now) {
        decisions.decide { machine, effects in
            if let effect = machine.connected(lease, at: now) { effects.append(effect) }
        }
    }

    func failed(
        _ lease: UpstreamPoolStateMachine.Lease,
        _ error: RstreamError,
        since start: ContinuousClock.Instant,
        at now: ContinuousClock.Instant = .now
    ) {
        decisions.decide { machine, effects in
            if let effect = machine.failed(lease, error, since: start, at: now) { effects.append(effect) }
        }
    }

    func released(_ lease: UpstreamPoolStateMachine.Lease, isBroken: Bool) {
        decisions.decide { machine, _ in machine.released(lease, isBroken: isBroken) }
    }
}

/// The upstreams that were in force when a stream came. Immutable.
final class UpstreamLineup: Sendable {
    let number: Int
    let pool: UpstreamPool
    /// Never empty.
    let upstreams: [Upstream]
    /// The text of each address, made once for the log and the events of all streams.
    let names: [String]
    /// What the upstreams have in common.
    let options: UpstreamOptions

    init(number: Int, pool: UpstreamPool, _ upstreams: [Upstream]) {
        (self.number, self.pool, self.upstreams) = (number, pool, upstreams)
        names = upstreams.map(\.address.description)
        options = upstreams.first?.options ?? UpstreamOptions()
    }

    var addresses: Set<UpstreamAddress> { Set(upstreams.map(\.address)) }

    /// An upstream for a stream of `source`, by its place, with the lease of the pool; nil when all were tried.
    func pick(
        for source: IPAddress?,
        besides tried: UpstreamSet,
        at now: ContinuousClock.Instant
    ) -> (place: Int, lease: UpstreamPoolStateMachine.Lease?)? {
        let visitor = options.balance == .source ? source?.visitorNumber : nil
        switch pool.pick(for: visitor, besides: tried, in: number, at: now) {
        case .upstream(let place, let lease): return (place, lease)
        case .exhausted: return nil
        // A reload has changed the list, and the pool has no opinion on the one before.
        case .outdated: return upstreams.indices.first { !tried.contains($0) }.map { ($0, nil) }
        }
    }
}

/// The upstream that a stream is connected to.
struct UsedUpstream: Sendable {
    let name: String
    let pool: UpstreamPool
    /// Nil where the pool has forgotten the upstream.
    let lease: UpstreamPoolStateMachine.Lease?

    /// The stream has ended.
    func release(isBroken: Bool) {
        if let lease { pool.released(lease, isBroken: isBroken) }
    }
}
