// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("the opening of a stream")
struct StreamOpeningTests {
    typealias Machine = StreamOpeningStateMachine
    typealias Row = [Input: (Act, State)]

    enum State: String, CaseIterable {
        case starting, startingHeld, withholding, withholdingHeld, dialing, dialingHeld
        case awaitingEngine, awaitingLocal, awaitingLocalHeld, joining, joiningAnswered, finished

        var machine: Machine {
            switch self {
            case .starting: .starting(.running)
            case .startingHeld: .starting(.held)
            case .withholding: .withholding(.running)
            case .withholdingHeld: .withholding(.held)
            case .dialing: .dialing(.running)
            case .dialingHeld: .dialing(.held)
            case .awaitingEngine: .awaitingEngine
            case .awaitingLocal: .awaitingLocal(.running)
            case .awaitingLocalHeld: .awaitingLocal(.held)
            case .joining: .joining(isAnswered: false)
            case .joiningAnswered: .joining(isAnswered: true)
            case .finished: .finished
            }
        }

        init(_ machine: borrowing Machine) {
            switch machine {
            case .starting(let dial): self = dial == .held ? .startingHeld : .starting
            case .withholding(let dial): self = dial == .held ? .withholdingHeld : .withholding
            case .dialing(let dial): self = dial == .held ? .dialingHeld : .dialing
            case .awaitingEngine: self = .awaitingEngine
            case .awaitingLocal(let dial): self = dial == .held ? .awaitingLocalHeld : .awaitingLocal
            case .joining(let isAnswered): self = isAnswered ? .joiningAnswered : .joining
            case .finished: self = .finished
            }
        }
    }

    enum Input: String, CaseIterable {
        case localPending, localArrived, dialFailed, dialFailedForGood, holdTimerFired, localRefused, localLeft
        case joined, joinFailed, requestTimerFired, engineArrived, engineFailed, engineClosed, cancelled, cut
    }

    /// What the machine asks for, whatever the input.
    enum Act: Equatable {
        case none, openEngineWithheld, openEngine, releaseRequest, join, discardLocal, hold, dialLocal, answer
        case discardEngine, abortEngine
        case end(Machine.End)
    }

    private static let error = RstreamError(code: .streamClosed, origin: .host, retry: .never, what: "an error")
    private static let wait = Duration.milliseconds(50)

    private static func end(
        _ cause: Machine.Cause,
        answers: Bool = true,
        _ engine: Machine.EngineDisposal
    ) -> (Act, State) {
        (.end(Machine.End(cause, answers: answers, engine: engine)), .finished)
    }

    /// Whatever ends a stream while its engine half is still being made.
    private static let ends: Row = [
        .dialFailedForGood: end(.upstreamFailed(error), .cancel),
        .localLeft: end(.visitorLeft(inOrder: true), .cancel),
        .engineFailed: end(.engineFailed(error), .none),
        .cancelled: end(.cancelled(error), .cancel),
        .cut: end(.cut(error), .cancel),
    ]

    /// Before anything is known of the local half, nothing is dialed at the engine.
    private static let startingEnds: Row = [
        .localArrived: (.openEngine, .awaitingEngine),
        .dialFailed: (.hold, .startingHeld),
        .dialFailedForGood: end(.upstreamFailed(error), .none),
        .localRefused: end(.refused(error), .none),
        .localLeft: end(.visitorLeft(inOrder: true), .none),
        .cancelled: end(.cancelled(error), .none),
        .cut: end(.cut(error), .none),
    ]

    /// Once the engine was told that the stream was taken, an error can only be seen on the connection.
    private static let awaitingLocalEnds: Row = [
        .localArrived: (.join, .joiningAnswered),
        .dialFailed: (.hold, .awaitingLocalHeld),
        .dialFailedForGood: end(.upstreamFailed(error), answers: false, .close),
        .localLeft: end(.visitorLeft(inOrder: true), answers: false, .close),
        .engineClosed: end(.visitorLeft(inOrder: false), answers: false, .none),
        .cut: end(.cut(error), answers: false, .abort),
    ]

