// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemonModel
import RstreamModel
import Testing

@testable import RstreamRelay

@Suite("what became of a stream")
struct StreamOutcomeTrackerTests {
    typealias Half = RelayStateMachine.Half
    typealias Loss = StreamOutcomeTracker.Loss

    /// What happens to a stream, told to the machine and the outcomeTracker as the relay tells them.
    private enum Step {
        case ends(Half)
        case delivered(to: Half)
        case lost(Half, Loss)
    }

    private func verdict(
        visitor: Half = .downstream,
        asked: Bool = true,
        answered: Bool = true,
        _ steps: Step...
    ) -> StreamOutcomeTracker.Verdict {
        var (machine, outcomeTracker) = (RelayStateMachine(), StreamOutcomeTracker(visitor: visitor))
        for step in steps {
            switch step {
            case .ends(let half):
                outcomeTracker.inputEnded(half)
                _ = machine.inputEnded(half)
            case .delivered(let half): _ = machine.outputClosed(half)
            case .lost(let half, let loss):
                outcomeTracker.connectionLost(half, by: loss, in: machine)
                _ = machine.connectionLost(half, byReset: loss == .reset)
            }
        }
        return outcomeTracker.verdict(asked: asked, answered: answered)
    }

    private func expect(
        _ outcome: StreamOutcome,
        isFailure: Bool,
        _ verdict: StreamOutcomeTracker.Verdict,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(verdict.outcome == outcome, sourceLocation: sourceLocation)
        #expect(verdict.isFailure == isFailure, sourceLocation: sourceLocation)
    }

    @Test("is that it was completed when both sides have ended, in either order")
    func completed() {
        for first in [Half.downstream, .upstream] {
            expect(.completed, isFailure: false, verdict(.ends(first), .delivered(to: first.other), .ends(first.other)))
        }
        // A service answers, closes, and is written to once more.
        expect(.completed, isFailure: false, verdict(.ends(.upstream), .lost(.upstream, .reset)))
        expect(
            .completed,
            isFailure: false,
            verdict(.ends(.upstream), .delivered(to: .downstream), .lost(.upstream, .reset))
        )
        // Both directions were done; the connection goes as it may.
        expect(
            .completed,
            isFailure: false,
            verdict(.ends(.downstream), .delivered(to: .upstream), .ends(.upstream), .lost(.downstream, .closed))
        )
        // Nobody said a word, and the visitor left first.
        expect(
            .completed,
            isFailure: false,
            verdict(asked: false, answered: false, .ends(.downstream), .ends(.upstream))
        )
    }

    @Test("is that the service broke it off, before its first byte and in mid-answer, a failure")
    func upstreamReset() {
        for answered in [false, true] {
            for loss in [Loss.reset, .broken, .closed] {
                expect(.upstreamReset, isFailure: true, verdict(answered: answered, .lost(.upstream, loss)))
                let later = verdict(answered: answered, .ends(.downstream), .lost(.upstream, loss))
                expect(.upstreamReset, isFailure: true, later)
            }
        }
        // On a listener the service is behind the engine.
        expect(.upstreamReset, isFailure: true, verdict(visitor: .upstream, .lost(.downstream, .reset)))
    }

    @Test("is that its visitor broke it off, which is no failure")
    func visitorReset() {
        expect(.visitorReset, isFailure: false, verdict(.lost(.downstream, .reset)))
        expect(.visitorReset, isFailure: false, verdict(visitor: .upstream, .lost(.upstream, .broken)))
        // It said that it is done, and is gone before its answer reached it.
        expect(.visitorReset, isFailure: false, verdict(.ends(.downstream), .lost(.downstream, .reset)))
        let done = verdict(.ends(.downstream), .delivered(to: .upstream), .lost(.downstream, .reset))
        expect(.visitorReset, isFailure: false, done)
        // The first one to break is the one that broke it off.
        expect(.visitorReset, isFailure: false, verdict(.lost(.downstream, .reset), .lost(.upstream, .reset)))
        let tail = verdict(.ends(.upstream), .lost(.upstream, .reset), .lost(.downstream, .reset))
        expect(.visitorReset, isFailure: false, tail)
    }

    @Test("is that nothing was answered; a failure, unless the visitor said first that it is done")
    func empty() {
        for asked in [false, true] {
            expect(
                .empty,
                isFailure: true,
                verdict(asked: asked, answered: false, .ends(.upstream), .ends(.downstream))
            )
        }
        expect(.empty, isFailure: false, verdict(answered: false, .ends(.downstream), .ends(.upstream)))
        let listener = verdict(visitor: .upstream, answered: false, .ends(.downstream), .ends(.upstream))
        expect(.empty, isFailure: true, listener)
    }

    @Test("is that the engine's connection broke, on its way to a visitor and on its way to a service")
    func lost() {
        for visitor in [Half.downstream, .upstream] {
            for loss in [Loss.broken, .closed] {
                expect(.lost, isFailure: true, verdict(visitor: visitor, .lost(.downstream, loss)))
            }
        }
    }

    @Test("has names that operators can rely on")
    func words() {
        #expect(
            StreamOutcome.allCases.map(\.rawValue) == [
                "completed", "upstream_failed", "upstream_reset", "visitor_reset", "empty", "refused", "idle", "cut",
                "lost",
            ]
        )
        let failures = StreamOutcome.allCases.filter { StreamOutcomeTracker.Verdict($0).isFailure }
        #expect(failures == [.upstreamFailed, .upstreamReset, .empty, .refused, .lost])
    }
}
