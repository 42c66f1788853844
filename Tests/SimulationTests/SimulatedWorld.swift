// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemon
import RstreamModel
import RstreamTestSupport

/// Mistakes that a daemon could make, each of which a simulation has to find.
enum SimulatedMistake: CaseIterable {
    case dialsEarly
    case neverRetries
    case forgetsSchedule
    case missesLoss
    case ignoresSilence
    case opensTwice
    case forgetsAnswers
    case answersTwice
    case sendsAfterEnd
    case opensEarly
    case forgetsTakeBack
    case ignoresLimit
    case appliesNothing
    case leaksLease
    case keepsWarm
    case losesReload
    case outlivesFailure
}

/// One run of a plan: a host with the processes of a daemon, an engine, upstreams and the network between them, on one
/// clock, in one thread.
///
/// After each step it is checked that each process says what is true (``SimulatedProcess/check()``); the engine and the
/// network complain of what must not arrive. When it has got quiet, everything that the files want has to be served within
/// ``longestRecovery(_:)``, and then the daemon has to stop in order.
final class SimulatedWorld {
    /// How a run went.
    struct Outcome {
        var complaint: String?
        var history: [String] = []
        /// From the quiet until everything was served, in milliseconds.
        var recovery = 0
        /// Calls of the agenda.
        var steps = 0
        /// Streams that were joined.
        var streams = 0
        /// Programs whose private dials came about.
        var dials = 0
    }

    private static let epoch = UTCTime(seconds: 1_700_000_000)
    /// Any instant: what happens depends on differences.
    private static let start = ContinuousClock.now
    /// Most that a run takes; more is a run that does not end.
    private static let mostSteps = 400_000

    let plan: SimulatedPlan
    let mistake: SimulatedMistake?
    var random: SplitMix
    /// Streams whose halves were joined.
    var joined: Set<String> = []
    private let isRecording: Bool
    private var agenda = Agenda()
    private var outcome = Outcome()
    private var utcOffset = 0
    private var lastNumber = 0
    private var isOver = false
    private(set) lazy var network = SimulatedNetwork(self)
    private(set) lazy var engine = ModelEngine(self)
    private(set) lazy var upstreams = ModelUpstreams(self)
    private(set) lazy var host = SimulatedHost(self)

    private init(_ plan: SimulatedPlan, mistake: SimulatedMistake?, isRecording: Bool) {
        (self.plan, self.mistake, self.isRecording) = (plan, mistake, isRecording)
        random = SplitMix(seed: plan.seed &+ 0x5EED)
    }

    static func run(_ plan: SimulatedPlan, mistake: SimulatedMistake? = nil, isRecording: Bool = false) -> Outcome {
        let world = SimulatedWorld(plan, mistake: mistake, isRecording: isRecording)
        world.run()
        return world.outcome
    }

    /// How many objects are there still when a world is over: a run of very many worlds has no memory for any.
    static func leftovers(_ plan: SimulatedPlan) -> Int {
        struct Held { weak var object: AnyObject? }
        func run() -> [Held] {
            let world = SimulatedWorld(plan, mistake: nil, isRecording: false)
            world.run()
            let processes = world.host.processes.values
            return processes.map { Held(object: $0) } + processes.flatMap(\.halves).map { Held(object: $0) }
        }
        return run().count { $0.object != nil }
    }

    // MARK: Time

    var now: Int { agenda.now }
    var instant: ContinuousClock.Instant { Self.start + .milliseconds(now) }
    var utc: UTCTime { Self.epoch.advanced(by: .milliseconds(now + utcOffset)) }

    func enter(at time: Int, _ owner: Agenda.Owner, _ call: @escaping () -> Void) {
        agenda.enter(at: time, owner, call)
    }

    func enter(after delay: Int, _ owner: Agenda.Owner, _ call: @escaping () -> Void) {
        agenda.enter(at: now + delay, owner, call)
    }

    func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// How long the daemon was suspended, all in all: no more than it can have been since then.
    func asleep(since time: Int) -> Int { min(host.slept, now - time) }

    // MARK: What is said

    /// Keeps the first complaint; what follows it is mostly its echo.
    func complain(_ complaint: String) {
        guard outcome.complaint == nil else { return }
        outcome.complaint = "\(now) ms: \(complaint)"
        note("WRONG: \(complaint)")
        isOver = true
    }

    func note(_ text: @autoclosure () -> String) {
        if isRecording { outcome.history.append("\(now) ms  \(text())") }
    }

    // MARK: The run

    private func run() {
        for item in plan.items { enter(at: item.time, .world) { self.happen(item.event) } }
        enter(at: SimulatedPlan.quiet, .world) { self.becomeQuiet() }
        host.scheduleStart(after: 0)
        var steps = 0
        while !isOver, let entry = agenda.next() {
            steps += 1
            guard steps < Self.mostSteps else { return complain("the run does not end") }
            if case .process(let process) = entry.owner {
                guard host.isAlive(process) else { continue }
                if let end = host.suspendedUntil, now < end {
                    agenda.enter(at: end, entry.owner, entry.call)
                    continue
                }
            }
            entry.call()
            outcome.steps += 1
            // What the others say has not changed.
            if case .process(let process) = entry.owner { host.check(process) }
        }
        outcome.streams = joined.count
        outcome.dials = host.dialed
        agenda.clear()
        host.clear()
    }

    // MARK: Trouble

    private func name(_ tunnel: Int) -> String { "tunnel\(tunnel % plan.allTunnels)" }

