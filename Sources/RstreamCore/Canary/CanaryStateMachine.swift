// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// When the canary of a session is tried.
package struct CanaryPolicy: Hashable, Sendable {
    /// From the end of one attempt to the next, more or less a tenth.
    package var interval: Duration

    package init(interval: Duration) {
        self.interval = interval
    }
}

/// Decides when a session sends a canary, a stream of its own through the engine and back, and what its outcomes mean.
///
/// One attempt at a time, and only while the session is online: a session that is not has an outage, which says more. A
/// single failure may be an accident and changes nothing; the second in a row is reported, and the first attempt that
/// passes ends that. A refusal is reported at once, because waiting does not help. Nothing else follows from a failure:
/// no session and no tunnel is touched.
///
/// An operator may ask for an attempt at any time, also where there is no policy; it counts like any other where there
/// is one, and not at all where there is none.
package struct CanaryStateMachine: Sendable {
    package enum Action: Hashable, Sendable {
        /// Report ``timerFired(generation:)`` after this time.
        case schedule(generation: Int, after: Duration)
        /// Report ``ended(attempt:_:using:)`` when it has ended, after ``timeout`` at the latest.
        case start(attempt: Int)
        /// Nothing more is to be reported of the attempt that runs, and it has to end.
        case stopAttempt
        /// The tunnel of the canary is not needed any more.
        case closeTunnel
        /// For the log.
        case report(Change)
    }

    package enum Change: Hashable, Sendable {
        case beganToFail(CanaryFailure, failures: Int)
        case passesAgain(failures: Int)
    }

    /// What the attempts since the session came online amount to.
    package struct Verdict: Hashable, Sendable {
        /// Nil before the first.
        package var last: CanaryOutcome?
        /// Failures since the last attempt that passed.
        package var failures = 0
        /// Whether an operator should know.
        package var isFailing = false

        package init() {}
    }

    private enum State: Hashable, Sendable {
        /// The session is not online.
        case resting
        /// It is, and there is no policy.
        case off
        case waiting
        case trying(isAsked: Bool)
    }

    /// How long an attempt may take, opening its tunnel included.
    package static let timeout = Duration.seconds(10)
    /// Failures in a row that are reported.
    package static let failuresToReport = 2
    /// What part of the interval the first wait lasts, so that sessions that came online together do not stay in step.
    private static let firstPart = 0.1...1.0
    private static let part = 0.9...1.1

    private var policy: CanaryPolicy?
    private var state = State.resting
    /// Counts timers and attempts; one that is older than the last has nothing more to say.
    private var generation = 0
    /// Nil while there is no policy.
    package private(set) var verdict: Verdict?

    package init() {}

    /// Whether an attempt runs.
    package var isTrying: Bool { if case .trying = state { true } else { false } }

    /// A reload has turned the canary on or off, or changed its interval.
    package mutating func policyChanged(
        _ next: CanaryPolicy?,
        using random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard policy != next else { return [] }
        policy = next
        verdict = next == nil ? nil : verdict ?? Verdict()
        guard let next else { return turnOff() }
        switch state {
        case .resting, .trying: return []
        case .off, .waiting: return [wait(next, Self.firstPart, using: &random)]
        }
    }

    private mutating func turnOff() -> [Action] {
        switch state {
        case .resting, .off, .trying(isAsked: true): return []
        case .waiting:
            state = .off
            return [.closeTunnel]
        case .trying(isAsked: false):
            state = .off
            return [.stopAttempt, .closeTunnel]
        }
    }

    /// Says whether the session is online; may be said again and again.
    package mutating func sessionChanged(
        isOnline: Bool,
        using random: inout some RandomNumberGenerator
    ) -> [Action] {
        switch (state, isOnline) {
        case (.resting, true):
            guard let policy else {
                state = .off
                return []
            }
            return [wait(policy, Self.firstPart, using: &random)]
        case (.off, false): return rest([])
        case (.waiting, false): return rest([.closeTunnel])
        case (.trying, false): return rest([.stopAttempt, .closeTunnel])
        case (.resting, false), (.off, true), (.waiting, true), (.trying, true): return []
        }
    }

    private mutating func rest(_ actions: [Action]) -> [Action] {
        state = .resting
        // What was found belongs to a control channel that is gone.
        if verdict != nil { verdict = Verdict() }
        return actions
    }

    package mutating func timerFired(generation: Int) -> [Action] {
        guard state == .waiting, generation == self.generation else { return [] }
        return [start(isAsked: false)]
    }

    /// An operator asks for an attempt. Nil where none can be made, because the session is not online; an attempt that
    /// runs already is the one.
    package mutating func requested() -> [Action]? {
        switch state {
        case .resting: return nil
        case .off, .waiting: return [start(isAsked: true)]
        case .trying:
            state = .trying(isAsked: true)
            return []
        }
    }

    package mutating func ended(
        attempt: Int,
        _ outcome: CanaryOutcome,
        using random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard isTrying, attempt == generation else { return [] }
        guard let policy else {
            state = .off
            return [.closeTunnel]
        }
        return judge(outcome) + [wait(policy, Self.part, using: &random)]
    }

    /// Whether this is the attempt that runs.
    package func isCurrent(attempt: Int) -> Bool { isTrying && attempt == generation }

    private mutating func judge(_ outcome: CanaryOutcome) -> [Action] {
        let before = verdict ?? Verdict()
        var next = Verdict()
        next.last = outcome
        defer { verdict = next }
        switch outcome {
        case .passed: return before.isFailing ? [.report(.passesAgain(failures: before.failures))] : []
        case .failed(let failure):
            next.failures = min(before.failures, .max - 1) + 1
            next.isFailing =
                before.isFailing || failure.reason == .refused || next.failures >= Self.failuresToReport
            guard next.isFailing, !before.isFailing else { return [] }
            return [.report(.beganToFail(failure, failures: next.failures))]
        }
    }

    private mutating func start(isAsked: Bool) -> Action {
        generation += 1
        state = .trying(isAsked: isAsked)
        return .start(attempt: generation)
    }

    private mutating func wait(
        _ policy: CanaryPolicy,
        _ part: ClosedRange<Double>,
        using random: inout some RandomNumberGenerator
    ) -> Action {
        generation += 1
        state = .waiting
        return .schedule(generation: generation, after: policy.interval * Double.random(in: part, using: &random))
    }
}