    /// What each input does in each state. Where nothing is said, the machine asks for nothing and stays.
    private static let table: [State: Row] = [
        .starting: startingEnds.merging([.localPending: (.openEngineWithheld, .withholding)]) { $1 },
        .startingHeld: startingEnds.merging([
            .localPending: (.openEngineWithheld, .withholdingHeld), .holdTimerFired: (.dialLocal, .starting),
        ]) { $1 },
        .withholding: ends.merging([
            .localArrived: (.releaseRequest, .awaitingEngine), .dialFailed: (.hold, .withholdingHeld),
            .requestTimerFired: (.releaseRequest, .dialing), .engineArrived: (.answer, .awaitingLocal),
        ]) { $1 },
        .withholdingHeld: ends.merging([
            .localArrived: (.releaseRequest, .awaitingEngine), .dialFailed: (.hold, .withholdingHeld),
            .holdTimerFired: (.dialLocal, .withholding), .requestTimerFired: (.releaseRequest, .dialingHeld),
            .engineArrived: (.answer, .awaitingLocalHeld),
        ]) { $1 },
        .dialing: ends.merging([
            .localArrived: (.none, .awaitingEngine), .dialFailed: (.hold, .dialingHeld),
            .engineArrived: (.answer, .awaitingLocal),
        ]) { $1 },
        .dialingHeld: ends.merging([
            .localArrived: (.none, .awaitingEngine), .dialFailed: (.hold, .dialingHeld),
            .holdTimerFired: (.dialLocal, .dialing), .engineArrived: (.answer, .awaitingLocalHeld),
        ]) { $1 },
        .awaitingEngine: [
            .localLeft: end(.visitorLeft(inOrder: true), .cancel), .engineArrived: (.join, .joining),
            .engineFailed: end(.engineFailed(error), .none), .cancelled: end(.cancelled(error), .cancel),
            .cut: end(.cut(error), .cancel),
        ],
        .awaitingLocal: awaitingLocalEnds,
        .awaitingLocalHeld: awaitingLocalEnds.merging([.holdTimerFired: (.dialLocal, .awaitingLocal)]) { $1 },
        .joining: [
            .joined: (.answer, .finished), .joinFailed: end(.notTaken(error), .close),
            .cancelled: (.abortEngine, .joining),
        ],
        .joiningAnswered: [
            .joined: (.none, .finished), .joinFailed: end(.notTaken(error), answers: false, .close),
        ],
        .finished: [.localArrived: (.discardLocal, .finished), .engineArrived: (.discardEngine, .finished)],
    ]

    private static func apply(_ input: Input, to machine: inout Machine) -> Act {
        func act(_ action: Machine.EndAction) -> Act {
            switch action {
            case .none: .none
            case .end(let end): .end(end)
            }
        }
        switch input {
        case .localPending:
            return switch machine.localPending() {
            case .none: .none
            case .openEngineWithheld: .openEngineWithheld
            }
        case .localArrived:
            return switch machine.localArrived() {
            case .none: .none
            case .openEngine: .openEngine
            case .releaseRequest: .releaseRequest
            case .join: .join
            case .discardLocal: .discardLocal
            }
        case .dialFailed, .dialFailedForGood:
            return switch machine.localDialFailed(error, retryAfter: input == .dialFailed ? wait : nil) {
            case .none: .none
            case .hold(wait): .hold
            case .hold: .none
            case .end(let end): .end(end)
            }
        case .holdTimerFired:
            return switch machine.holdTimerFired() {
            case .none: .none
            case .dialLocal: .dialLocal
            }
        case .localRefused: return act(machine.localRefused(error))
        case .localLeft: return act(machine.localLeft(inOrder: true))
        case .joined:
            return switch machine.joined() {
            case .none: .none
            case .answer: .answer
            }
        case .joinFailed: return act(machine.joinFailed(error))
        case .requestTimerFired:
            return switch machine.requestTimerFired() {
            case .none: .none
            case .releaseRequest: .releaseRequest
            }
        case .engineArrived:
            return switch machine.engineArrived() {
            case .none: .none
            case .answer: .answer
            case .join: .join
            case .discardEngine: .discardEngine
            }
        case .engineFailed: return act(machine.engineFailed(error))
        case .engineClosed: return act(machine.engineClosed())
        case .cancelled:
            return switch machine.cancelled(error) {
            case .none: .none
            case .abortEngine: .abortEngine
            case .end(let end): .end(end)
            }
        case .cut: return act(machine.cut(error))
        }
    }

