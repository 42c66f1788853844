// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// One upstream of a tunnel at one moment.
package struct UpstreamSnapshot: Sendable {
    package enum State: Hashable, Sendable {
        case healthy
        /// By its checks.
        case unhealthy
        /// Dials have failed; streams go elsewhere for this long, unless nothing better is left.
        case ejected(for: Duration)
    }

    /// A check that has ended.
    package struct Check: Hashable, Sendable {
        /// How long ago.
        package let age: Duration
        package let duration: Duration
        /// Nil when the upstream passed it.
        package let error: RstreamError?
    }

    package let address: UpstreamAddress
    package let weight: Int
    package let isBackup: Bool
    package let state: State
    /// Whether it takes connections, by the latest dials and checks.
    package let isReachable: Bool
    /// The part of new streams that it gets now, 0 to 1.
    package let share: Double
    package let active: Int
    package let total: Int
    package let failed: Int
    package let lastCheck: Check?
    /// Why it could not be reached, and how long ago; nil when nothing is wrong.
    package let problem: (error: RstreamError, age: Duration)?

    init(_ member: UpstreamMember, share: Double, at now: ContinuousClock.Instant) {
        address = member.address
        (weight, isBackup) = (member.weight, member.isBackup)
        if !member.health.isGood {
            state = .unhealthy
        } else if let until = member.ejectedUntil {
            // Zero while the upstream is on trial, or waits for a stream that tries it.
            state = .ejected(for: max(.zero, now.duration(to: until)))
        } else {
            state = .healthy
        }
        isReachable = member.isReachable
        self.share = share
        (active, total, failed) = (member.active, member.total, member.failed)
        let check = member.health.last.map {
            Check(age: $0.at.duration(to: now), duration: $0.duration, error: $0.error)
        }
        lastCheck = check
        if let problem = member.problem {
            self.problem = (problem.error, problem.at.duration(to: now))
        } else if !member.health.isGood, let check, let error = check.error {
            problem = (error, check.age)
        } else {
            problem = nil
        }
    }
}
