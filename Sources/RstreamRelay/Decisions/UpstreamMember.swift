// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import RstreamDaemonModel
package import RstreamModel

/// What ``UpstreamPoolStateMachine`` knows of one upstream.
package struct UpstreamMember: Sendable {
    /// An error and when it was met.
    package struct Problem: Hashable, Sendable {
        package let error: RstreamError
        package let at: ContinuousClock.Instant

        init(_ error: RstreamError, at now: ContinuousClock.Instant) {
            (self.error, at) = (error, now)
        }
    }

    /// A time without streams.
    struct Ejection: Hashable, Sendable {
        private(set) var until: ContinuousClock.Instant
        private var length: Duration
        /// Whether a stream tries the upstream now.
        private var isOnTrial = false

        init(at now: ContinuousClock.Instant, lasting length: Duration) {
            self.length = length
            until = now.advanced(by: length)
        }

        /// Whether a stream may try the upstream.
        func allowsTrial(at now: ContinuousClock.Instant) -> Bool { !isOnTrial && until <= now }

        mutating func trialBegan() { isOnTrial = true }

        mutating func trialEnded() { isOnTrial = false }

        mutating func trialFailed(at now: ContinuousClock.Instant, longest: Duration) {
            isOnTrial = false
            length = min(length * 2, longest)
            until = now.advanced(by: length)
        }

        /// Its time is over early.
        mutating func isDue(at now: ContinuousClock.Instant) { until = min(until, now) }
    }

    /// What checks have found.
    package struct Health: Hashable, Sendable {
        package struct Check: Hashable, Sendable {
            package let at: ContinuousClock.Instant
            package let duration: Duration
            /// Nil when the upstream passed it.
            package let error: RstreamError?
        }

        package fileprivate(set) var isGood = true
        package fileprivate(set) var last: Check?
        /// How many checks in a row have found the opposite of ``isGood``.
        fileprivate var doubts = 0
    }

    package let id: Int
    package let address: UpstreamAddress
    /// One or more.
    package internal(set) var weight = 1
    package internal(set) var isBackup = false
    /// Streams that are connected to it or dial it.
    package internal(set) var active = 0
    /// Streams that were ever sent to it.
    package internal(set) var total = 0
    /// Those among them that it did not take, or did not serve.
    package internal(set) var failed = 0
    /// Why it could not be reached; nil when the latest dial has succeeded.
    package internal(set) var problem: Problem?
    package internal(set) var health = Health()
    var ejection: Ejection?
    /// Dials in a row that have failed.
    var failures = 0
    var reachedAt: ContinuousClock.Instant?
    /// Its place in the round.
    var turn = 0
    /// A number of its own for ``score(of:)``, which depends on the address alone.
    private let seed: UInt64

    init(id: Int, _ address: UpstreamAddress) {
        (self.id, self.address) = (id, address)
        // FNV-1a.
        seed = address.description.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    /// When streams may try it again; nil unless it is ejected.
    package var ejectedUntil: ContinuousClock.Instant? { ejection?.until }

    /// Whether it takes connections, by the latest dials and checks.
    package var isReachable: Bool { problem == nil && health.isGood }

    /// Smaller is better; streams go to upstreams of the smallest rank.
    func rank(at now: ContinuousClock.Instant) -> Int {
        let isUsable = health.isGood && ejection?.allowsTrial(at: now) != false
        return (isUsable ? 0 : 2) + (isBackup ? 1 : 0)
    }

    /// A stream is sent to it.
    ///
    /// - Returns: Whether that is the trial of its ejection.
    mutating func beginsTrial(at now: ContinuousClock.Instant) -> Bool {
        guard ejection?.allowsTrial(at: now) == true else { return false }
        ejection?.trialBegan()
        return true
    }

    mutating func reached(at now: ContinuousClock.Instant) {
        (failures, ejection, problem) = (0, nil, nil)
        reachedAt = now
    }

    mutating func rested() {
        (failures, ejection, problem, reachedAt) = (0, nil, nil, nil)
        health = Health()
    }

    /// - Returns: Whether it has become healthy or unhealthy.
    mutating func checked(
        _ error: RstreamError?,
        _ options: UpstreamHealthOptions,
        after duration: Duration,
        at now: ContinuousClock.Instant
    ) -> Bool {
        let isFirst = health.last == nil
        health.last = Health.Check(at: now, duration: duration, error: error)
        let isGood = error == nil
        guard isGood != health.isGood else {
            health.doubts = 0
            return false
        }
        health.doubts += 1
        guard isFirst || health.doubts >= (isGood ? options.rise : options.fall) else { return false }
        (health.isGood, health.doubts) = (isGood, 0)
        return true
    }

    /// How much it wants a visitor. The highest wins, in proportion to the weights.
    func score(of visitor: UInt64) -> Double {
        // The finalizer of SplitMix64, so that neighbours among addresses are far apart.
        var hash = seed ^ visitor
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        hash ^= hash >> 31
        let part = (Double(hash >> 11) + 0.5) / Double(UInt64(1) << 53)
        return Double(weight) / -log(part)
    }
}

extension IPAddress {
    /// A number that depends on the address alone, for ``UpstreamMember/score(of:)``. An IPv4-mapped IPv6 address
    /// counts as the IPv4 address.
    package var visitorNumber: UInt64 {
        switch self {
        case .v4(let number): UInt64(number)
        case .v6(let groups):
            if groups.values.prefix(5).allSatisfy({ $0 == 0 }), groups.values[5] == 0xFFFF {
                UInt64(groups.values[6]) << 16 | UInt64(groups.values[7])
            } else {
                groups.values.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
            }
        }
    }
}
