package import RstreamModel

/// Decides when one wanted tunnel is asked for, on a session that comes and goes (contract §4).
///
/// An address that the engine chose is asked for again at every reopening, because engines hand out a fresh one each
/// time (PROTOCOL.md §5.3) and visitors keep the old one. The same goes for a stable name that was generated
/// (CONFIG.md §10). No user asked for such an address, so the tunnel does without it when it is refused for whatever
/// reason, and is granted without; also when the engine reports for too long that somebody else holds it.
///
/// That somebody is mostly this daemon itself: an engine holds the addresses of a session that was lost until it
/// notices. So a tunnel that may well hold its address itself asks for it without backing off until the engine must
/// have noticed, every few seconds for a while after that, and is back soon after.
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
        /// Ask again after so long, and tell the failure, if it is news, together with that.
        case scheduleRetry(generation: Int, after: Duration, Failure?)
        case close(tunnelID: String)
        /// The tunnel serves.
        case opened(TunnelProperties, Opening)
    }

    /// Why the tunnel does not serve; told once for each cause.
    package struct Failure: Hashable, Sendable {
        package let error: RstreamError
        /// Whether the engine may just hold the address for a session that was lost: then this is a part of that outage,
        /// which was told.
        package let followsLoss: Bool

        package init(_ error: RstreamError, followsLoss: Bool = false) {
            (self.error, self.followsLoss) = (error, followsLoss)
        }
    }

    /// What is new about a tunnel that serves.
    package enum Opening: Hashable, Sendable {
        /// It did not serve before, or it was told that it does not.
        case first
        /// Nothing: only its session was away, and others tell about sessions.
        case again
        /// It has another address than before.
        case moved
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
    /// For as long as the engine may not have noticed that the session before is gone.
    private var returning: Backoff
    /// How long the engine may still take to notice that the session before is gone, in waits.
    private var unnoticed = Duration.zero
    /// Whether a session was lost, and not closed, since the tunnel last served.
    private var hasLostSession = false
    private var generation = 0
    private var isChannelOpen = false
    private var allocation: Allocation?
    /// What `allocation` was, while the engine is asked whether it grants the tunnel without.
    private var setAside: Allocation?
    /// The address under which visitors last reached the tunnel.
    private var served: Allocation?
    /// Whether it has ever served.
    private var hasServed = false
    /// How often in a row the engine said that the address is held by somebody else.
    private var conflicts = 0
    /// Why the tunnel does not serve, since the last time that it did.
    package private(set) var lastFailure: Failure?
    /// What the engine granted, while the tunnel is online.
    package private(set) var granted: TunnelProperties?
    /// Whether it was told that the tunnel serves, and nothing else since.
    private var isKnownToServe = false

    /// Conflicts in a row after which the address is not our own, and one that was allocated is given up. With the
    /// default backoff that takes a minute or so, longer than an engine needs to notice that a session is gone.
    package static let patience = 24

    /// The longest step between attempts until then, unless a longer minimum is configured.
    private static let returningMaximum = Duration.seconds(5)

    private static func returning(_ policy: ReconnectPolicy) -> Backoff {
        Backoff(minimum: policy.minimum, maximum: min(policy.maximum, returningMaximum))
    }

    /// A tunnel that asks for `stableHostname` unless `wanted` names one, and does without it when refused.
    package init(wanted: TunnelProperties, stableHostname: String? = nil, policy: ReconnectPolicy) {
        self.wanted = wanted
        allocation = stableHostname.map { Allocation(hostname: $0) }
        self.policy = policy
        backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        returning = Self.returning(policy)
    }

    /// Takes over the address of a tunnel that this one replaces, if it may have it: visitors keep the old one.
    package mutating func inherit(from predecessor: TunnelStateMachine) {
        guard takesAllocation, predecessor.takesAllocation, isTCP == predecessor.isTCP else { return }
        allocation = predecessor.allocation ?? allocation
        served = predecessor.served
    }

    /// Asks for a generated name from now on, unless there is a name already.
    package mutating func suggest(hostname: String) {
        guard allocation == nil, takesAllocation, !isTCP else { return }
        allocation = Allocation(hostname: hostname)
    }

    /// Other waits are wanted; those that run go on.
    package mutating func policyChanged(_ policy: ReconnectPolicy) {
        self.policy = policy
        backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        returning = Self.returning(policy)
    }

    /// Whether the next attempt is a matter of time.
    package var isWaiting: Bool { isChannelOpen && (state == .pending || state == .rejected) }

    /// Something changed that makes an attempt worth while at once: a reload, an operator.
    package mutating func retryRequested() -> [Action] {
        guard isWaiting else { return [] }
        return open()
    }

    package mutating func channelOpened() -> [Action] {
        isChannelOpen = true
        switch state {
        case .pending, .rejected: return open()
        case .opening, .online, .draining, .closed: return []
        }
    }

    /// The engine may hold the tunnel's address for the session that was lost until `noticed` from now.
    package mutating func channelLost(noticedAfter noticed: Duration = .zero) -> [Action] {
        isChannelOpen = false
        unnoticed = max(unnoticed, noticed)
        hasLostSession = hasLostSession || noticed > .zero
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
            // Granted while it was being drained: nobody wants it any more.
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
        defer { isKnownToServe = true }
        if before != nil, before != served { return [.opened(properties, .moved)] }
        return [.opened(properties, isKnownToServe ? .again : .first)]
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
        // Until then a conflict says nothing about whose address it is.
        if Self.isConflict(error), unnoticed <= .zero { conflicts += 1 }
        if allocation != nil, conflicts >= Self.patience {
            allocation = nil
            conflicts = 0
            return open()
        }
        if allocation != nil, error.retry != .afterBackoff {
            (setAside, allocation) = (allocation, nil)
            return open()
        }
        // It was not the address.
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
        switch state {
        case .online(let tunnelID):
            state = .draining
            return [.close(tunnelID: tunnelID)]
        case .opening:
            // What the engine grants now has to be closed, and holds its address until then.
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

    /// Whether the engine may be holding the address for a session of ours, of this process or of the one before.
    private func mayBeOurs(_ error: RstreamError) -> Bool {
        Self.isConflict(error) && conflicts < Self.patience && (hasServed || allocation != nil)
    }

    private mutating func waitForNext(
        after error: RstreamError,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
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
        let wait: Duration
        switch error.retry {
        case .afterBackoff:
            state = .pending
            wait = waitForNext(after: error, using: &generator)
        case .afterReload, .never:
            state = .rejected
            wait = policy.rejected
        }
        let failure = Failure(error, followsLoss: hasLostSession && mayBeOurs(error))
        defer { (lastFailure, isKnownToServe) = (failure, false) }
        return [.scheduleRetry(generation: generation, after: wait, lastFailure == failure ? nil : failure)]
    }
}
