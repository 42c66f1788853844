// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import RstreamModel

/// Logs the outage of something that streams depend on (an upstream, a tunnel, descriptors) once when it begins and
/// once when it ends, however many streams meet it. To keep a flapping service from filling the log, a second outage
/// within a minute is not logged unless it lasts longer than that.
///
/// The subject of an outage may be replaced, by another upstream for instance; late reports about the one before are
/// ignored.
final class OutageLog: Sendable {
    /// The shortest time from one logged outage to the next.
    static let pause = Duration.seconds(60)

    /// The upstream, tunnel or resource that reports are about.
    struct Subject: Sendable {
        private let log: OutageLog
        private let number: Int

        fileprivate init(_ log: OutageLog, _ number: Int) {
            (self.log, self.number) = (log, number)
        }

        func reached(at now: ContinuousClock.Instant = .now) { log.reached(number, at: now) }

        /// An attempt failed that began at `start`; it counts only when no attempt has succeeded since. `facts` go
        /// into the log line.
        func failed(
            _ error: RstreamError,
            _ facts: @autoclosure () -> Logger.Metadata = [:],
            since start: ContinuousClock.Instant? = nil,
            at now: ContinuousClock.Instant = .now
        ) {
            log.failed(number, error, facts, since: start ?? now, at: now)
        }
    }

    private struct State {
        var subject = 0
        var isDown = false
        /// Whether an outage was logged and its end was not.
        var isTold = false
        var toldAt: ContinuousClock.Instant?
        var reachedAt: ContinuousClock.Instant?
    }

    private enum Effect: Sendable {
        case lost(Logger.Metadata)
        case found
        case tell(RstreamError?)
    }

    private let decisions: OrderedEffects<State, Effect>

    private init(
        lost: Logger.Message,
        found: Logger.Message,
        observer: (any StreamObserver)? = nil,
        logger: SharedLogger
    ) {
        decisions = OrderedEffects(State()) { effect in
            switch effect {
            case .lost(let facts): logger.current.warning(lost, metadata: facts)
            case .found: logger.current.notice(found)
            case .tell(let error): observer?.reachabilityChanged(error)
            }
        }
    }

    /// Outages of a tunnel's upstream.
    static func upstream(_ logger: SharedLogger, _ observer: (any StreamObserver)?) -> OutageLog {
        OutageLog(
            lost: "upstream unreachable",
            found: "upstream reachable again",
            observer: observer,
            logger: logger
        )
    }

    /// Outages of the tunnel that a listener dials.
    static func dial(_ logger: SharedLogger, _ observer: (any StreamObserver)?) -> OutageLog {
        OutageLog(
            lost: "tunnel unreachable",
            found: "tunnel reachable again",
            observer: observer,
            logger: logger
        )
    }

    /// Outages of accepting connections.
    static func accept(_ logger: SharedLogger) -> OutageLog {
        OutageLog(lost: "cannot accept connections", found: "accepting connections again", logger: logger)
    }

    var subject: Subject { Subject(self, decisions.read(\.subject)) }

    /// Replaces the subject; an outage of the one before is over without a line in the log.
    @discardableResult
    func replaced() -> Subject {
        let number = decisions.decide { state, effects in
            if state.isDown { effects.append(.tell(nil)) }
            state = State(subject: state.subject + 1)
            return state.subject
        }
        return Subject(self, number)
    }

    private func reached(_ subject: Int, at now: ContinuousClock.Instant) {
        decisions.decide { state, effects in
            guard subject == state.subject else { return }
            state.reachedAt = now
            guard state.isDown else { return }
            state.isDown = false
            if state.isTold { effects.append(.found) }
            state.isTold = false
            effects.append(.tell(nil))
        }
    }

    private func failed(
        _ subject: Int,
        _ error: RstreamError,
        _ facts: () -> Logger.Metadata,
        since start: ContinuousClock.Instant,
        at now: ContinuousClock.Instant
    ) {
        decisions.decide { state, effects in
            guard subject == state.subject else { return }
            if let reachedAt = state.reachedAt, start < reachedAt { return }
            if !state.isDown { effects.append(.tell(error)) }
            state.isDown = true
            guard !state.isTold else { return }
            if let last = state.toldAt, last.duration(to: now) < Self.pause { return }
            (state.toldAt, state.isTold) = (now, true)
            var facts = facts()
            facts["error"] = "\(error.what)"
            facts["error_code"] = "\(error.code)"
            if let fix = error.fix { facts["fix"] = "\(fix)" }
            effects.append(.lost(facts))
        }
    }
}
