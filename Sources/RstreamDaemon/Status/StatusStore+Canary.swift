// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamCore
internal import RstreamModel

/// What sessions publish about their canaries.
extension StatusStore {
    /// Sets what a session's canary amounts to; nil while none is configured. `outcome` is the attempt that has just
    /// ended, if one has.
    func update(_ id: SessionID, canary verdict: CanaryStateMachine.Verdict?, after outcome: CanaryOutcome? = nil) {
        change { state in
            guard var session = state.sessions[id], session.canary?.verdict != verdict || outcome != nil else { return }
            let before = session.canary
            session.canary = verdict.map { entry($0, before: before, after: outcome) }
            state.sessions[id] = session
            guard let verdict else { return }
            if let outcome {
                for context in session.contexts { state.contexts[context]?.canaries[outcome.result, default: 0] += 1 }
            }
            // A session that is not online any more has an event of its own.
            guard verdict.isFailing != (before?.verdict.isFailing ?? false), verdict.last != nil else { return }
            state.pendingEvents.append(
                event(verdict.isFailing ? "canary.failing" : "canary.passing") { event in
                    event.session = String(id.number)
                    event.context = session.context
                    event.error = session.canary?.error
                }
            )
        }
    }

    private func entry(
        _ verdict: CanaryStateMachine.Verdict,
        before: CanaryEntry?,
        after outcome: CanaryOutcome?
    ) -> CanaryEntry {
        var entry = before ?? CanaryEntry()
        entry.verdict = verdict
        if outcome != nil { entry.at = now() }
        switch verdict.last {
        case .passed(let duration): (entry.duration, entry.error) = (duration, nil)
        case .failed(let failure): entry.error = errorReport(failure.error, before: entry.error)
        case nil: entry = CanaryEntry()
        }
        return entry
    }
}

extension CanaryStatus {
    init(_ entry: CanaryEntry) {
        let state: State =
            switch entry.verdict.last {
            case nil: .waiting
            case .some: entry.verdict.isFailing ? .failing : .passing
            }
        self.init(
            state: state,
            at: entry.at,
            durationSeconds: entry.duration?.inSeconds,
            failures: entry.verdict.failures,
            lastError: entry.error
        )
    }
}
