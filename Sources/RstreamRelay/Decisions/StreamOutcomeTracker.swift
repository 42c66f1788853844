// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
internal import RstreamModel

/// Remembers which of a stream's halves ended or broke first, and decides the stream's outcome.
///
/// One half leads to the visitor, the other one to the service. The engine is between this host and the visitor of a
/// tunnel, or the service of a listener; where the engine's connection breaks otherwise than by a reset, it broke on
/// the way to the engine.
package struct StreamOutcomeTracker: Hashable, Sendable {
    package typealias Half = RelayStateMachine.Half

    /// How a connection broke.
    package enum Loss: Hashable, Sendable {
        /// Its peer reset it.
        case reset
        /// It timed out, or ended without close_notify.
        case broken
        /// It is gone, and no error was reported.
        case closed
    }

    package struct Verdict: Hashable, Sendable {
        package let outcome: StreamOutcome
        /// Whether the visitor was not served. A visitor that leaves by itself counts as served, and so does one whose
        /// stream was cut or idle.
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

    /// The input of a half has ended.
    package mutating func inputEnded(_ half: Half) {
        firstEnd = firstEnd ?? half
    }

    /// A half is gone; `machine` is in the state before.
    package mutating func connectionLost(_ half: Half, by loss: Loss, in machine: RelayStateMachine) {
        guard broken == nil, machine.isBroken(by: loss, of: half, isVisitor: half == visitor) else { return }
        broken = Break(half: half, loss: loss)
    }

    /// The outcome; `asked` says whether the visitor has sent bytes, `answered` whether the service has.
    package func verdict(asked: Bool, answered: Bool) -> Verdict {
        if let broken {
            if broken.half == engine, broken.loss != .reset { return Verdict(.lost) }
            return Verdict(broken.half == visitor ? .visitorReset : .upstreamReset)
        }
        let wasLeft = firstEnd == visitor.other
        guard !answered, asked || wasLeft else { return Verdict(.completed) }
        // A service that only reads sends nothing to a visitor that ends its input, and that is no failure.
        return Verdict(.empty, isFailure: wasLeft)
    }
}

extension StreamOutcome {
    /// Whether the visitor was not served, where nothing more is known.
    fileprivate var isFailure: Bool {
        switch self {
        case .upstreamFailed, .upstreamReset, .empty, .refused, .lost: true
        case .completed, .visitorReset, .idle, .cut: false
        }
    }
}

extension RelayStateMachine {
    /// Whether bytes of the stream are lost when this half is gone. The bytes of a service that ended its input are
    /// still delivered, but not to a visitor that has reset its connection.
    fileprivate func isBroken(by loss: StreamOutcomeTracker.Loss, of half: Half, isVisitor: Bool) -> Bool {
        switch self {
        case .relaying(let downstream, let upstream):
            (half == .downstream ? downstream : upstream) == .open || isVisitor && loss != .closed
        case .delivering(let survivor, _): half == survivor && isVisitor && loss != .closed
        case .lingering, .finished: false
        }
    }
}
