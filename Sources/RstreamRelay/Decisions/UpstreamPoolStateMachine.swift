// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// Decides which of a tunnel's upstreams a stream goes to, and which of them are left alone for a while.
///
/// A stream gets an upstream that can be used, by weight and in the way that ``UpstreamBalance`` names. One that cannot
/// be used is unhealthy by its checks (`upstream.health`), or ejected because several dials in a row have failed. An
/// ejection lasts one second at first and twice as long after each trial that fails, up to a minute: when its time is
/// over, one stream tries the upstream, and the others go on without it until that dial has succeeded.
///
/// Backups are for the time when no other upstream can be used. A stream that has tried all that can be used tries the
/// others too, since a stream that may fail is better than one that must. So an upstream that is alone is never
/// ejected: it would be tried all the same.
///
/// The upstreams may change while streams use them. One whose address stays keeps its state and its number; streams
/// that came before the change are told that their list is outdated and choose for themselves.
package struct UpstreamPoolStateMachine: Sendable {
    /// Dials in a row that must fail before an upstream is ejected.
    package static let patience = 3
    /// How long the first ejection lasts, and the longest.
    package static let ejections: ClosedRange<Duration> = .seconds(1) ... .seconds(60)

    /// An upstream that a stream uses, or dials.
    package struct Lease: Hashable, Sendable {
        package let id: Int
        /// Whether the dial decides if an ejection is over.
        let isTrial: Bool
    }

    package enum Pick: Hashable, Sendable {
        /// The upstream at that place of the list.
        case upstream(place: Int, Lease)
        /// There is no other to try.
        case exhausted
        /// Another list of upstreams is in force.
        case outdated
    }

    /// What is to be told. Upstreams are named by their addresses.
    package enum Effect: Hashable, Sendable {
        case ejected(UpstreamAddress, RstreamError, until: ContinuousClock.Instant)
        /// An ejected upstream has taken a connection.
        case restored(UpstreamAddress)
        case unhealthy(UpstreamAddress, RstreamError)
        case healthy(UpstreamAddress)
        /// Whether any upstream is healthy has changed.
        case servable(Bool)
    }

    /// Grows with each list of upstreams.
    package private(set) var lineup = 0
    package internal(set) var members: [UpstreamMember] = []
    private var balance = UpstreamBalance.roundRobin
    private var health: UpstreamHealthOptions?
    private var lastID = 0

    package init() {}

    // MARK: The list

    /// Takes over a list of upstreams, with at most as many as ``UpstreamSet`` can hold.
    package mutating func configured(
        _ upstreams: [(address: UpstreamAddress, weight: Int, isBackup: Bool)],
        balance: UpstreamBalance,
        health: UpstreamHealthOptions?
    ) {
        var before = members
        members = upstreams.prefix(UpstreamSet.capacity).map { upstream in
            let old = before.firstIndex { $0.address == upstream.address }.map { before.remove(at: $0) }
            lastID += old == nil ? 1 : 0
            var member = old ?? UpstreamMember(id: lastID, upstream.address)
            (member.weight, member.isBackup, member.turn) = (max(1, upstream.weight), upstream.isBackup, 0)
            if health == nil { member.health = UpstreamMember.Health() }
            return member
        }
        // One that is alone is not left alone.
        if let place = members.indices.first, members.count == 1 { members[place].ejection = nil }
        (self.balance, self.health) = (balance, health)
        lineup += 1
    }

    /// Forgets how the upstreams are, because nothing is known of them any more.
    package mutating func rested() {
        for place in members.indices { members[place].rested() }
    }

    // MARK: Streams

    /// A stream needs an upstream. `tried` are the places that it has tried in the list of number `lineup`, and
    /// `visitor` is a number that its visitor always has; nil when nothing is known of that.
    package mutating func pick(
        for visitor: UInt64?,
        besides tried: UpstreamSet = UpstreamSet(),
        in lineup: Int,
        at now: ContinuousClock.Instant
    ) -> Pick {
        guard lineup == self.lineup else { return .outdated }
        guard let place = place(for: visitor, besides: tried, at: now) else { return .exhausted }
        let isTrial = members[place].beginsTrial(at: now)
        members[place].active += 1
        members[place].total += 1
        return .upstream(place: place, Lease(id: members[place].id, isTrial: isTrial))
    }

    /// A dial that `lease` is for has succeeded.
    package mutating func connected(_ lease: Lease, at now: ContinuousClock.Instant) -> Effect? {
        guard let place = place(of: lease.id) else { return nil }
        let wasEjected = members[place].ejection != nil
        members[place].reached(at: now)
        return wasEjected ? .restored(members[place].address) : nil
    }

    /// A dial that began at `start` has failed. A failure whose origin is this host says nothing about the upstream.
    package mutating func failed(
        _ lease: Lease,
        _ error: RstreamError,
        since start: ContinuousClock.Instant,
        at now: ContinuousClock.Instant
    ) -> Effect? {
        guard let place = place(of: lease.id) else { return nil }
        members[place].active -= 1
        members[place].failed += 1
        // Another dial has succeeded since then.
        if let reachedAt = members[place].reachedAt, start < reachedAt { return nil }
        members[place].problem = .init(error, at: now)
        guard error.origin != .host else {
            members[place].ejection?.trialEnded()
            return nil
        }
        members[place].failures += 1
        if members[place].ejection != nil {
            // What other streams find meanwhile, because there is no better upstream, does not make it longer.
            if lease.isTrial { members[place].ejection?.trialFailed(at: now, longest: Self.ejections.upperBound) }
            return nil
        }
        guard members.count > 1, members[place].failures >= Self.patience else { return nil }
        let ejection = UpstreamMember.Ejection(at: now, lasting: Self.ejections.lowerBound)
        members[place].ejection = ejection
        return .ejected(members[place].address, error, until: ejection.until)
    }

    /// The stream that was connected has ended; `isBroken` when the upstream has failed it.
    package mutating func released(_ lease: Lease, isBroken: Bool) {
        guard let place = place(of: lease.id) else { return }
        members[place].active -= 1
        if isBroken { members[place].failed += 1 }
    }

    private func place(of id: Int) -> Int? { members.firstIndex { $0.id == id } }

    // MARK: Checks

    /// A check has ended that took `duration`; `error` is nil when the upstream passed it.
    ///
    /// An upstream counts as healthy until it is checked. Its first check decides at once; from then on it takes as
    /// many in a row as `rise` and `fall` say.
    package mutating func checked(
        _ address: UpstreamAddress,
        _ error: RstreamError?,
        after duration: Duration,
        at now: ContinuousClock.Instant
    ) -> [Effect] {
        guard let health, let place = members.firstIndex(where: { $0.address == address }) else { return [] }
        let wasServable = isServable
        let change = members[place].checked(error, health, after: duration, at: now)
        // The next stream may find out whether it takes connections again.
        if error == nil { members[place].ejection?.isDue(at: now) }
        guard change else { return [] }
        let effect: Effect = error.map { .unhealthy(address, $0) } ?? .healthy(address)
        return [effect] + (isServable == wasServable ? [] : [.servable(isServable)])
    }

    /// Whether any upstream is healthy, as far as is known.
    package var isServable: Bool { members.isEmpty || members.contains { $0.health.isGood } }
}

