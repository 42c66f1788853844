// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Decides when one wanted tunnel is opened, on a session that is lost and restored (contract §4).
///
/// An address that the engine chose is requested again each time the tunnel is opened, because engines assign a new one
/// each time (PROTOCOL.md §5.3) and visitors keep the old one. The same goes for a stable name that was generated
/// (CONFIG.md §10). The configuration does not ask for such an address, so the tunnel gives it up when the engine
/// refuses it and grants the tunnel without it, or reports for too long that another client holds it.
///
/// Mostly that other client is this daemon: an engine keeps the addresses of a lost session until it notices the loss.
/// So a tunnel that may hold its address itself retries at the shortest wait until the engine must have noticed, and
/// every few seconds for a while after that.
///
/// A name or port that the configuration asks for is not given up. Where another tunnel holds it, perhaps the same one
/// of another host, this one is on standby: it asks again every few seconds, and takes over as soon as it is granted.
package struct TunnelStateMachine: Sendable {
    package enum State: Hashable, Sendable {
        case pending
        case opening
        case online(tunnelID: String)
        case rejected
        case draining
        case closed
    }

    package enum Action: Hashable, Sendable {
        case open(TunnelProperties)
        /// Open the tunnel again after this wait, and log the failure if there is one: the cause is new.
        case scheduleRetry(generation: Int, after: Duration, Failure?)
        case close(tunnelID: String)
        /// The tunnel is online.
        case opened(TunnelProperties, Opening)
    }

    /// Why the tunnel is not online; logged once for each cause.
    package struct Failure: Hashable, Sendable {
        package let error: RstreamError
        /// Whether the engine may still hold the address for a session that was lost. The failure then belongs to that
        /// outage, which was logged.
        package let followsLoss: Bool
        /// Whether another tunnel holds what the configuration asks for, which is no failure of this one.
        package let isStandby: Bool

        package init(_ error: RstreamError, followsLoss: Bool = false, isStandby: Bool = false) {
            (self.error, self.followsLoss, self.isStandby) = (error, followsLoss, isStandby)
        }
    }

    /// How a tunnel that came online differs from before.
    package enum Opening: Hashable, Sendable {
        /// It was not online before, or was logged as down.
        case first
        /// It does not: only its session was lost and is restored, which is logged for the session.
        case again
        /// It has another address than before.
        case moved
        /// It was on standby, and the tunnel that held its name or port is gone.
        case tookOver
    }

    /// An address that the engine chose last time, or that was generated.
    private struct Allocation: Hashable, Sendable {
        var hostname: String?
        var port: UInt32?
    }

    package private(set) var state: State = .pending {
        didSet { if case .online = state {} else { granted = nil } }
    }
    private let wanted: TunnelProperties
    private var policy: ReconnectPolicy
    private var backoff: Backoff
    /// Used while the engine may not have noticed that the previous session is lost.
    private var returning: Backoff
    /// How long the engine may still take to notice that the previous session is lost; each wait is subtracted.
    private var unnoticed = Duration.zero
    /// Whether a session was lost, and not closed, since the tunnel was last online.
    private var hasLostSession = false
    private var generation = 0
    private var isChannelOpen = false
    private var allocation: Allocation?
    /// The `allocation` from before, while the tunnel is requested without it.
    private var setAside: Allocation?
    /// The address at which the tunnel was last online.
    private var served: Allocation?
    /// Whether it was ever online.
    private var hasServed = false
    /// How often in a row the engine reported that another tunnel holds the address.
    private var conflicts = 0
    /// Why the tunnel is not online, since it last was.
    package private(set) var lastFailure: Failure?
    /// What the engine granted, while the tunnel is online.
    package private(set) var granted: TunnelProperties?
    /// Whether the tunnel was last logged as online.
    private var isLoggedOnline = false
    /// Whether the latest answer of the engine is that another tunnel holds what the configuration asks for. While it
    /// asks again, the tunnel is still on standby.
    package private(set) var isOnStandby = false

    /// Conflicts in a row after which another client holds the address, and an allocated one is given up. With the
    /// default backoff they take about a minute, longer than an engine needs to notice that a session is lost.
    package static let conflictLimit = 24

    /// The longest step between attempts until then, unless the configured minimum is longer.
    private static let returningMaximum = Duration.seconds(5)

    /// The longest wait between attempts on standby, unless the configured waits are shorter or longer; the shortest is
    /// a third of it. It is short, because it is how long visitors find no tunnel after the other one was closed. The
    /// request is one small frame on a channel that is open anyway.
    package static let standbyMaximum = Duration.seconds(3)

    private static func returning(_ policy: ReconnectPolicy) -> Backoff {
        Backoff(minimum: policy.minimum, maximum: min(policy.maximum, returningMaximum))
    }

    /// Makes a tunnel that requests `stableHostname` unless `wanted` has a host name, and gives it up when it is
    /// refused.
    package init(wanted: TunnelProperties, stableHostname: String? = nil, policy: ReconnectPolicy) {
        self.wanted = wanted
        allocation = stableHostname.map { Allocation(hostname: $0) }
        self.policy = policy
        backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        returning = Self.returning(policy)
    }

    /// Takes over the address of the tunnel that this one replaces, if its own properties allow it, so that visitors
    /// keep it.
    package mutating func inherit(from predecessor: TunnelStateMachine) {
        guard takesAllocation, predecessor.takesAllocation, isTCP == predecessor.isTCP else { return }
        allocation = predecessor.allocation ?? allocation
        served = predecessor.served
    }

    /// The address that the engine chose, or that was generated; nil when it is configured, or none was granted yet.
    package var chosenAddress: (hostname: String?, port: UInt32?)? { allocation.map { ($0.hostname, $0.port) } }

    /// Goes on with the address that the process before this one was granted, if its own properties leave it to the
    /// engine.
    package mutating func resume(hostname: String?, port: UInt32?) {
        guard takesAllocation else { return }
        let before = isTCP ? Allocation(port: port) : Allocation(hostname: hostname)
        guard before != Allocation() else { return }
        (allocation, served, hasServed) = (before, before, true)
    }

    /// Requests a generated host name from now on, unless the tunnel has a name already.
    package mutating func suggest(hostname: String) {
        guard allocation == nil, takesAllocation, !isTCP else { return }
        allocation = Allocation(hostname: hostname)
    }

    /// The configured waits changed. A wait that runs goes on.
    package mutating func policyChanged(_ policy: ReconnectPolicy) {
        self.policy = policy
        backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        returning = Self.returning(policy)
    }

    /// Whether the tunnel waits for its next attempt.
    package var isWaiting: Bool { isChannelOpen && (state == .pending || state == .rejected) }

    /// Whether the engine refused it for its session's credential.
    package var needsOtherCredential: Bool { state == .rejected && lastFailure?.error.engineCode == .unauthorized }

    /// A reload or an operator asks for an attempt now.
    package mutating func retryRequested() -> [Action] {
        guard isWaiting else { return [] }
        return open()
    }

    /// The session has a channel again, `outage` after it lost the one before.
    package mutating func channelOpened(after outage: Duration = .zero) -> [Action] {
        isChannelOpen = true
        if outage > .zero, hasLostSession {
            unnoticed = max(.zero, unnoticed - outage)
            // The engine has noticed: if the address is taken, it is by another tunnel.
            if unnoticed == .zero { hasLostSession = false }
        }
        switch state {
        case .pending, .rejected: return open()
        case .opening, .online, .draining, .closed: return []
        }
    }

    /// The engine may hold the tunnel's address for the session that was lost until `noticed` from now.
    package mutating func channelLost(noticedAfter noticed: Duration = .zero) -> [Action] {
        isChannelOpen = false
        // What is on standby holds nothing.
        if !isOnStandby {
            unnoticed = max(unnoticed, noticed)
            hasLostSession = hasLostSession || noticed > .zero
        }
        isOnStandby = false
        generation += 1
        takeBack()
        switch state {
        case .pending, .opening, .online, .rejected: state = .pending
        case .draining: state = .closed
        case .closed: break
        }
        return []
    }

    package mutating func opened(_ properties: TunnelProperties) -> [Action] {
        guard state == .opening, let tunnelID = properties.id else {
            // It was granted while the tunnel was draining.
            return properties.id.map { [.close(tunnelID: $0)] } ?? []
        }
        state = .online(tunnelID: tunnelID)
        granted = properties
        hasServed = true
        setAside = nil
        backoff.reset()
        returning.reset()
        unnoticed = .zero
        hasLostSession = false
        conflicts = 0
        lastFailure = nil
        let before = served
        allocation = allocated(in: properties)
        served = allocation
        defer { (isLoggedOnline, isOnStandby) = (true, false) }
        if before != nil, before != served { return [.opened(properties, .moved)] }
        if isOnStandby { return [.opened(properties, .tookOver)] }
        return [.opened(properties, isLoggedOnline ? .again : .first)]
    }

    package mutating func openFailed(
        _ error: RstreamError,
        using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        switch state {
        case .opening: break
        case .draining:
            state = .closed
            return []
        case .pending, .online, .rejected, .closed: return []
        }
        // Until the engine must have noticed the loss, a conflict does not say who holds the address.
        if Self.isConflict(error), unnoticed <= .zero { conflicts += 1 }
        if allocation != nil, conflicts >= Self.conflictLimit {
            allocation = nil
            conflicts = 0
            return open()
        }
        if allocation != nil, error.retry != .afterBackoff {
            (setAside, allocation) = (allocation, nil)
            return open()
        }
        // The address was not the cause.
        takeBack()
        return retry(after: error, using: &generator)
    }

    private mutating func takeBack() {
        allocation = allocation ?? setAside
        setAside = nil
    }

    /// The engine ended the tunnel while its channel goes on.
    package mutating func ended(
        _ error: RstreamError?,
        using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        switch state {
        case .online:
            guard let error else {
                state = .closed
                return []
            }
            return retry(after: error, using: &generator)
        case .draining:
            state = .closed
            return []
        case .pending, .opening, .rejected, .closed: return []
        }
    }

    package mutating func retryTimerFired(generation fired: Int) -> [Action] {
        guard fired == generation, isWaiting else { return [] }
        return open()
    }

    package mutating func drainRequested() -> [Action] {
        generation += 1
        isOnStandby = false
        switch state {
        case .online(let tunnelID):
            state = .draining
            return [.close(tunnelID: tunnelID)]
        case .opening:
            // The engine may still grant the tunnel, which then has to be closed and holds its address until it is.
            state = .draining
            return []
        case .pending, .rejected:
            state = .closed
            return []
        case .draining, .closed: return []
        }
    }

    private mutating func open() -> [Action] {
        generation += 1
        state = .opening
        var properties = wanted
        properties.hostname = properties.hostname ?? allocation?.hostname
        properties.port = properties.port ?? allocation?.port
        return [.open(properties)]
    }

    private var isTCP: Bool { wanted.protocol == TunnelProtocol.tcp.rawValue }

    /// Whether the address is left to the engine or to a generator.
    private var takesAllocation: Bool {
        wanted.publish != false && (isTCP ? wanted.port == nil : wanted.hostname == nil)
    }

    private func allocated(in granted: TunnelProperties) -> Allocation? {
        guard takesAllocation else { return nil }
        if isTCP {
            guard let port = granted.port, port > 0 else { return nil }
            return Allocation(port: port)
        }
        guard let hostname = granted.hostname, !hostname.isEmpty else { return nil }
        return Allocation(hostname: hostname)
    }

    private static func isConflict(_ error: RstreamError) -> Bool {
        error.retry == .afterBackoff
            && (error.engineCode == .resourceConflict || error.engineCode == .invalidRequest)
    }

    /// Whether the engine may hold the address for a session of this daemon, of this process or the one before.
    private func mayBeOurs(_ error: RstreamError) -> Bool {
        Self.isConflict(error) && conflicts < Self.conflictLimit
            && ((hasServed && hasLostSession) || allocation != nil)
    }

    private mutating func waitForNext(
        after error: RstreamError,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        if isOnStandby {
            let longest = min(max(Self.standbyMaximum, policy.minimum), policy.maximum)
            return longest * Double.random(in: (1.0 / 3)...1, using: &generator)
        }
        guard mayBeOurs(error) else { return backoff.next(using: &generator) }
        guard unnoticed > .zero else { return returning.next(using: &generator) }
        var first = Backoff(minimum: policy.minimum, maximum: policy.minimum)
        let wait = first.next(using: &generator)
        unnoticed -= wait
        return wait
    }

    private mutating func retry(
        after error: RstreamError,
        using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        generation += 1
        // An address that is not in the configuration is not worth waiting for.
        isOnStandby = Self.isConflict(error) && !takesAllocation && !mayBeOurs(error)
        let wait: Duration
        switch error.retry {
        case .afterBackoff:
            state = .pending
            wait = waitForNext(after: error, using: &generator)
        case .afterReload, .never:
            state = .rejected
            wait = policy.rejected
        }
        let failure = Failure(
            error,
            followsLoss: hasLostSession && mayBeOurs(error),
            isStandby: isOnStandby
        )
        defer { (lastFailure, isLoggedOnline) = (failure, false) }
        return [.scheduleRetry(generation: generation, after: wait, lastFailure == failure ? nil : failure)]
    }
}
