// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOPosix
internal import Rstream
internal import RstreamAdmin
internal import RstreamCore
internal import RstreamModel

/// Told the outcome of a canary that an operator asked for; nil where none could be sent.
typealias CanaryAnswer = @Sendable (CanaryOutcome?) -> Void

extension CanaryReport {
    init(_ session: EngineSession, _ outcome: CanaryOutcome?) {
        let (id, context) = (String(session.id.number), session.context)
        switch outcome {
        case .passed(let duration):
            self.init(session: id, context: context, outcome: .passed, durationSeconds: duration.inSeconds)
        case .failed(let failure):
            let error = ErrorReport(failure.error, at: .now)
            self.init(session: id, context: context, outcome: Outcome(failure.reason), lastError: error)
        case nil: self.init(session: id, context: context, outcome: .offline)
        }
    }
}

extension CanaryReport.Outcome {
    /// The admin API's word (contract §6) for why an attempt failed.
    init(_ reason: CanaryFailure.Reason) { self.init(rawValue: reason.rawValue) }
}

/// The canary of a session. Owned by the one task that takes the session's events.
struct SessionCanary {
    var machine = CanaryStateMachine()
    let timer = DelayedCall()
    /// The tunnel that is served.
    var tunnel: CanaryTunnel?
    /// Stops the attempt that runs.
    var limit: CancellablePause?
    /// Who waits for the attempt that runs.
    var answers: [CanaryAnswer] = []

    mutating func answer(_ outcome: CanaryOutcome?) {
        for answer in answers { answer(outcome) }
        answers = []
    }

    /// Ends what runs, with the session.
    mutating func stop() {
        timer.cancel()
        limit?.stop()
        answer(nil)
    }
}

/// Carries out what ``CanaryStateMachine`` decided.
extension EngineSession {
    /// Sends a canary now, and waits for its outcome; nil when the session is not online.
    func canaryOutcome() async -> CanaryOutcome? {
        await withCheckedContinuation { continuation in
            tryCanary { continuation.resume(returning: $0) }
        }
    }

    func canaryChanged(to policy: CanaryPolicy?, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        let actions = state.canary.machine.policyChanged(policy, using: &state.random)
        statusStore.update(id, canary: state.canary.machine.verdict)
        perform(actions, &state, &group)
    }

    /// Follows the session, after each of its events.
    func followCanary(_ state: inout State, _ group: inout DiscardingTaskGroup) {
        let isOnline = state.session.state == .online && state.channel != nil
        let actions = state.canary.machine.sessionChanged(isOnline: isOnline, using: &state.random)
        guard !actions.isEmpty else { return }
        statusStore.update(id, canary: state.canary.machine.verdict)
        perform(actions, &state, &group)
    }

    func handleCanary(_ event: Event, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        switch event {
        case .canaryTimerFired(let generation):
            perform(state.canary.machine.timerFired(generation: generation), &state, &group)
        case .canaryTunnelOpened(let attempt, let tunnel):
            guard state.canary.machine.isCurrent(attempt: attempt) else {
                return group.addTask { await tunnel.close() }
            }
            state.canary.tunnel = tunnel
            group.addTask { [send] in
                await tunnel.serve()
                send.yield(.canaryTunnelEnded(tunnel))
            }
        case .canaryTunnelEnded(let tunnel):
            if state.canary.tunnel === tunnel { state.canary.tunnel = nil }
        case .canaryEnded(let attempt, let outcome):
            guard state.canary.machine.isCurrent(attempt: attempt) else { return }
            state.canary.limit = nil
            if case .failed(let failure) = outcome {
                var facts = Logger.Metadata.facts(of: failure.error)
                facts["reason"] = "\(failure.reason.rawValue)"
                logger.debug("canary failed", metadata: facts)
            }
            let actions = state.canary.machine.ended(attempt: attempt, outcome, using: &state.random)
            // Published before it is logged: a reader of the line may get the status at once.
            statusStore.update(id, canary: state.canary.machine.verdict, after: outcome)
            perform(actions, &state, &group)
            state.canary.answer(outcome)
        case .canaryRequested(let answer):
            guard let actions = state.canary.machine.requested() else { return answer(nil) }
            state.canary.answers.append(answer)
            perform(actions, &state, &group)
        case .connected, .connectFailed, .channelEnded, .retryTimerFired, .tunnelOpened, .tunnelFailed, .tunnelEnded,
            .tunnelTimerFired, .changed, .addressFree, .retryRequested, .renewRequested, .filesChanged,
            .networkChanged, .tokenCheckDue, .tokenSeen, .drainRequested, .drained, .stopRequested:
            break
        }
    }

    private func perform(
        _ actions: [CanaryStateMachine.Action],
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        let send = send
        for action in actions {
            switch action {
            case .schedule(let generation, let wait):
                state.canary.timer.set(wait) { send.yield(.canaryTimerFired(generation: generation)) }
            case .start(let number):
                // A session that is online has one.
                guard let channel = state.channel else { continue }
                let limit = CancellablePause(on: MultiThreadedEventLoopGroup.singleton.any())
                state.canary.limit = limit
                let attempt = CanaryAttempt(
                    channel: channel,
                    client: state.client,
                    tunnel: state.canary.tunnel,
                    limit: limit
                )
                group.addTask {
                    let outcome = await attempt.run { send.yield(.canaryTunnelOpened(attempt: number, $0)) }
                    send.yield(.canaryEnded(attempt: number, outcome))
                }
            case .stopAttempt:
                state.canary.limit?.stop()
                state.canary.limit = nil
                state.canary.answer(nil)
            case .closeTunnel:
                guard let tunnel = state.canary.tunnel else { continue }
                state.canary.tunnel = nil
                group.addTask { await tunnel.close() }
            case .report(let change): log(change)
            }
        }
    }

    private func log(_ change: CanaryStateMachine.Change) {
        switch change {
        case .beganToFail(let failure, let failures):
            var facts = Logger.Metadata.facts(of: failure.error)
            facts["reason"] = "\(failure.reason.rawValue)"
            facts[LogKey.attempts] = .stringConvertible(failures)
            logger.warning("canary fails, streams may not arrive", metadata: facts)
        case .passesAgain(let failures):
            logger.notice("canary passes again", metadata: [LogKey.attempts: .stringConvertible(failures)])
        }
    }
}
