// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Decides how many connections to the engine are kept warm, which one a stream gets, and when one is too old.
///
/// A warm connection has its TLS handshake behind it and said nothing yet, so it fits any stream. How many there should
/// be is said by ``PrewarmDemand``, or by the configuration with `fixed`. One that is used is replaced at once, unless
/// the traffic has gone. A stream that finds none dials for itself, and no connection is warmed on its account: a
/// visitor who comes alone costs one handshake.
///
/// A stream gets its connection before its local side is asked, which may refuse it. So the connection is *lent* until
/// the stream uses it: streams that are refused give theirs back and cost no handshake.
///
/// A connection lives on one event loop, as the stream does that takes it; the machine knows the loops by their indices.
/// The shell dials, closes, and calls ``timerFired(at:)`` at each deadline.
package struct PrewarmStateMachine: Sendable {
    package struct ConnectionID: Hashable, Sendable {
        package let number: UInt64
    }

    /// A connection to dial on an event loop.
    package struct Dial: Hashable, Sendable {
        package let id: ConnectionID
        package let loop: Int
    }

    package struct Action: Hashable, Sendable {
        package var dials: [Dial] = []
        /// Connections to close, warm or being dialed. Nothing more is said about them.
        package var drops: [ConnectionID] = []

        /// Nothing to do unless given.
        package init(dials: [Dial] = [], drops: [ConnectionID] = []) {
            (self.dials, self.drops) = (dials, drops)
        }
    }

    private struct Connection: Sendable {
        let id: ConnectionID
        let loop: Int
        let dialedAt: ContinuousClock.Instant
        /// Nil while it is being dialed.
        var warmSince: ContinuousClock.Instant?
    }

    private struct Loop: Sendable {
        var connections = 0
        /// The number of the last stream that came here.
        var lastArrival: UInt64 = 0
    }

    /// The shortest moment of ``PrewarmDemand``: handshakes within a host are faster than a browser's burst.
    private static let shortestMoment = Duration.milliseconds(100)
    private static let longestMoment = Duration.seconds(1)
    /// How long a stream that has got a connection may withhold its first frame: the engine has heard nothing for the
    /// connection's age and for this.
    private static let withholding = Duration.seconds(1)
    /// Connections that would live for less time than this are not worth their handshakes.
    private static let shortestLifetime = Duration.milliseconds(500)
    /// How long it is believed that the engine closes silent connections: one of them may have fallen to an accident.
    private static let memory = Duration.seconds(600)
    /// The pause after a failed dial, which doubles with each further one.
    private static let pauses = Duration.seconds(1)...Duration.seconds(60)

    private let policy: TransportOptions.Prewarm
    /// The most at a time: the policy's, or fewer.
    private var maximum: Int
    private var demand = PrewarmDemand()
    /// In the order of their dials.
    private var connections: [Connection] = []
    /// Given to streams, which have not used them yet.
    private var lent: [ConnectionID: Connection] = [:]
    private var loops: [Loop]
    private var arrivals: UInt64 = 0
    private var lastID: UInt64 = 0
    /// How long a handshake takes, on average of late; nil before the first.
    private var handshake: Duration?
    /// How long connections to this engine may be silent, and when that was learned.
    private var learned: (silence: Duration, at: ContinuousClock.Instant)?
    private var pause: (length: Duration, end: ContinuousClock.Instant)?
    /// Whether the control channel is open.
    private var isOpen = false
    package private(set) var counts = PrewarmCounts()

    /// Decides by `policy` for `loops` event loops, one at least.
    package init(_ policy: TransportOptions.Prewarm, loops: Int) {
        // A program may have set its fields to anything since it was made.
        self.policy = TransportOptions.Prewarm(mode: policy.mode, maximum: policy.maximum, maxAge: policy.maxAge)
        maximum = self.policy.maximum
        self.loops = Array(repeating: Loop(), count: max(loops, 1))
    }

    /// Connections that are warm, being dialed, or lent.
    package var total: Int { connections.count + lent.count }

    /// Connections that a stream could take.
    package var warm: Int { connections.count { $0.warmSince != nil } }

    /// When ``timerFired(at:)`` is to be called; nil when nothing is due.
    package func deadline(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let lifetime = lifetime(at: now)
        let oldest = connections.lazy.compactMap(\.warmSince).min()?.advanced(by: lifetime)
        let isShort = policy.mode == .fixed && isOpen && total < maximum
        let retry = isShort ? max(pause?.end ?? now, lifetime < Self.shortestLifetime ? forgetsAt ?? now : now) : nil
        return [oldest, retry].compactMap(\.self).min()
    }

    // MARK: Streams

    /// A stream came, for this event loop or for any.
    ///
    /// - Returns: The connection that it gets, or nil when it has to dial. What becomes of the connection is said by
    ///   ``used(_:at:)``, ``returned(_:at:)`` or ``closedByEngine(_:at:)``.
    package mutating func arrived(
        on loop: Int? = nil,
        at now: ContinuousClock.Instant
    ) -> (connection: ConnectionID?, action: Action) {
        let drops = dropAged(at: now)
        // The oldest: the others have more time left.
        let index = connections.firstIndex { $0.warmSince != nil && (loop == nil || $0.loop == loop) }
        let taken = index.map { remove(at: $0) }
        if let taken { lent[taken.id] = taken } else { counts.misses += 1 }
        arrivals += 1
        if let used = taken?.loop ?? loop, loops.indices.contains(used) { loops[used].lastArrival = arrivals }
        demand.arrived(at: now, moment: moment)
        return (taken?.id, Action(dials: refill(at: now), drops: drops))
    }

    /// A stream uses the connection that it got.
    package mutating func used(_ id: ConnectionID, at now: ContinuousClock.Instant) -> Action {
        lent[id] = nil
        counts.hits += 1
        return Action(dials: refill(at: now))
    }

    /// A stream gives its connection back: it has not used it.
    package mutating func returned(_ id: ConnectionID, at now: ContinuousClock.Instant) -> Action {
        guard let connection = lent.removeValue(forKey: id), total < maximum else {
            // All that there were when it was lent have been dropped since, or there is no room any more.
            counts.wasted += 1
            return Action(drops: [id])
        }
        let next = connections.firstIndex { $0.id.number > id.number } ?? connections.endIndex
        connections.insert(connection, at: next)
        loops[connection.loop].connections += 1
        let drops = dropAged(at: now)
        return Action(dials: refill(at: now), drops: drops)
    }

    /// A connection that a stream uses, which got it at this age, died before its first byte.
    package mutating func takenDied(age: Duration, at now: ContinuousClock.Instant) -> Action {
        counts.wasted += 1
        learn(age, at: now)
        return Action(drops: dropAged(at: now))
    }

    // MARK: Connections

    /// The control channel is open.
    package mutating func started(at now: ContinuousClock.Instant) -> Action {
        isOpen = true
        return Action(dials: refill(at: now))
    }

    /// The TLS handshake is over.
    package mutating func dialed(_ id: ConnectionID, at now: ContinuousClock.Instant) {
        guard let index = connections.firstIndex(where: { $0.id == id }), connections[index].warmSince == nil else {
            return
        }
        connections[index].warmSince = now
        let took = connections[index].dialedAt.duration(to: now)
        handshake = handshake.map { ($0 * 7 + took) / 8 } ?? took
        pause = nil
    }

    package mutating func dialFailed(_ id: ConnectionID, at now: ContinuousClock.Instant) {
        guard let index = connections.firstIndex(where: { $0.id == id }) else { return }
        remove(at: index)
        // Dials that were made together fail together.
        if let pause, now < pause.end { return }
        let length = pause.map { min($0.length * 2, Self.pauses.upperBound) } ?? Self.pauses.lowerBound
        pause = (length, now.advanced(by: length))
    }

    /// The engine closed a warm connection that no stream uses, or said something on it.
    package mutating func closedByEngine(_ id: ConnectionID, at now: ContinuousClock.Instant) -> Action {
        let index = connections.firstIndex { $0.id == id }
        let connection = index.map { remove(at: $0) } ?? lent.removeValue(forKey: id)
        guard let warmSince = connection?.warmSince else { return Action() }
        counts.wasted += 1
        learn(warmSince.duration(to: now), at: now)
        let drops = dropAged(at: now)
        return Action(dials: refill(at: now), drops: drops)
    }

    /// No more than `most` are affordable, one at least. The newest of those that are too many are dropped; lent ones
    /// are not.
    package mutating func limited(to most: Int, at now: ContinuousClock.Instant) -> Action {
        maximum = min(policy.maximum, max(1, most))
        var drops: [ConnectionID] = []
        while total > maximum, !connections.isEmpty { drops.append(remove(at: connections.count - 1).id) }
        counts.wasted += drops.count
        return Action(dials: refill(at: now), drops: drops)
    }

    /// What connections are dialed with has changed: none that there is may be used.
    package mutating func changed(at now: ContinuousClock.Instant) -> Action {
        let drops = dropAll()
        // Dials may have failed because of what has changed.
        pause = nil
        return Action(dials: refill(at: now), drops: drops)
    }

    package mutating func timerFired(at now: ContinuousClock.Instant) -> Action {
        let drops = dropAged(at: now)
        return Action(dials: refill(at: now), drops: drops)
    }

    /// The control channel has ended.
    package mutating func stopped() -> Action {
        isOpen = false
        return Action(drops: dropAll())
    }

    // MARK: How many, and how old

    private mutating func refill(at now: ContinuousClock.Instant) -> [Dial] {
        guard isOpen else { return [] }
        if let pause, now < pause.end { return [] }
        var dials: [Dial] = []
        let wanted = wanted(at: now)
        while total < wanted {
            lastID += 1
            // Where the fewest are; among those, where no stream came for longest, as accepted connections go round.
            let loop =
                loops.indices.min {
                    (loops[$0].connections, loops[$0].lastArrival) < (loops[$1].connections, loops[$1].lastArrival)
                } ?? 0
            let dial = Dial(id: ConnectionID(number: lastID), loop: loop)
            connections.append(Connection(id: dial.id, loop: loop, dialedAt: now, warmSince: nil))
            loops[loop].connections += 1
            dials.append(dial)
        }
        return dials
    }

    private mutating func wanted(at now: ContinuousClock.Instant) -> Int {
        let lifetime = lifetime(at: now)
        guard lifetime >= Self.shortestLifetime else { return 0 }
        switch policy.mode {
        case .off: return 0
        case .fixed: return maximum
        case .auto: return min(maximum, demand.expected(at: now, within: lifetime, moment: moment))
        }
    }

    private var moment: Duration {
        min(max(handshake ?? .zero, Self.shortestMoment), Self.longestMoment)
    }

    private var forgetsAt: ContinuousClock.Instant? { learned?.at.advanced(by: Self.memory) }

    /// How long a connection may be silent until the first frame of the stream that uses it.
    private func silence(at now: ContinuousClock.Instant) -> Duration {
        guard let learned, let forgetsAt, now < forgetsAt else { return policy.maxAge }
        return min(learned.silence, policy.maxAge)
    }

    /// The age at which a connection that no stream has taken is dropped.
    private func lifetime(at now: ContinuousClock.Instant) -> Duration {
        let silence = silence(at: now)
        return max(silence - Self.withholding, silence / 2)
    }

    /// The engine closed a connection that was silent for this long. The next ones end a good while earlier, so that
    /// none is closed while a stream takes it.
    private mutating func learn(_ age: Duration, at now: ContinuousClock.Instant) {
        let silence = age * 3 / 4
        if silence < self.silence(at: now) { learned = (silence, now) }
    }

    // MARK: The table

    private mutating func dropAged(at now: ContinuousClock.Instant) -> [ConnectionID] {
        let lifetime = lifetime(at: now)
        let aged = connections.filter { $0.warmSince.map { $0.duration(to: now) >= lifetime } ?? false }
        guard !aged.isEmpty else { return [] }
        for connection in aged { loops[connection.loop].connections -= 1 }
        connections.removeAll { $0.warmSince.map { $0.duration(to: now) >= lifetime } ?? false }
        counts.aged += aged.count
        return aged.map(\.id)
    }

    private mutating func dropAll() -> [ConnectionID] {
        defer {
            counts.wasted += connections.count
            connections = []
            // Streams may use what they have, and need not give it back.
            lent = [:]
            for loop in loops.indices { loops[loop].connections = 0 }
        }
        return connections.map(\.id)
    }

    @discardableResult
    private mutating func remove(at index: Int) -> Connection {
        let connection = connections.remove(at: index)
        loops[connection.loop].connections -= 1
        return connection
    }
}
