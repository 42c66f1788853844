package import RstreamDaemonModel
internal import RstreamModel

/// Remembers which of a stream's halves ended or broke first, and says what became of the stream.
///
/// One half is the visitor's: who connected. The other one is the service's. The engine is on the way to the visitor of
/// a tunnel and to the service of a listener; a connection of its that breaks otherwise than by a reset has broken on
/// that way.
package struct StreamOutcomeTracker: Hashable, Sendable {
    package typealias Half = RelayStateMachine.Half

    /// How a connection broke.
    package enum Loss: Hashable, Sendable {
        /// Its peer reset it.
        case reset
        /// It timed out, or its peer cut it off without a goodbye.
        case broken
        /// It is gone, and nothing was reported.
        case closed
    }

    package struct Verdict: Hashable, Sendable {
        package let outcome: StreamOutcome
        /// Whether somebody was not served. Who leaves by itself was served, and so was who is cut or silent.
        package let isFailure: Bool

        package init(_ outcome: StreamOutcome) {
            self.init(outcome, isFailure: outcome.isFailure)
        }

        fileprivate init(_ outcome: StreamOutcome, isFailure: Bool) {
            (self.outcome, self.isFailure) = (outcome, isFailure)
        }
    }

    private struct Break: Hashable {
        let half: Half
        let loss: Loss
    }

    private let visitor: Half
    private let engine = Half.downstream
    private var firstEnd: Half?
    private var broken: Break?

    package init(visitor: Half) {
        self.visitor = visitor
    }

    /// A half said that it is done.
    package mutating func inputEnded(_ half: Half) {
        firstEnd = firstEnd ?? half
    }

    /// A half is gone, as seen before `machine` is told.
    package mutating func connectionLost(_ half: Half, by loss: Loss, in machine: RelayStateMachine) {
        guard broken == nil, machine.isBroken(by: loss, of: half, isVisitor: half == visitor) else { return }
        broken = Break(half: half, loss: loss)
    }

    /// What became of it; `asked` says whether the visitor's bytes came, `answered` whether the service's did.
    package func verdict(asked: Bool, answered: Bool) -> Verdict {
        if let broken {
            if broken.half == engine, broken.loss != .reset { return Verdict(.lost) }
            return Verdict(broken.half == visitor ? .visitorReset : .upstreamReset)
        }
        let wasLeft = firstEnd == visitor.other
        guard !answered, asked || wasLeft else { return Verdict(.completed) }
        // A service that only listens says nothing to a visitor that says it is done, and that is no failure.
        return Verdict(.empty, isFailure: wasLeft)
    }
}

extension StreamOutcome {
    /// Whether somebody was not served, where nothing else says more.
    fileprivate var isFailure: Bool {
        switch self {
        case .upstreamFailed, .upstreamReset, .empty, .refused, .lost: true
        case .completed, .visitorReset, .idle, .cut: false
        }
    }
}

extension RelayStateMachine {
    /// Whether a stream is not whole any more when this half is gone. What a service said to its end is still delivered;
    /// to a visitor that broke off nothing is.
    fileprivate func isBroken(by loss: StreamOutcomeTracker.Loss, of half: Half, isVisitor: Bool) -> Bool {
        switch self {
        case .relaying(let downstream, let upstream):
            (half == .downstream ? downstream : upstream) == .open || isVisitor && loss != .closed
        case .delivering(let survivor, _): half == survivor && isVisitor && loss != .closed
        case .turningAway, .finished: false
        }
    }
}