// MARK: The choice

extension UpstreamPoolStateMachine {
    private mutating func place(
        for visitor: UInt64?,
        besides tried: UpstreamSet,
        at now: ContinuousClock.Instant
    ) -> Int? {
        if members.count == 1 { return tried.contains(0) ? nil : 0 }
        let candidates = candidates(besides: tried, at: now)
        guard !candidates.isEmpty else { return nil }
        return switch (balance, visitor) {
        case (.source, let visitor?): owner(of: visitor, among: candidates)
        case (.leastStreams, _): nextTurn(among: leastUsed(among: candidates))
        case (.roundRobin, _), (.source, nil): nextTurn(among: candidates)
        }
    }

    /// Those of the best kind: usable ones first, then backups that are usable, then the others.
    private func candidates(besides tried: UpstreamSet, at now: ContinuousClock.Instant) -> UpstreamSet {
        var best = Int.max
        var candidates = UpstreamSet()
        for place in members.indices where !tried.contains(place) {
            let rank = members[place].rank(at: now)
            guard rank <= best else { continue }
            if rank < best { (best, candidates) = (rank, UpstreamSet()) }
            candidates.insert(place)
        }
        return candidates
    }

    /// Smooth weighted round robin, as nginx does it: the turns of a heavy one are spread among those of the others.
    private mutating func nextTurn(among candidates: UpstreamSet) -> Int? {
        var total = 0
        var chosen: Int?
        for place in members.indices where candidates.contains(place) {
            members[place].turn += members[place].weight
            total += members[place].weight
            if let best = chosen, members[best].turn >= members[place].turn { continue }
            chosen = place
        }
        if let chosen { members[chosen].turn -= total }
        return chosen
    }

    /// Those with the fewest streams for their weight.
    private func leastUsed(among candidates: UpstreamSet) -> UpstreamSet {
        var least = UpstreamSet()
        var sample: UpstreamMember?
        for place in members.indices where candidates.contains(place) {
            let member = members[place]
            if let best = sample {
                let (load, lowest) = (member.active * best.weight, best.active * member.weight)
                if load > lowest { continue }
                if load < lowest { least = UpstreamSet() }
            }
            sample = member
            least.insert(place)
        }
        return least
    }

    /// Weighted rendezvous hashing: when an upstream goes, its visitors are distributed, and no other visitor moves.
    private func owner(of visitor: UInt64, among candidates: UpstreamSet) -> Int? {
        var chosen: (place: Int, score: Double)?
        for place in members.indices where candidates.contains(place) {
            let score = members[place].score(of: visitor)
            if let chosen, chosen.score >= score { continue }
            chosen = (place, score)
        }
        return chosen?.place
    }

    /// The part of new streams that each upstream gets now, 0 to 1, in the order of the list.
    package func shares(at now: ContinuousClock.Instant) -> [Double] {
        let candidates = candidates(besides: UpstreamSet(), at: now)
        let total = members.indices.reduce(0) { $0 + (candidates.contains($1) ? members[$1].weight : 0) }
        return members.indices.map { place in
            candidates.contains(place) ? Double(members[place].weight) / Double(max(1, total)) : 0
        }
    }
}
