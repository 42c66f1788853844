// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("The canary of a session")
struct CanaryTests {
    private typealias Action = CanaryStateMachine.Action

    private static let policy = CanaryPolicy(interval: .seconds(30))
    private static let refused = CanaryFailure(
        RstreamError(code: .engine, origin: .engine, retry: .afterReload, what: "no")
    )

    /// A machine with its source of random numbers, and what it asked for last.
    private final class Run {
        var machine = CanaryStateMachine()
        var random = SplitMix(seed: 7)
        var generation = 0

        func follow(_ actions: [Action]) -> [Action] {
            for action in actions {
                switch action {
                case .schedule(let generation, _): self.generation = generation
                case .start(let attempt): generation = attempt
                case .stopAttempt, .closeTunnel, .report: break
                }
            }
            return actions
        }

        func configure(_ policy: CanaryPolicy?) -> [Action] {
            follow(machine.policyChanged(policy, using: &random))
        }

        func session(isOnline: Bool) -> [Action] {
            follow(machine.sessionChanged(isOnline: isOnline, using: &random))
        }

        func fire() -> [Action] { follow(machine.timerFired(generation: generation)) }

        func end(_ outcome: CanaryOutcome) -> [Action] {
            follow(machine.ended(attempt: generation, outcome, using: &random))
        }

        /// One attempt from its timer on.
        func attempt(_ outcome: CanaryOutcome) -> [Action] {
            _ = fire()
            return end(outcome)
        }

        /// Online with a policy, and waiting for the first attempt.
        static func waiting() -> Run {
            let run = Run()
            _ = run.configure(CanaryTests.policy)
            _ = run.session(isOnline: true)
            return run
        }
    }

    private static func wait(_ actions: [Action]) -> Duration? {
        for case .schedule(_, let wait) in actions { return wait }
        return nil
    }

    private static func reports(_ actions: [Action]) -> [CanaryStateMachine.Change] {
        actions.compactMap { if case .report(let change) = $0 { change } else { nil } }
    }

    @Test("is never tried without a policy, nor while the session is not online")
    func off() {
        let run = Run()
        #expect(run.session(isOnline: true).isEmpty)
        #expect(run.machine.verdict == nil)
        #expect(run.session(isOnline: false).isEmpty)
        #expect(run.configure(Self.policy).isEmpty)
        #expect(run.machine.verdict == CanaryStateMachine.Verdict())
        #expect(run.session(isOnline: false).isEmpty)
        #expect(run.fire().isEmpty)
        let actions = run.session(isOnline: true)
        #expect(actions.count == 1 && Self.wait(actions) != nil)
    }

    @Test(
        "waits for an interval, more or less a tenth, and the first time for any part of one",
        arguments: 1...40 as ClosedRange<UInt64>
    )
    func waits(seed: UInt64) {
        let run = Run()
        run.random = SplitMix(seed: seed)
        _ = run.configure(Self.policy)
        let first = Self.wait(run.session(isOnline: true)) ?? .zero
        #expect(first >= .seconds(3) && first <= .seconds(30))
        for outcome in [CanaryOutcome.passed(.seconds(1)), .failed(.lost), .failed(.lost)] {
            let wait = Self.wait(run.attempt(outcome)) ?? .zero
            #expect(wait >= .seconds(27) && wait <= .seconds(33))
        }
    }

    @Test("is tried once at a time, and what comes late is ignored")
    func onceAtATime() {
        let run = Run.waiting()
        let timer = run.generation
        #expect(run.fire() == [.start(attempt: timer + 1)])
        let again = run.machine.timerFired(generation: timer)
        let early = run.machine.timerFired(generation: run.generation)
        #expect(again.isEmpty && early.isEmpty)
        let late = run.machine.ended(attempt: timer, .passed(.zero), using: &run.random)
        #expect(late.isEmpty && run.machine.isTrying)
        #expect(run.machine.isCurrent(attempt: run.generation) && !run.machine.isCurrent(attempt: timer))
        #expect(Self.wait(run.end(.passed(.zero))) != nil)
        #expect(run.end(.failed(.lost)).isEmpty, "its timer has another number, and nothing runs")
        #expect(run.machine.verdict?.last == .passed(.zero))
    }