    @Test("asks for what its table says, and for nothing where that is silent", arguments: State.allCases)
    func everyInput(state: State) {
        for input in Input.allCases {
            var machine = state.machine
            let act = Self.apply(input, to: &machine)
            let next = State(machine)
            let expected = Self.table[state]?[input] ?? (.none, state)
            #expect(act == expected.0, "\(input) while \(state)")
            #expect(next == expected.1, "\(input) while \(state)")
        }
    }

    @Test("begins with the local half")
    func start() {
        let machine = Machine()
        #expect(State(machine) == .starting)
    }

    @Test("an upstream that refuses is told to the engine as such; where else it failed, as what it is")
    func stages() {
        let causes: [(Machine.Cause, StreamRoute.Stage)] = [
            (.refused(Self.error), .acceptor), (.upstreamFailed(Self.error), .upstream),
            (.engineFailed(Self.error), .connection), (.notTaken(Self.error), .acceptor),
            (.cancelled(Self.error), .acceptor), (.cut(Self.error), .acceptor),
        ]
        for (cause, stage) in causes {
            #expect(cause.error == Self.error)
            #expect(cause.stage == stage)
        }
        #expect(Machine.Cause.visitorLeft(inOrder: true).error.what == "the visitor has left")
    }

    /// What the shell has done so far.
    private struct Shell {
        var answers = 0
        var engineOpens = 0
        /// Connections that are there, and belong to nobody else yet.
        var engine = 0
        var local = 0
        var isReleased = false
        var hasEnded = false
        var localIsThere = false
    }

    @Test(
        "answers the engine once, joins or drops each half once, and asks for nothing after the end",
        arguments: 1...500 as ClosedRange<UInt64>
    )
    func walk(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var machine = Machine()
        var shell = Shell()
        var done: [Input] = []
        var isJoined = false
        for step in 0..<80 {
            let begins = step == 0 && Bool.random(using: &random)
            let input = begins ? .localPending : try #require(Input.allCases.randomElement(using: &random))
            // What a shell cannot report.
            switch input {
            case .engineArrived, .engineFailed: guard shell.engineOpens == 1, shell.engine == 0 else { continue }
            case .localArrived, .dialFailed, .dialFailedForGood: guard !shell.localIsThere else { continue }
            case .localPending: guard done.isEmpty || shell.hasEnded else { continue }
            default: break
            }
            done.append(input)
            if input == .engineArrived { shell.engine += 1 }
            if input == .localArrived { (shell.local, shell.localIsThere) = (shell.local + 1, true) }
            let wasOver = shell.hasEnded
            switch Self.apply(input, to: &machine) {
            case .none: break
            case .openEngineWithheld: shell.engineOpens += 1
            case .openEngine: (shell.engineOpens, shell.isReleased) = (shell.engineOpens + 1, true)
            case .releaseRequest:
                #expect(!shell.isReleased, "seed \(seed): \(done)")
                shell.isReleased = true
            case .answer: shell.answers += 1
            case .join:
                #expect(!isJoined, "seed \(seed): \(done)")
                isJoined = true
                #expect((shell.engine, shell.local) == (1, 1), "seed \(seed): \(done)")
            case .discardLocal: shell.local -= 1
            case .discardEngine: shell.engine -= 1
            case .hold, .dialLocal: #expect(!shell.localIsThere, "seed \(seed): \(done)")
            case .abortEngine: #expect(isJoined, "seed \(seed): \(done)")
            case .end(let end):
                #expect(!wasOver, "seed \(seed): \(done)")
                if end.answers { shell.answers += 1 }
                if end.engine == .close || end.engine == .abort { shell.engine -= 1 }
                if end.cause == .visitorLeft(inOrder: false) { shell.engine -= 1 }
                if shell.localIsThere { shell.local -= 1 }
            }
            if State(machine) == .finished { shell.hasEnded = true }
            if isJoined, shell.hasEnded, !wasOver, input == .joined { (shell.engine, shell.local) = (0, 0) }
            if wasOver { #expect(State(machine) == .finished, "seed \(seed): \(done)") }
            #expect(shell.answers <= 1 && shell.engineOpens <= 1, "seed \(seed): \(done)")
        }
        guard shell.hasEnded else { return }
        #expect(shell.answers == 1, "seed \(seed): \(done)")
        #expect(shell.local == 0, "seed \(seed): \(done)")
        #expect(shell.engine == 0, "seed \(seed): \(done)")
    }
}
