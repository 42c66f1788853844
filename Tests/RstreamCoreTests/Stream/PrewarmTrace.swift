// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamCore
import RstreamModel
import RstreamTestSupport

/// When streams come, from the start of a trace.
struct PrewarmTrace: Sendable {
    let name: String
    let arrivals: [Duration]
    /// What follows the last stream, so that every connection that is left ages.
    static let silence = Duration.seconds(120)

    /// Streams that come independently of each other, `rate` a second.
    static func poisson(_ rate: Double, for length: Duration = .seconds(120)) -> Self {
        var random = SplitMix(seed: 7)
        var (now, arrivals) = (Duration.zero, [Duration]())
        while true {
            now += .seconds(-log(1 - Double.random(in: 0..<1, using: &random)) / rate)
            guard now < length else { break }
            arrivals.append(now)
        }
        return Self(name: "\(rate) a second", arrivals: arrivals)
    }

    /// `size` streams within `length`, each time after `silence`.
    static func bursts(
        of size: Int,
        within length: Duration,
        after silence: Duration,
        times: Int,
        _ name: String
    ) -> Self {
        let arrivals = (0..<times).flatMap { burst in
            (0..<size).map { silence * (burst + 1) + length * $0 / size }
        }
        return Self(name: name, arrivals: arrivals)
    }
}

/// Runs a machine through a trace with an engine whose handshakes take as long each time, and looks after its rules at
/// each step.
struct PrewarmRun {
    private enum Event {
        case arrival
        case dialed(PrewarmStateMachine.ConnectionID)
        case failed(PrewarmStateMachine.ConnectionID)
        case closed(PrewarmStateMachine.ConnectionID)
        /// A stream gives its connection back.
        case returned(PrewarmStateMachine.ConnectionID)
        case deadline
    }

    /// How the engine treats connections.
    struct Engine {
        var handshake = Duration.milliseconds(50)
        /// The age at which it closes silent connections; never if nil.
        var patience: Duration?
        var isDown = false
    }

    private(set) var machine: PrewarmStateMachine
    private let engine: Engine
    /// When streams give back what they got; they use it if nil.
    private let returns: Duration?
    private var lent: [(id: PrewarmStateMachine.ConnectionID, due: ContinuousClock.Instant)] = []
    private let start: ContinuousClock.Instant
    private var now: ContinuousClock.Instant
    private var dialing: [(id: PrewarmStateMachine.ConnectionID, due: ContinuousClock.Instant)] = []
    private var warm: [PrewarmStateMachine.ConnectionID: ContinuousClock.Instant] = [:]
    private(set) var dials = 0
    private(set) var mostAtOnce = 0
    private(set) var oldestTaken = Duration.zero
    /// The age at which the oldest one was dropped.
    private(set) var oldestKept = Duration.zero
    /// Warm connections that were taken.
    private(set) var taken = 0

    init(
        _ policy: TransportOptions.Prewarm = .init(),
        engine: Engine = Engine(),
        returns: Duration? = nil,
        loops: Int = 4
    ) {
        self.engine = engine
        self.returns = returns
        machine = PrewarmStateMachine(policy, loops: loops)
        start = .now
        now = start
    }

    mutating func run(_ trace: PrewarmTrace, silence: Duration = PrewarmTrace.silence) {
        var arrivals = trace.arrivals.map { start.advanced(by: $0) }[...]
        let end = (arrivals.last ?? start).advanced(by: silence)
        note(machine.started(at: start), at: start)
        while let (at, event) = next(arrivals.first), at <= end {
            if case .arrival = event { arrivals.removeFirst() }
            happened(event, at: at)
            mostAtOnce = max(mostAtOnce, machine.total)
        }
    }

    private func next(_ arrival: ContinuousClock.Instant?) -> (at: ContinuousClock.Instant, Event)? {
        var events: [(at: ContinuousClock.Instant, Event)] = []
        if let dial = dialing.first { events.append((dial.due, engine.isDown ? .failed(dial.id) : .dialed(dial.id))) }
        if let patience = engine.patience, let oldest = warm.min(by: { $0.value < $1.value }) {
            events.append((oldest.value.advanced(by: patience), .closed(oldest.key)))
        }
        if let first = lent.first { events.append((first.due, .returned(first.id))) }
        if let arrival { events.append((arrival, .arrival)) }
        if let deadline = machine.deadline(at: now) { events.append((max(deadline, now), .deadline)) }
        return events.min { $0.at < $1.at }
    }

    private mutating func happened(_ event: Event, at now: ContinuousClock.Instant) {
        self.now = now
        switch event {
        case .arrival:
            let (connection, action) = machine.arrived(at: now)
            note(action, at: now)
            guard let connection else { return }
            taken += 1
            if let since = warm[connection] { oldestTaken = max(oldestTaken, since.duration(to: now)) }
            if let returns { return lent.append((connection, now.advanced(by: returns))) }
            warm[connection] = nil
            note(machine.used(connection, at: now), at: now)
        case .returned(let id):
            lent.removeFirst()
            note(machine.returned(id, at: now), at: now)
        case .dialed(let id):
            dialing.removeFirst()
            warm[id] = now
            machine.dialed(id, at: now)
        case .failed(let id):
            dialing.removeFirst()
            machine.dialFailed(id, at: now)
        case .closed(let id):
            warm[id] = nil
            note(machine.closedByEngine(id, at: now), at: now)
        case .deadline: note(machine.timerFired(at: now), at: now)
        }
    }

    private mutating func note(_ action: PrewarmStateMachine.Action, at now: ContinuousClock.Instant) {
        for id in action.drops {
            if let since = warm.removeValue(forKey: id) { oldestKept = max(oldestKept, since.duration(to: now)) }
            dialing.removeAll { $0.id == id }
        }
        for dial in action.dials {
            dials += 1
            dialing.append((dial.id, now.advanced(by: engine.handshake)))
        }
    }
}