    @Test("a single failure is no report, two in a row are one, and the first that passes ends it")
    func verdict() {
        let run = Run.waiting()
        #expect(Self.reports(run.attempt(.failed(.lost))).isEmpty)
        #expect(run.machine.verdict?.failures == 1 && run.machine.verdict?.isFailing == false)
        #expect(Self.reports(run.attempt(.passed(.seconds(1)))).isEmpty)
        #expect(run.machine.verdict?.failures == 0)
        _ = run.attempt(.failed(.lost))
        #expect(Self.reports(run.attempt(.failed(.altered))) == [.beganToFail(.altered, failures: 2)])
        #expect(run.machine.verdict?.isFailing == true)
        #expect(Self.reports(run.attempt(.failed(.lost))).isEmpty, "it is known already")
        #expect(run.machine.verdict?.failures == 3)
        #expect(Self.reports(run.attempt(.passed(.seconds(1)))) == [.passesAgain(failures: 3)])
        #expect(run.machine.verdict?.isFailing == false)
    }

    @Test("a refusal is reported at once")
    func refusal() {
        let run = Run.waiting()
        #expect(Self.reports(run.attempt(.failed(Self.refused))) == [.beganToFail(Self.refused, failures: 1)])
        #expect(Self.reports(run.attempt(.failed(.lost))).isEmpty)
        #expect(run.machine.verdict?.isFailing == true)
    }

    @Test("ends with the session, in the middle of an attempt too, and what it knew is forgotten")
    func sessionLost() {
        let run = Run.waiting()
        _ = run.attempt(.failed(Self.refused))
        #expect(run.session(isOnline: true).isEmpty, "that is known")
        #expect(run.session(isOnline: false) == [.closeTunnel])
        #expect(run.machine.verdict == CanaryStateMachine.Verdict())
        _ = run.session(isOnline: true)
        _ = run.fire()
        #expect(run.session(isOnline: false) == [.stopAttempt, .closeTunnel])
        #expect(run.end(.failed(.lost)).isEmpty)
        #expect(run.machine.verdict == CanaryStateMachine.Verdict())
    }

    @Test("a reload turns it on and off and changes its interval, and does not disturb an attempt")
    func reload() {
        let run = Run.waiting()
        #expect(run.configure(Self.policy).isEmpty, "nothing has changed")
        let old = run.generation
        let actions = run.configure(CanaryPolicy(interval: .seconds(5)))
        #expect(Self.wait(actions).map { $0 <= .seconds(5) } == true)
        let stale = run.machine.timerFired(generation: old)
        #expect(stale.isEmpty)
        _ = run.fire()
        #expect(run.configure(Self.policy).isEmpty)
        #expect(Self.wait(run.end(.passed(.zero))).map { $0 >= .seconds(27) } == true)
        #expect(run.configure(nil) == [.closeTunnel])
        #expect(run.machine.verdict == nil)
        _ = run.configure(Self.policy)
        _ = run.fire()
        #expect(run.configure(nil) == [.stopAttempt, .closeTunnel])
        #expect(run.end(.passed(.zero)).isEmpty)
    }

    @Test("an operator's attempt is made at once, counts where there is a policy, and shares one that runs")
    func asked() {
        let run = Run()
        let offline = run.machine.requested()
        #expect(offline == nil)
        _ = run.session(isOnline: true)
        let first = run.machine.requested().map { run.follow($0) }
        #expect(first == [.start(attempt: run.generation)])
        let second = run.machine.requested()
        #expect(second == [])
        #expect(run.end(.failed(Self.refused)) == [.closeTunnel], "without a policy nothing follows")
        #expect(run.machine.verdict == nil && !run.machine.isTrying)

        _ = run.configure(Self.policy)
        _ = run.machine.requested().map { run.follow($0) }
        #expect(run.configure(nil).isEmpty, "who asked still waits for it")
        #expect(run.end(.passed(.zero)) == [.closeTunnel])

        _ = run.configure(Self.policy)
        _ = run.machine.requested().map { run.follow($0) }
        #expect(Self.wait(run.end(.passed(.zero))) != nil)
        #expect(run.machine.verdict?.last == .passed(.zero))
    }

