// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
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
}

/// One run of a plan: a daemon, an engine, upstreams and the network between them, on one clock, in one thread.
///
/// After each step it is checked that the daemon says what is true (``SimulatedDaemon/check()``); the engine and the
/// network complain of what must not arrive. When it has got quiet, everything has to be served within
/// ``longestRecovery``, and then the daemon has to stop in order.
final class SimulatedWorld {
    enum Upstream {
        case accepts
        case refuses
        case isSilent
    }

    /// How a run went.
    struct Outcome {
        var complaint: String?
        var history: [String] = []
        /// From the quiet until everything was served, in milliseconds.
        var recovery = 0
        /// Streams that were joined.
        var streams = 0
    }

    private static let epoch = UTCTime(seconds: 1_700_000_000)
    /// Most that a run takes; more is a run that does not end.
    private static let mostSteps = 100_000

    let plan: SimulatedPlan
    let mistake: SimulatedMistake?
    var random: SplitMix
    var upstreams: [String: Upstream] = [:]
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
    private(set) lazy var daemon = SimulatedDaemon(self)

    private init(_ plan: SimulatedPlan, mistake: SimulatedMistake?, isRecording: Bool) {
        (self.plan, self.mistake, self.isRecording) = (plan, mistake, isRecording)
        random = SplitMix(seed: plan.seed &+ 0x5EED)
    }

    static func run(_ plan: SimulatedPlan, mistake: SimulatedMistake? = nil, isRecording: Bool = false) -> Outcome {
        let world = SimulatedWorld(plan, mistake: mistake, isRecording: isRecording)
        world.run()
        return world.outcome
    }

    // MARK: Time

    var now: Int { agenda.now }
    var instant: ContinuousClock.Instant { start + .milliseconds(now) }
    var utc: UTCTime { Self.epoch.advanced(by: .milliseconds(now + utcOffset)) }

    func enter(at time: Int, _ owner: Agenda.Owner, _ call: @escaping () -> Void) {
        agenda.enter(at: time, owner, call)
    }

    func enter(after delay: Int, _ owner: Agenda.Owner, _ call: @escaping () -> Void) {
        agenda.enter(at: now + delay, owner, call)
    }

    func enterForDaemon(after delay: Int, _ call: @escaping () -> Void) {
        agenda.enter(at: now + delay, .daemon(process: daemon.process), call)
    }

    /// A step of the daemon that follows this one, in order.
    func later(_ call: @escaping () -> Void) { enterForDaemon(after: 1, call) }

    /// A step of the daemon that follows this one in no certain order, as child tasks report.
    func sometime(_ call: @escaping () -> Void) {
        enterForDaemon(after: Int.random(in: 0...3, using: &random), call)
    }

    func timer(after delay: Int, _ call: @escaping () -> Void) -> SimulatedTimer {
        let timer = SimulatedTimer(due: now + delay)
        enterForDaemon(after: delay) {
            guard timer.isArmed else { return }
            timer.cancel()
            call()
        }
        return timer
    }

    func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// How long the daemon was suspended, all in all: no more than it can have been since then.
    func asleep(since time: Int) -> Int { min(daemon.slept, now - time) }

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
        daemon.begin()
        var steps = 0
        while !isOver, let entry = agenda.next() {
            steps += 1
            guard steps < Self.mostSteps else { return complain("the run does not end") }
            if case .daemon(let process) = entry.owner {
                guard process == daemon.process else { continue }
                if let end = daemon.suspendedUntil, now < end {
                    agenda.enter(at: end, entry.owner, entry.call)
                    continue
                }
            }
            entry.call()
            daemon.check()
        }
        outcome.streams = joined.count
        agenda.clear()
        daemon.clear()
    }

    // MARK: Trouble

    private func host(_ tunnel: Int) -> String { daemon.hosts[tunnel % daemon.hosts.count] }

    private func happen(_ event: SimulatedPlan.Event) {
        if case .visit = event {} else { note("--- \(event)") }
        switch event {
        case .visit(let tunnel): engine.visit(host(tunnel))
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
        case .endTunnel(let tunnel): engine.endTunnel(host(tunnel))
        case .closeChannel: engine.closeChannel()
        case .refuseUpstream(let tunnel, let lasting):
            during(lasting) { [self] in upstreams[host(tunnel)] = $0 ? .refuses : .accepts }
        case .silenceUpstream(let tunnel, let lasting):
            during(lasting) { [self] in upstreams[host(tunnel)] = $0 ? .isSilent : .accepts }
        case .suspend(let lasting): daemon.suspend(until: now + lasting)
        case .crash(let down): daemon.crash(down: down)
        case .jump(let step): utcOffset += step
        case .networkChange: daemon.send { .networkChanged }
        case .retry: daemon.send { .retryRequested }
        case .changeFiles: daemon.send { .filesChanged }
        case .renew: daemon.send { .renewRequested }
        case .replace(let tunnel): daemon.replace(host(tunnel))
        }
    }

    private func during(_ time: Int, _ change: @escaping (Bool) -> Void) {
        change(true)
        enter(after: time, .world) { change(false) }
    }

    // MARK: The end

    /// Within this everything is served again: a request that the engine has swallowed fails after its timeout, and then the
    /// session waits for its next attempt, and a tunnel for its own.
    static func longestRecovery(_ plan: SimulatedPlan) -> Int {
        let wait = plan.hasRejection ? SimulatedSession.policy.rejected : SimulatedSession.policy.maximum
        return SimulatedChannel.answerTimeout + 2 * wait.milliseconds + 15_000
    }

    private func becomeQuiet() {
        note("--- quiet")
        network.heal()
        engine.restart()
        (engine.rejectsSessions, engine.rejectsTunnels, engine.swallowsRequests) = (nil, nil, false)
        (engine.lateness, engine.repeatsOffers) = (0, false)
        upstreams = [:]
        // A connection that a router has forgotten looks alive until then.
        enter(after: ModelEngine.liveness + 1_000, .world) { self.awaitRecovery() }
    }

    private func awaitRecovery() {
        let past = now - SimulatedPlan.quiet
        if daemon.isServing {
            outcome.recovery = past
            note("--- everything is served")
            return awaitIdleness()
        }
        guard past <= Self.longestRecovery(plan) else {
            return complain("not everything is served \(past) ms after the last trouble: \(daemon.text)")
        }
        enter(after: 250, .world) { self.awaitRecovery() }
    }

    /// Streams of before may still take the places of handshakes.
    private func awaitIdleness() {
        if daemon.isIdle { return visitAll() }
        enter(after: 250, .world) { self.awaitIdleness() }
    }

    private func visitAll() {
        let visits = daemon.hosts.map { ($0, engine.visit($0)) }
        enter(after: 3_000, .world) { [self] in
            for (host, id) in visits where id.map({ !joined.contains($0) }) ?? true {
                complain("a visitor of \(host) was not served: \(id ?? "no tunnel")")
            }
            if !engine.unanswered.isEmpty { complain("streams have no answer: \(engine.unanswered)") }
            stop()
        }
    }

    private func stop() {
        note("--- stop")
        daemon.send { .drainRequested }
        enter(after: 6_000, .world) { self.daemon.send { .drained } }
        enter(after: 18_000, .world) { [self] in
            if !daemon.isStopped { complain("the daemon did not stop: \(daemon.text)") }
            if engine.hasChannels { complain("the engine has a session of a daemon that has stopped") }
            isOver = true
        }
    }
}
