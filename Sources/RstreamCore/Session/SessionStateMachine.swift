// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Decides when an engine session connects, and how long it waits between attempts (contract §4).
///
/// It never ends by itself: whatever the network or the engine does, another attempt follows. Timers carry a
/// generation, so that one that fires late is ignored. Only the attempt of the last ``Action/connect`` counts; the
/// shell drops the results of earlier ones.
package struct SessionStateMachine: Sendable {
    package enum State: Hashable, Sendable {
        case idle
        case connecting
        case online
        /// Its channel closes in order, and another one replaces it.
        case renewing
        case waiting
        case rejected
        case draining
        case closed
    }

    package enum Action: Hashable, Sendable {
        case connect
        /// Connect again after this wait, and log the change of the outage, if there is one.
        case scheduleRetry(generation: Int, after: Duration, OutageChange?)
        /// The session serves traffic again, after this many attempts.
        case outageEnded(attempts: Int)
        /// Close the control channel in order.
        case closeChannel
        /// Nothing is left to do.
        case finished
    }

    /// What a failure changes about the outage, for the log.
    package enum OutageChange: Hashable, Sendable {
        /// The first failure of a series.
        case began(RstreamError)
        /// A later failure of the series, with another cause than the one before.
        case causeChanged(RstreamError)
    }

    package private(set) var state: State = .idle
    /// Attempts since the session last served traffic.
    package private(set) var attempt = 0
    private var backoff: Backoff
    private var policy: ReconnectPolicy
    private var generation = 0
    /// Whether a file of the credential has changed since the attempt under way began, which may have read the old one.
    private var isAttemptOutdated = false
    /// Why the session serves no traffic, since it last did.
    package private(set) var outage: RstreamError?

    package init(policy: ReconnectPolicy) {
        self.policy = policy
        backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
    }

    package mutating func started() -> [Action] {
        guard state == .idle else { return [] }
        return connect()
    }

    /// Starts a session that resumes the schedule of the process before: at `now`, or after the wait that is left.
    package mutating func started(resuming schedule: ReconnectSchedule, at now: UTCTime) -> [Action] {
        guard state == .idle else { return [] }
        attempt = schedule.attempt
        backoff.resume(after: attempt)
        let wait = schedule.wait(at: now, policy)
        guard wait > .zero else { return connect() }
        generation += 1
        state = schedule.isRejected ? .rejected : .waiting
        outage = schedule.cause
        return [.scheduleRetry(generation: generation, after: wait, .began(schedule.cause))]
    }

    /// The schedule to store at `now`, with `wait` until the next attempt; nil while the session serves traffic.
    package func schedule(
        at now: UTCTime,
        wait: Duration?,
        using generator: inout some RandomNumberGenerator
    ) -> ReconnectSchedule? {
        switch state {
        case .waiting, .rejected:
            ReconnectSchedule(
                attempt: attempt,
                isRejected: state == .rejected,
                nextAttemptAt: now.advanced(by: wait ?? .zero)
            )
        case .connecting: .dialing(attempt: attempt, at: now, policy, using: &generator)
        case .idle, .online, .renewing, .draining, .closed: nil
        }
    }

    package mutating func connected() -> [Action] {
        guard state == .connecting else { return [.closeChannel] }
        isAttemptOutdated = false
        state = .online
        return []
    }

    /// The session serves traffic: a tunnel is open, or it has none to open.
    package mutating func serving() -> [Action] {
        guard state == .online else { return [] }
        backoff.reset()
        defer {
            attempt = 0
            outage = nil
        }
        return outage == nil ? [] : [.outageEnded(attempts: attempt)]
    }

    package mutating func connectFailed(
        _ error: RstreamError,
        using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        guard state == .connecting else { return [] }
        return retry(after: error, using: &generator)
    }

    package mutating func channelLost(
        _ error: RstreamError,
        using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        switch state {
        case .online: return retry(after: error, using: &generator)
        case .renewing: return connect()
        case .draining:
            // The tunnels ended with their channel, so nothing is left to close.
            state = .closed
            return [.finished]
        case .idle, .connecting, .waiting, .rejected, .closed: return []
        }
    }

    package mutating func retryTimerFired(generation fired: Int) -> [Action] {
        guard fired == generation, state == .waiting || state == .rejected else { return [] }
        return connect()
    }

    /// A reload or an operator asks for an attempt now.
    package mutating func retryRequested() -> [Action] {
        guard state == .waiting || state == .rejected else { return [] }
        return connect()
    }

    /// A credential or CA file appeared or changed: what failed before may succeed now. A session that is online keeps
    /// its channel, because a new credential does not end the old one; but where the engine refused tunnels to that, it
    /// reconnects.
    package mutating func credentialChanged(hasRejectedTunnels: Bool = false) -> [Action] {
        switch state {
        case .waiting, .rejected: return connect()
        case .connecting:
            isAttemptOutdated = true
            return []
        case .online: return hasRejectedTunnels ? renewRequested() : []
        case .idle, .renewing, .draining, .closed: return []
        }
    }

    /// The host's network changed. An attempt that is under way started on the old network, so another one starts at
    /// once and the result of the old one is ignored.
    package mutating func networkChanged() -> [Action] {
        switch state {
        case .waiting, .rejected, .connecting: connect()
        case .idle, .online, .renewing, .draining, .closed: []
        }
    }

    /// The credential, or the way to the engine, changed: the session connects again with the new one, and the result
    /// of an attempt that is under way is ignored.
    package mutating func renewRequested() -> [Action] {
        switch state {
        case .online:
            state = .renewing
            return [.closeChannel]
        case .waiting, .rejected, .connecting: return connect()
        case .idle, .renewing, .draining, .closed: return []
        }
    }

    /// The configured waits changed. A wait that runs goes on.
    package mutating func policyChanged(_ policy: ReconnectPolicy) {
        self.policy = policy
        backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
    }

    /// The session accepts no new streams. The channel stays open while accepted streams end.
    package mutating func drainRequested() -> [Action] {
        switch state {
        case .online, .renewing:
            state = .draining
            return []
        case .idle, .connecting, .waiting, .rejected:
            generation += 1
            state = .closed
            return [.finished]
        case .draining, .closed: return []
        }
    }

    /// All streams have ended.
    package mutating func drained() -> [Action] {
        guard state == .draining else { return [] }
        return [.closeChannel]
    }

    /// The channel closed as requested.
    package mutating func channelClosed() -> [Action] {
        switch state {
        case .draining:
            state = .closed
            return [.finished]
        case .renewing: return connect()
        case .idle, .connecting, .online, .waiting, .rejected, .closed: return []
        }
    }

    private mutating func connect() -> [Action] {
        generation += 1
        attempt += 1
        isAttemptOutdated = false
        state = .connecting
        return [.connect]
    }

    private mutating func retry(
        after error: RstreamError,
        using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        generation += 1
        var wait: Duration
        switch error.retry {
        case .afterBackoff:
            state = .waiting
            wait = backoff.next(using: &generator)
        case .afterReload, .never:
            state = .rejected
            wait = policy.rejected
        }
        if isAttemptOutdated { wait = .zero }
        let change: OutageChange? =
            switch outage {
            case nil: .began(error)
            case error: nil
            case .some: .causeChanged(error)
            }
        outage = error
        return [.scheduleRetry(generation: generation, after: wait, change)]
    }
}