    @Test(
        "whatever happens, an attempt is stopped or ends once, and is never made off line",
        arguments: 1...200 as ClosedRange<UInt64>
    )
    func walk(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let run = Run()
        run.random = SplitMix(seed: seed &+ 1_000)
        var (isOnline, running) = (false, Int?.none)
        for _ in 0..<200 {
            let actions: [Action]
            switch Int.random(in: 0..<7, using: &random) {
            case 0: actions = run.configure(Bool.random(using: &random) ? Self.policy : nil)
            case 1:
                isOnline = Bool.random(using: &random)
                actions = run.session(isOnline: isOnline)
            case 2, 3: actions = run.fire()
            case 4:
                let asked = run.machine.requested().map { run.follow($0) }
                #expect((asked == nil) == !isOnline, "seed \(seed)")
                actions = asked ?? []
            default:
                guard let attempt = running else { continue }
                running = nil
                let outcome = Bool.random(using: &random) ? CanaryOutcome.passed(.zero) : .failed(.lost)
                actions = run.follow(run.machine.ended(attempt: attempt, outcome, using: &run.random))
            }
            for action in actions {
                switch action {
                case .start(let attempt):
                    #expect(running == nil && isOnline, "seed \(seed)")
                    running = attempt
                case .stopAttempt:
                    #expect(running != nil, "seed \(seed)")
                    running = nil
                case .schedule: #expect(isOnline, "seed \(seed)")
                case .closeTunnel, .report: break
                }
            }
            #expect(run.machine.isTrying == (running != nil), "seed \(seed)")
            #expect(!run.machine.isTrying || isOnline, "seed \(seed)")
        }
    }

    @Test("says why it failed in a word, and what to do")
    func reasons() {
        let causes: [(RstreamError.Code, RstreamError.Retry, CanaryFailure.Reason)] = [
            (.engine, .afterReload, .refused), (.engine, .never, .refused), (.engine, .afterBackoff, .unavailable),
            (.tokenExpired, .afterReload, .refused), (.operationTimeout, .afterBackoff, .timeout),
            (.tunnelClosed, .afterBackoff, .lost), (.controlLiveness, .afterBackoff, .lost),
            (.engineUnreachable, .afterBackoff, .unreachable), (.controlPlane, .afterBackoff, .unreachable),
        ]
        for (code, retry, reason) in causes {
            let failure = CanaryFailure(RstreamError(code: code, origin: .engine, retry: retry, what: "so"))
            #expect(failure.reason == reason)
            #expect(failure.error.code == code && failure.error.retry == retry)
            #expect(failure.error.what == "the canary did not come back: so")
            #expect(failure.error.fix != nil)
        }
        let known = RstreamError(code: .tokenExpired, origin: .host, retry: .never, what: "so", fix: "do this")
        #expect(CanaryFailure(known).error.fix == "do this")
        let property = RetryPolicy.error(EngineError(code: .featureNotAvailable, message: "no"), refusing: "the tunnel")
        #expect(CanaryFailure(property).error.fix?.contains("remove canary from rstreamd.yaml") == true)
        let forgotten = RetryPolicy.error(EngineError(code: .tunnelNotFound, message: "no"), refusing: "the stream")
        #expect(CanaryFailure(forgotten).reason == .lost)
        let failures: [CanaryFailure] = [.lost, .altered, .timedOut(after: .seconds(10))]
        #expect(failures.map(\.reason) == [.lost, .altered, .timeout])
        #expect(failures.allSatisfy { $0.error.fix != nil })
        #expect(CanaryFailure.timedOut(after: .seconds(10)).error.what.hasSuffix("within 10 s"))
        #expect(CanaryOutcome.results == ["passed"] + CanaryFailure.Reason.allCases.map(\.rawValue))
        #expect(CanaryOutcome.passed(.zero).result == "passed" && CanaryOutcome.failed(.lost).result == "lost")
    }
}
