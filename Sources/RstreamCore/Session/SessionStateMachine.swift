package import RstreamModel

/// Decides when an engine session connects, waits and gives up for a while (contract §4).
///
/// It never ends by itself: whatever the network or the engine does, another attempt follows. Timers carry a
/// generation, so that one that fires late finds that it is not meant any more. Only the attempt of the last
/// ``Action/connect`` counts; the shell drops what earlier ones bring about.
package struct SessionStateMachine: Sendable {
    package enum State: Hashable, Sendable {
        case idle
        case connecting
        case online
        /// Its channel closes in order, because another one is wanted instead.
        case renewing
        case waiting
        case rejected
        case draining
        case closed
    }

    package enum Action: Hashable, Sendable {
        case connect
        /// Connect again after so long, and tell the news, if there are any, together with that.
        case scheduleRetry(generation: Int, after: Duration, News?)
        /// Traffic flows again, after so many attempts.
        case outageEnded(attempts: Int)
        /// Close the control channel in order.
        case closeChannel
        /// Nothing is left to do.
        case finished
    }

    /// Why another attempt is made.
    package enum News: Hashable, Sendable {
        /// First failure of a series.
        case outageBegan(RstreamError)
        /// Another failure of the same series, with another cause than the one before.
        case outageGoesOn(RstreamError)
    }

    package private(set) var state: State = .idle
    /// Attempts since traffic last flowed.
    package private(set) var attempt = 0
    private var backoff: Backoff
    private var policy: ReconnectPolicy
    private var generation = 0
    /// Why traffic does not flow, since the last time that it did.
    package private(set) var outage: RstreamError?

    package init(policy: ReconnectPolicy) {
        self.policy = policy
        backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
    }

    package mutating func started() -> [Action] {
        guard state == .idle else { return [] }
        return connect()
    }

    /// The same for a session that goes on where a process before this one has ended, `now` at the earliest after the wait
    /// that is left.
    package mutating func started(resuming schedule: ReconnectSchedule, at now: UTCTime) -> [Action] {
        guard state == .idle else { return [] }
        attempt = schedule.attempt
        backoff.resume(after: attempt)
        let wait = schedule.wait(at: now, policy)
        guard wait > .zero else { return connect() }
        generation += 1
        state = schedule.isRejected ? .rejected : .waiting
        outage = schedule.trouble
        return [.scheduleRetry(generation: generation, after: wait, .outageBegan(schedule.trouble))]
    }

    /// What a process after this one has to know, at `now` and with `wait` until the next attempt; nil while traffic flows.
    package func schedule(at now: UTCTime, wait: Duration?) -> ReconnectSchedule? {
        switch state {
        case .waiting, .rejected:
            ReconnectSchedule(
                attempt: attempt,
                isRejected: state == .rejected,
                nextAttemptAt: now.advanced(by: wait ?? .zero)
            )
        case .connecting: .dialing(attempt: attempt, at: now, policy)
        case .idle, .online, .renewing, .draining, .closed: nil
        }
    }

    package mutating func connected() -> [Action] {
        guard state == .connecting else { return [.closeChannel] }
        state = .online
        return []
    }

    /// Traffic can flow: a tunnel is open, or there is none to open.
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
            // The tunnels ended with their channel; there is nobody left to tell.
            state = .closed
            return [.finished]
        case .idle, .connecting, .waiting, .rejected, .closed: return []
        }
    }

    package mutating func retryTimerFired(generation fired: Int) -> [Action] {
        guard fired == generation, state == .waiting || state == .rejected else { return [] }
        return connect()
    }

    /// Something changed that makes an attempt worth while at once: a reload, an operator.
    package mutating func retryRequested() -> [Action] {
        guard state == .waiting || state == .rejected else { return [] }
        return connect()
    }

    /// What is shown to the engine, or how it is judged, is another one by now: what was refused may be taken.
    package mutating func credentialChanged() -> [Action] {
        state == .rejected ? connect() : []
    }

    /// The host's network is another one now. An attempt that is under way started on the old one, so it is not
    /// waited for: what it brings about has no meaning any more.
    package mutating func networkChanged() -> [Action] {
        switch state {
        case .waiting, .rejected, .connecting: connect()
        case .idle, .online, .renewing, .draining, .closed: []
        }
    }

    /// What is shown to the engine, or how it is reached, is different now: the session starts again with that, and
    /// an attempt that is under way has no meaning any more.
    package mutating func renewRequested() -> [Action] {
        switch state {
        case .online:
            state = .renewing
            return [.closeChannel]
        case .waiting, .rejected, .connecting: return connect()
        case .idle, .renewing, .draining, .closed: return []
        }
    }

    /// Other waits are wanted; those that run go on.
    package mutating func policyChanged(_ policy: ReconnectPolicy) {
        self.policy = policy
        backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
    }

    /// Takes no new streams from here on; the channel stays while streams that were accepted end.
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

    /// No stream is left.
    package mutating func drained() -> [Action] {
        guard state == .draining else { return [] }
        return [.closeChannel]
    }

    /// The channel that was to be closed has closed.
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
        state = .connecting
        return [.connect]
    }

    private mutating func retry(
        after error: RstreamError,
        using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        generation += 1
        let wait: Duration
        switch error.retry {
        case .afterBackoff:
            state = .waiting
            wait = backoff.next(using: &generator)
        case .afterReload, .never:
            state = .rejected
            wait = policy.rejected
        }
        let news: News? =
            switch outage {
            case nil: .outageBegan(error)
            case error: nil
            case .some: .outageGoesOn(error)
            }
        outage = error
        return [.scheduleRetry(generation: generation, after: wait, news)]
    }
}