    private func happen(_ event: SimulatedPlan.Event) {
        switch event {
        case .visit, .dial: break
        default: note("--- \(event)")
        }
        switch event {
        case .visit(let tunnel): engine.visit(name(tunnel))
        case .dial(let time): host.connect(to: host.files.listeners[0].port, leavingAfter: time)
        case .blackHole(let toEngine, let lasting): network.blackHole(toEngine: toEngine, until: now + lasting)
        case .slowNetwork(let delay, let lasting): during(lasting) { self.network.slow(by: $0 ? delay : 0) }
        case .reset(let message, let learning): network.reset(message: message, learning)
        case .restartEngine(let down, let keepsMemory, let isSilent):
            during(down) { [self] in
                if $0 { engine.stop(keepsMemory: keepsMemory, isSilent: isSilent) } else { engine.restart() }
            }
        case .rejectSessions(let code, let lasting): during(lasting) { self.engine.rejectsSessions = $0 ? code : nil }
        case .rejectTunnels(let code, let lasting): during(lasting) { self.engine.rejectsTunnels = $0 ? code : nil }
        case .swallowRequests(let lasting): during(lasting) { self.engine.swallowsRequests = $0 }
        case .answerLate(let delay, let lasting): during(lasting) { self.engine.lateness = $0 ? delay : 0 }
        case .repeatOffers(let lasting): during(lasting) { self.engine.repeatsOffers = $0 }
        case .losePatience(let lasting): during(lasting) { self.engine.isImpatient = $0 }
        case .endTunnel(let tunnel): engine.endTunnel(name(tunnel))
        case .closeChannel: engine.closeChannel()
        case .upstream(let tunnel, let port, let behaviour, let lasting):
            during(lasting) { [self] in
                upstreams.set($0 ? behaviour : .accepts, service: tunnel % plan.allTunnels, port: port)
            }
        case .suspend(let lasting): host.suspend(until: now + lasting)
        case .crash(let newest, let down): host.crash(newest: newest, down: down)
        case .jump(let step): utcOffset += step
        case .networkChange: host.tell(.networkChanged)
        case .retry: host.tell(.retry)
        case .changeFiles: host.tell(.filesChanged)
        case .renew: host.tell(.renew)
        case .edit(let edit): host.edit(edit)
        case .reload: host.mainProcess?.send(.reload)
        case .upgrade: host.upgrade()
        case .restart: host.restart()
        case .stop(let down): host.stop(down: down)
        }
    }

    private func during(_ time: Int, _ change: @escaping (Bool) -> Void) {
        change(true)
        enter(after: time, .world) { change(false) }
    }

    // MARK: The end

    /// Within this everything is served again: a request that the engine has swallowed fails after its timeout, and then the
    /// session waits for its next attempt, and a tunnel for its own. A take-over that is under way is called off first.
    static func longestRecovery(_ plan: SimulatedPlan) -> Int {
        let wait = plan.hasRejection ? SimulatedSession.policy.rejected : SimulatedSession.policy.maximum
        let recovery = SimulatedEngineHalf.answerTimeout + 2 * wait.milliseconds + 15_000
        return plan.hasTakeOver ? recovery + 120_000 : recovery
    }

    private func becomeQuiet() {
        note("--- quiet")
        network.heal()
        engine.restart()
        (engine.rejectsSessions, engine.rejectsTunnels, engine.swallowsRequests) = (nil, nil, false)
        (engine.lateness, engine.repeatsOffers, engine.isImpatient) = (0, false, false)
        upstreams.heal()
        host.heal()
        // A connection that a router has forgotten looks alive until then.
        enter(after: ModelEngine.liveness + 1_000, .world) { self.awaitRecovery() }
    }

    private func awaitRecovery() {
        let past = now - SimulatedPlan.quiet
        if host.isServing {
            outcome.recovery = past
            note("--- everything is served")
            return awaitIdleness(since: now)
        }
        guard past <= Self.longestRecovery(plan) else {
            return complain("not everything is served \(past) ms after the last trouble: \(host.text)")
        }
        enter(after: 250, .world) { self.awaitRecovery() }
    }

    /// The longest stream, and the longest that one is opened for.
    private static let longestStream = 60_000 + SimulatedChannel.longestStream

    /// Streams of before may still take places.
    private func awaitIdleness(since start: Int) {
        if host.mainProcess?.isIdle == true { return visitAll() }
        guard now - start <= Self.longestStream else { return complain("a stream does not end: \(host.text)") }
        enter(after: 250, .world) { self.awaitIdleness(since: start) }
    }

    private func visitAll() {
        for (name, pool) in host.mainProcess?.pools ?? [:] where !pool.isIdle {
            complain("\(name) has no streams, and its upstreams have")
        }
        let names = host.files.tunnels.filter(\.isEnabled).map(\.wanted.name)
        let visits = names.map { ($0, engine.visit($0)) }
        enter(after: 3_000, .world) { [self] in
            for (name, id) in visits where id.map({ !joined.contains($0) }) ?? true {
                complain("a visitor of \(name) was not served: \(id ?? "no tunnel")")
            }
            if !engine.unanswered.isEmpty { complain("streams have no answer: \(engine.unanswered)") }
            dialOnce()
        }
    }

    private func dialOnce() {
        guard host.files.tunnels.contains(where: { $0.wanted.name == "private" && $0.isEnabled }) else { return stop() }
        let before = host.dialed
        host.connect(to: host.files.listeners[0].port, leavingAfter: 4_000)
        enter(after: 3_000, .world) { [self] in
            if host.dialed == before { complain("a program that dials the private tunnel was not served") }
            stop()
        }
    }

    private func stop() {
        note("--- stop")
        host.stop(down: nil)
        enter(after: 18_000, .world) { [self] in
            if host.main != nil { complain("the daemon did not stop: \(host.text)") }
            if engine.hasChannels { complain("the engine has a session of a daemon that has stopped") }
            if !host.alive.isEmpty { complain("the daemon has stopped and left processes: \(host.text)") }
            isOver = true
        }
    }
}
